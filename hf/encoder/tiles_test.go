package encoder

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"searchd/hf/safetensors"
	"searchd/internal/simd"
)

// inTiles runs a test in bfloat16: in plain Go, and with assembly where that can run.
func inTiles(t *testing.T, test func(t *testing.T)) {
	for _, level := range []string{simd.LevelGoBFloat16, simd.LevelAMX} {
		if level != simd.LevelGoBFloat16 && !slices.Contains(simd.Levels(), level) {
			continue
		}
		t.Run(level, func(t *testing.T) {
			restore, err := simd.SetLevel(level)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			test(t)
		})
	}
}

// Assembly makes the bits of plain Go, whatever the architecture.
func TestTilesAreEqual(t *testing.T) {
	for _, f := range folders(t) {
		t.Run(f.name, func(t *testing.T) {
			var want []float32
			inTiles(t, func(t *testing.T) {
				m, err := New(f.config, f.file, Options{})
				if err != nil {
					t.Fatal(err)
				}
				batch := f.batch(t)
				got := make([]float32, len(batch.Ends)*m.Dimensions())
				if err := m.Encode(m.NewWorkspace(), batch, Output{}, got); err != nil { // heads are in float32
					t.Fatal(err)
				}
				if want == nil {
					want = got
				}
				if !slices.Equal(got, want) {
					t.Error("another outcome")
				}
			})
		})
	}
}

// A layer in several slices and blocks, with an activation that is not fused and sizes that need rounding, is that of float32 but for
// the rounding.
func TestTilesOfOddSizes(t *testing.T) {
	for _, activation := range []string{"gelu", "relu"} {
		config, file := oddModel(t, activation)
		batch := &Batch{}
		for _, n := range []int{1, 33, 600, 40, 5} { // more than a block
			for i := range n {
				batch.IDs = append(batch.IDs, int32((i*7+n)%config.Vocabulary))
			}
			batch.Close()
		}
		want := make([]float32, len(batch.Ends)*config.Hidden)
		inFloat32(t, config, file, batch, want)
		inTiles(t, func(t *testing.T) {
			m, err := New(config, file, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if m.slices() < 2 {
				t.Fatalf("%d slices", m.slices())
			}
			got := make([]float32, len(want))
			for _, threads := range []int{1, 3} {
				ws := m.NewWorkspace()
				ws.Threads = threads
				if err := m.Encode(ws, batch, Output{}, got); err != nil {
					t.Fatal(err)
				}
				if off := distance(t, m, got, want); !(off < 0.03) {
					t.Errorf("%s, %d threads: %.2g away", activation, threads, off)
				}
			}
		})
	}
}

// inFloat32 is what plain Go makes of a batch.
func inFloat32(t *testing.T, config Config, file *safetensors.File, batch *Batch, dst []float32) {
	t.Helper()
	restore, err := simd.SetLevel(simd.LevelGo)
	if err != nil {
		t.Fatal(err)
	}
	defer restore()
	m, err := New(config, file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Encode(m.NewWorkspace(), batch, Output{}, dst); err != nil {
		t.Fatal(err)
	}
}

// oddModel has sizes that are no multiples of 32, and random weights.
func oddModel(t *testing.T, activation string) (Config, *safetensors.File) {
	t.Helper()
	config := Config{
		ModelType: "bert", Vocabulary: 50, Positions: 600, TokenTypes: 1, Hidden: 60, Intermediate: 1000, Heads: 3, Layers: 1,
		Epsilon: 1e-12, Activation: activation,
	}
	state := uint64(1)
	random := func(name string, size float64, shape ...int) safetensors.Tensor {
		n := 1
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			state = state*6364136223846793005 + 1442695040888963407
			values[i] = float32((float64(state>>11)/(1<<53) - 0.5) * size)
		}
		return safetensors.NewFloat32(name, shape, values)
	}
	tensors := []safetensors.Tensor{
		random(wordEmbeddings, 2, 50, 60), random(positionEmbeddings, 2, 600, 60), random(typeEmbeddings, 1, 1, 60),
		random(embeddingNorm+".weight", 2, 60), random(embeddingNorm+".bias", 1, 60),
	}
	names := architectures()["bert"].names
	layer := names.layers + "0."
	for _, l := range []struct {
		name    string
		out, in int
	}{
		{names.query, 60, 60}, {names.key, 60, 60}, {names.value, 60, 60}, {names.output, 60, 60}, {names.grow, 1000, 60}, {names.shrink, 60, 1000},
	} {
		tensors = append(tensors, random(layer+l.name+".weight", 3/math.Sqrt(float64(l.in)), l.out, l.in), random(layer+l.name+".bias", 0.5, l.out))
	}
	for _, name := range []string{names.attentionNorm, names.outputNorm} {
		tensors = append(tensors, random(layer+name+".weight", 2, 60), random(layer+name+".bias", 1, 60))
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, nil, tensors); err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return config, file
}

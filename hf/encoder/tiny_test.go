package encoder

import (
	"fmt"
	"math"
	"os"
	"testing"

	"searchd/hf/safetensors"
	"searchd/internal/simd"
)

const fixtures = "../../fixtures/encoder/"

// tiny opens the small BERT with random weights, which comes with the states of its layers.
func tiny(t testing.TB) (Config, *safetensors.File) {
	t.Helper()
	b, err := os.ReadFile(fixtures + "tiny.json")
	if err != nil {
		t.Fatal(err)
	}
	config, err := ParseConfig(b)
	if err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Open(fixtures + "tiny.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	return config, file
}

func tinyModel(t testing.TB) (*Model, *safetensors.File) {
	t.Helper()
	config, file := tiny(t)
	m, err := New(config, file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m, file
}

// tinyTexts are the token ids of the texts that the states belong to.
func tinyTexts(t testing.TB, file *safetensors.File) [][]int32 {
	t.Helper()
	var texts [][]int32
	for file.Has(fmt.Sprintf("ids.%d", len(texts))) {
		var ids []int32
		for _, id := range floats(t, file, fmt.Sprintf("ids.%d", len(texts))) {
			ids = append(ids, int32(id))
		}
		texts = append(texts, ids)
	}
	if len(texts) == 0 {
		t.Fatal("no texts")
	}
	return texts
}

func floats(t testing.TB, file *safetensors.File, name string) []float32 {
	t.Helper()
	tensor, err := file.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	values, err := tensor.Float32s(nil)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func batchOf(texts ...[]int32) *Batch {
	b := &Batch{}
	for _, ids := range texts {
		b.IDs = append(b.IDs, ids...)
		b.Close()
	}
	return b
}

// eachLevel runs a test with every implementation of the kernels that this machine has, and with plain Go in bfloat16. A model has to
// be opened by the test, since its level decides how it is packed.
func eachLevel(t *testing.T, test func(t *testing.T)) {
	for _, level := range append(simd.Levels(), simd.LevelGoBFloat16) {
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

// distance is how far values are from the reference's: of a model in float32 the largest difference, of one in bfloat16, whose
// single values may be off by one in a hundred, the root of the mean square, relative to that of the values.
func distance(t testing.TB, m *Model, got, want []float32) float64 {
	t.Helper()
	if !m.tiled {
		return furthest(t, got, want)
	}
	off, size := 0.0, 0.0
	for i, v := range got {
		off += math.Pow(float64(v-want[i]), 2)
		size += math.Pow(float64(want[i]), 2)
	}
	return math.Sqrt(off / size)
}

// near is the limit of distance: so much in float32, and in bfloat16 what its rounding makes.
func near(m *Model, limit, inBFloat16 float64) float64 {
	if m.tiled {
		return inBFloat16
	}
	return limit
}

// The hidden states of every layer agree with the reference, so that a fault shows where it arises.
func TestLayers(t *testing.T) {
	_, file := tiny(t)
	texts := tinyTexts(t, file)
	eachLevel(t, func(t *testing.T) {
		m, _ := tinyModel(t)
		ws, batch := m.NewWorkspace(), batchOf(texts...)
		layers := 0
		err := m.Forward(ws, batch, func(layer int) {
			layers++
			begin, worst := 0, 0.0
			for n, end := range batch.Ends {
				want := floats(t, file, fmt.Sprintf("state.%d.%d", n, layer))
				var got []float32
				for i := begin; i < end; i++ {
					got = append(got, ws.Row(i)...)
				}
				worst = max(worst, distance(t, m, got, want))
				begin = end
			}
			t.Logf("layer %d: off by %.2g", layer, worst)
			if limit := near(m, 1e-5, 0.03); !(worst <= limit) {
				t.Errorf("layer %d: off by %.2g, at most %g is allowed", layer, worst, limit)
			}
		})
		if err != nil || layers != m.Config().Layers+1 {
			t.Errorf("%d layers, %v", layers, err)
		}
	})
}

// A text has the same vector, bit for bit, alone and anywhere in a batch, also in a workspace that has seen other batches.
func TestBatchDoesNotMatter(t *testing.T) {
	_, file := tiny(t)
	texts := tinyTexts(t, file)
	for range 3 {
		texts = append(texts, texts...) // more rows than a block has
	}
	eachLevel(t, func(t *testing.T) {
		m, _ := tinyModel(t)
		ws, d := m.NewWorkspace(), m.Dimensions()
		together := make([]float32, len(texts)*d)
		if err := m.Encode(ws, batchOf(texts...), Output{Normalize: true}, together); err != nil {
			t.Fatal(err)
		}
		for i, ids := range texts {
			alone := make([]float32, d)
			if err := m.Encode(ws, batchOf(ids), Output{Normalize: true}, alone); err != nil {
				t.Fatal(err)
			}
			for j, v := range alone {
				if math.Float32bits(v) != math.Float32bits(together[i*d+j]) {
					t.Fatalf("text %d, value %d: %v alone, %v in a batch", i, j, v, together[i*d+j])
				}
			}
		}
	})
}

func TestPooling(t *testing.T) {
	m, file := tinyModel(t)
	texts := tinyTexts(t, file)[2:3]
	state := floats(t, file, "state.2.3")
	d, n := m.Dimensions(), len(texts[0])
	mean := make([]float64, d)
	for i, v := range state {
		mean[i%d] += float64(v) / float64(n)
	}
	first := make([]float64, d)
	for j := range first {
		first[j] = float64(state[j])
	}
	tests := []struct {
		out  Output
		want []float64
	}{
		{Output{Pooling: Mean}, mean},
		{Output{Pooling: CLS}, first},
		{Output{Pooling: Mean, Normalize: true}, unit(mean)},
		{Output{Pooling: CLS, Normalize: true}, unit(first)},
	}
	for _, test := range tests {
		got := make([]float32, d)
		if err := m.Encode(m.NewWorkspace(), batchOf(texts...), test.out, got); err != nil {
			t.Fatal(err)
		}
		for j, v := range got {
			if math.Abs(float64(v)-test.want[j]) > 1e-5 {
				t.Fatalf("%+v: value %d is %v, not %v", test.out, j, v, test.want[j])
			}
		}
	}
}

func unit(v []float64) []float64 {
	squares := 0.0
	for _, x := range v {
		squares += x * x
	}
	u := make([]float64, len(v))
	for i, x := range v {
		u[i] = x / math.Sqrt(squares)
	}
	return u
}

func TestEncodeDoesNotAllocate(t *testing.T) { eachLevel(t, testEncodeDoesNotAllocate) }

func testEncodeDoesNotAllocate(t *testing.T) {
	m, file := tinyModel(t)
	texts := tinyTexts(t, file)
	ws, large, small := m.NewWorkspace(), batchOf(texts...), batchOf(texts[:2]...)
	dst := make([]float32, len(texts)*m.Dimensions())
	if err := m.Encode(ws, large, Output{}, dst); err != nil {
		t.Fatal(err)
	}
	allocations := testing.AllocsPerRun(20, func() {
		if m.Encode(ws, large, Output{}, dst) != nil || m.Encode(ws, small, Output{}, dst[:2*m.Dimensions()]) != nil {
			t.Fatal("no vectors")
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

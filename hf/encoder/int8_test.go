package encoder

import (
	"errors"
	"math"
	"slices"
	"testing"

	"searchd/hf/safetensors"
	"searchd/internal/simd"
)

func int8Model(t testing.TB, config Config, file *safetensors.File) *Model {
	t.Helper()
	m, err := New(config, file, Options{Arithmetic: Int8})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A text has the same vector in int8, bit for bit, alone and anywhere in a batch, whoever computes it, and one that is near
// the reference.
func TestInt8(t *testing.T) {
	config, file := tiny(t)
	texts := tinyTexts(t, file)
	different := len(texts)
	if !testing.Short() { // where an emulator has to do it
		for range 3 {
			texts = append(texts, texts...) // more rows than a block has
		}
	}
	d, out := config.Hidden, Output{Normalize: true}
	want := make([]float32, len(texts)*d)
	m, _ := tinyModel(t)
	if err := m.Encode(m.NewWorkspace(), batchOf(texts...), out, want); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]*safetensors.File{"floats": file, "quantised": quantised(t, config, file)} {
		t.Run(name, func(t *testing.T) {
			eachLevel(t, func(t *testing.T) {
				m := int8Model(t, config, file)
				together := make([]float32, len(texts)*d)
				for _, threads := range []int{1, 3} {
					ws := m.NewWorkspace()
					ws.Threads = threads
					got := make([]float32, len(texts)*d)
					if err := m.Encode(ws, batchOf(texts...), out, got); err != nil {
						t.Fatal(err)
					}
					if threads == 1 {
						copy(together, got)
					}
					if !slices.Equal(got, together) {
						t.Fatalf("%d threads give another vector", threads)
					}
				}
				ws, worst := m.NewWorkspace(), 1.0
				for i := len(texts) - different; i < len(texts); i++ {
					alone, cosine := make([]float32, d), 0.0
					if err := m.Encode(ws, batchOf(texts[i]), out, alone); err != nil {
						t.Fatal(err)
					}
					for j, v := range alone {
						if v != together[i*d+j] {
							t.Fatalf("text %d, value %d: %v alone, %v in a batch", i, j, v, together[i*d+j])
						}
						cosine += float64(v) * float64(want[i*d+j])
					}
					worst = min(worst, cosine)
				}
				t.Logf("cosine at least %.5f", worst)
				if worst < 0.999 || worst > 0.9999999 {
					t.Errorf("cosine at least %v", worst)
				}
			})
		})
	}
}

// Every architecture runs in int8, near to what it is in float32.
func TestInt8Architectures(t *testing.T) {
	for _, f := range folders(t) {
		batch := f.batch(t)
		want, got := make([]float32, len(batch.Ends)*f.config.Hidden), make([]float32, len(batch.Ends)*f.config.Hidden)
		inFloat32(t, f.config, f.file, batch, want)
		m := int8Model(t, f.config, f.file)
		if err := m.Encode(m.NewWorkspace(), batch, Output{}, got); err != nil {
			t.Fatal(err)
		}
		off, size := 0.0, 0.0
		for i, v := range got {
			off += math.Pow(float64(v-want[i]), 2)
			size += math.Pow(float64(want[i]), 2)
		}
		if off = math.Sqrt(off / size); !(off < 0.06) || m.Arithmetic() != "int8" {
			t.Errorf("%s: %.2g away, in %s", f.name, off, m.Arithmetic())
		}
	}
}

func TestArithmetic(t *testing.T) {
	config, file := tiny(t)
	q := quantised(t, config, file)
	eachLevel(t, func(t *testing.T) {
		for _, test := range []struct {
			file *safetensors.File
			o    Options
			want string
		}{
			{file, Options{}, "float32"},
			{q, Options{}, "int16"},
			{file, Options{Arithmetic: Int16}, "float32"},
			{q, Options{Arithmetic: Int16}, "int16"},
			{file, Options{Arithmetic: Int8}, "int8"},
			{q, Options{Arithmetic: Int8}, "int8"},
		} {
			m, err := New(config, test.file, test.o)
			if err != nil {
				t.Fatal(err)
			}
			want := test.want
			if simd.Tiles() && test.o.Arithmetic == "" {
				want = "bfloat16"
			}
			if m.Arithmetic() != want {
				t.Errorf("%+v: %s, want %s", test.o, m.Arithmetic(), want)
			}
		}
	})
}

// The state's wide value is where the biases of the norms are largest.
func TestInt8Wide(t *testing.T) {
	config, file := tiny(t)
	const place = 29
	lifted := rewrite(t, file, nil, func(tensor safetensors.Tensor) []safetensors.Tensor {
		if tensor.Name == "bert.encoder.layer.1.attention.output.LayerNorm.bias" {
			values := make([]float32, config.Hidden)
			values[place] = -30
			tensor = safetensors.NewFloat32(tensor.Name, tensor.Shape, values)
		}
		return []safetensors.Tensor{tensor}
	})
	if m := int8Model(t, config, lifted); !slices.Equal(m.wide, simd.Wide{place}) {
		t.Fatalf("wide values %d", m.wide)
	}
}

// Weights that are no numbers are an error in int8, too.
func TestInt8NotFinite(t *testing.T) {
	config, file := tiny(t)
	texts := tinyTexts(t, file)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, values := range map[string][]float32{"output.LayerNorm.weight": {nan, inf}, "output.LayerNorm.bias": {nan, -inf}, "intermediate.dense.weight": {nan}} {
		for _, value := range values {
			broken := rewrite(t, file, nil, func(tensor safetensors.Tensor) []safetensors.Tensor {
				if tensor.Name == "bert.encoder.layer.2."+name {
					values := make([]float32, tensor.Len())
					values[3] = value
					tensor = safetensors.NewFloat32(tensor.Name, tensor.Shape, values)
				}
				return []safetensors.Tensor{tensor}
			})
			m := int8Model(t, config, broken)
			err := m.Encode(m.NewWorkspace(), batchOf(texts...), Output{}, make([]float32, config.Hidden*len(texts)))
			if !errors.Is(err, ErrNotFinite) {
				t.Errorf("%s %v: %v", name, value, err)
			}
		}
	}
}

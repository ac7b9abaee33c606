package encoder

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"searchd/hf/safetensors"

	"github.com/google/go-cmp/cmp"
)

func quantised(t *testing.T, config Config, file *safetensors.File) *safetensors.File {
	t.Helper()
	metadata, tensors, err := Quantize(config, file, "abc")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestQuantizeRows(t *testing.T) {
	row := make([]float32, 70) // one whole group and a short one
	row[0], row[1], row[2], row[3] = 127, 1, 2, -127
	row[64], row[65] = -63.5, 0.5
	q, scales := quantizeRows(append(row, make([]float32, 70)...), 70)
	if diff := cmp.Diff([]float32{1, 0.5, 0, 0}, scales); diff != "" {
		t.Error(diff)
	}
	want := make([]int8, 140)
	want[0], want[1], want[2], want[3] = 127, 1, 2, -127
	want[64], want[65] = -127, 1
	if diff := cmp.Diff(want, q); diff != "" {
		t.Error(diff)
	}
	smallest := []float32{math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32}
	if q, scales := quantizeRows(smallest, 2); q[0] != 0 || scales[0] != 0 {
		t.Error("values too small for a scale:", q, scales)
	}
	largest := []float32{math.MaxFloat32, -math.MaxFloat32}
	if q, scales := quantizeRows(largest, 2); q[0] < 120 || q[1] != -q[0] || math.IsInf(float64(scales[0]), 0) {
		t.Error("largest values:", q, scales)
	}
	for v, want := range map[float32]float64{0.5: 0, 1.5: 2, -2.5: -2, 2.51: 3, 1000: 127, -1000: -127} {
		if got := quantize(v, 1); got != want {
			t.Errorf("%v became %v, not %v", v, got, want)
		}
	}
}

// Every group has its values near, and nearer than max/127 brings them.
func TestQuantizeIsNear(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float32, 20*150)
	for i := range values {
		values[i] = float32(random.NormFloat64())
	}
	q, scales := quantizeRows(values, 150)
	total, plain := 0.0, 0.0
	for g, scale := range scales {
		begin := g/3*150 + g%3*64
		end := min(begin+64, (g/3+1)*150)
		var top float32
		sum := 0.0
		for i := begin; i < end; i++ {
			top = max(top, values[i], -values[i])
			off := float64(q[i])*float64(scale) - float64(values[i])
			sum += off * off
		}
		usual := squaredError(values[begin:end], top/127, math.Inf(1))
		if sum > usual*1.0000001 || usual > float64(end-begin)*float64(top/127*top/127)/4 {
			t.Errorf("group %d: squared error %v, %v with max/127", g, sum, usual)
		}
		total, plain = total+sum, plain+usual
	}
	if !(total < 0.9*plain) {
		t.Errorf("squared error %v, with max/127 %v: the search for the scale is not worth its while", total, plain)
	}
}

// The bytes are the same on every machine.
func TestQuantizeIsDeterministic(t *testing.T) {
	config, file := tiny(t)
	metadata, tensors, err := Quantize(config, file, "abc")
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	if err := safetensors.Write(hash, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	const want = "7292132a8d019d87e7f055f98e01719259c86df6c5ed22c91aac6af82beffaa3"
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		t.Errorf("the file's SHA-256 is %s, not %s", got, want)
	}
}

// The quantised model loads, says what it is, and stays near the original.
func TestQuantize(t *testing.T) {
	config, file := tiny(t)
	q := quantised(t, config, file)
	if Source(q) != "abc" || Source(file) != "" {
		t.Errorf("sources %q and %q", Source(q), Source(file))
	}
	m, err := New(config, file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mq, err := New(config, q, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Precision() != "float16" || mq.Precision() != "int8" || m.Parameters() != mq.Parameters() {
		t.Error(m.Precision(), mq.Precision(), m.Parameters(), mq.Parameters())
	}
	texts := tinyTexts(t, file)
	a, b := make([]float32, len(texts)*40), make([]float32, len(texts)*40)
	out := Output{Normalize: true}
	if err := m.Encode(m.NewWorkspace(), batchOf(texts...), out, a); err != nil {
		t.Fatal(err)
	}
	if err := mq.Encode(mq.NewWorkspace(), batchOf(texts...), out, b); err != nil {
		t.Fatal(err)
	}
	for i := range texts {
		cosine := 0.0
		for j := range 40 {
			cosine += float64(a[i*40+j]) * float64(b[i*40+j])
		}
		// Random weights forgive less than trained ones: 0.9985 here.
		if cosine < 0.998 || cosine > 0.9999999 {
			t.Errorf("text %d: cosine %v to the weights in float", i, cosine)
		}
	}
}

func TestQuantizeRefuses(t *testing.T) {
	config, file := tiny(t)
	if _, _, err := Quantize(config, quantised(t, config, file), "abc"); err == nil || !strings.Contains(err.Error(), "published") {
		t.Error("quantised twice:", err)
	}
	const name = "bert.encoder.layer.1.output.dense.weight"
	for _, value := range []float64{math.NaN(), math.Inf(-1)} {
		broken := rewrite(t, file, nil, func(tensor safetensors.Tensor) []safetensors.Tensor {
			if tensor.Name == name {
				values, _ := tensor.Float32s(nil)
				values[7] = float32(value)
				tensor = safetensors.NewFloat32(name, tensor.Shape, values)
			}
			return []safetensors.Tensor{tensor}
		})
		if _, _, err := Quantize(config, broken, "abc"); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "at 7") {
			t.Errorf("%v: %v", value, err)
		}
	}
	if _, _, err := Quantize(config, rewrite(t, file, nil, func(safetensors.Tensor) []safetensors.Tensor { return nil }), ""); err == nil {
		t.Error("a file without weights was quantised")
	}
}

func TestMetadata(t *testing.T) {
	config, file := tiny(t)
	same := func(tensor safetensors.Tensor) []safetensors.Tensor { return []safetensors.Tensor{tensor} }
	for want, metadata := range map[string]map[string]string{
		metaFormat: {metaFormat: "int4-groups-9", metaGroup: "64"},
		metaGroup:  {metaFormat: formatVersion, metaGroup: "0"},
	} {
		if _, err := New(config, rewrite(t, quantised(t, config, file), metadata, same), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

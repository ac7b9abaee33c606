package hftest

import (
	"math"
	"testing"

	"searchd/hf"
)

// tolerance is how far two vectors of one text may be apart: arithmetic may add in another order, no more.
const tolerance = 1e-4

func embed(t *testing.T, m hf.Model, role hf.Role, texts ...string) []hf.Embedding {
	t.Helper()
	got, err := m.Embed(t.Context(), role, texts)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(texts) {
		t.Fatalf("%d embeddings of %d texts", len(got), len(texts))
	}
	return got
}

func checkVector(t *testing.T, c hf.Card, text string, e hf.Embedding) {
	t.Helper()
	if len(e.Vector) != c.Dimensions {
		t.Fatalf("%.40q: %d values, the card says %d", text, len(e.Vector), c.Dimensions)
	}
	length := distance(e.Vector, make([]float32, c.Dimensions))
	if math.IsNaN(length) || math.IsInf(length, 0) || length == 0 {
		t.Errorf("%.40q: its vector's length is %g", text, length)
	}
	if c.Normalized && math.Abs(length-1) > tolerance {
		t.Errorf("%.40q: its vector's length is %g; the card says they are normalized", text, length)
	}
}

// distance is Euclid's.
func distance(a, b []float32) float64 {
	var sum float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return math.Sqrt(sum)
}

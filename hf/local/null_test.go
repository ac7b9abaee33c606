package local_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"searchd/hf"
	"searchd/hf/local"
)

// The hundred texts find the distribution that large collections gave for the bundled model.
func TestMeasureNull(t *testing.T) {
	e := openBundled(t, local.Options{})
	got, err := local.MeasureNull(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	want := e.Card().Null
	t.Logf("mean %.4f, standard deviation %.4f", got.Mean, got.StdDev)
	if math.Abs(got.Mean-want.Mean) > 0.02 || math.Abs(got.StdDev-want.StdDev) > 0.01 {
		t.Errorf("%+v; over 400,000 pairs it was %+v", got, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := local.MeasureNull(ctx, e); !errors.Is(err, context.Canceled) {
		t.Error("cancelled:", err)
	}
}

// vectors answers a vector to every query and two in turn to documents, whatever they say.
type vectors struct{ query, even, odd []float32 }

func (v vectors) Embed(_ context.Context, role hf.Role, texts []string) ([]hf.Embedding, error) {
	answers := make([]hf.Embedding, len(texts))
	for i := range answers {
		answers[i].Vector = [2][]float32{v.even, v.odd}[i%2]
		if role == hf.Query {
			answers[i].Vector = v.query
		}
	}
	return answers, nil
}

func (vectors) Card() hf.Card { return hf.Card{} }

// Queries are compared with documents, each in its role, and lengths do not count.
func TestMeasureNullCounts(t *testing.T) {
	got, err := local.MeasureNull(t.Context(), vectors{[]float32{2, 0}, []float32{0, 5}, []float32{3, 0}})
	if err != nil || math.Abs(got.Mean-0.5) > 0.02 || math.Abs(got.StdDev-math.Sqrt(got.Mean*(1-got.Mean))) > 1e-9 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := local.MeasureNull(t.Context(), vectors{[]float32{2, 0}, []float32{0, 0}, []float32{0, 0}}); err != nil || got != (hf.Null{}) {
		t.Errorf("no direction: %+v, %v", got, err)
	}
}

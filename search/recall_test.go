package search_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"searchd/hf/hftest"
	"searchd/index"
	"searchd/index/chromem"
	"searchd/models"
	"searchd/search"
)

// forgetful is an index that loses the last hits of every search that need not be exact.
type forgetful struct {
	index.Index
	lost int
}

func (x forgetful) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	hits, err := x.Index.Search(ctx, q)
	if !q.Exact {
		hits = hits[:max(0, len(hits)-x.lost)]
	}
	return hits, err
}

func TestRecallCountsWhatIsMissed(t *testing.T) {
	w := newWorld(t)
	empty, err := w.search.Recall(t.Context(), w.c, 5)
	w.must(err)
	if empty.Queries != 0 || empty.Mean != 1 {
		t.Errorf("of an empty collection: %+v", empty)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 30 {
		v := make([]float32, dimensions)
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		w.add(doc{id: fmt.Sprint(i), parts: []string{"text"}, vectors: [][]float32{v}})
	}
	for _, lost := range []int{0, 1, 4, 10} {
		registry := index.NewRegistry(index.Open(func(c models.Collection) (index.Index, error) {
			x, err := chromem.New(c.Dimensions)
			return forgetful{x, lost}, err
		}), w.db)
		s := search.New(w.db, registry, w.words, hftest.Set{w.model}, nil)
		if _, ok := s.LastRecall(w.c.ID); ok {
			t.Error("something was measured before the measurement")
		}
		got, err := s.Recall(t.Context(), w.c, 20)
		w.must(err)
		want := 1 - float64(lost)/10
		if got.Queries != 40 || got.Vectors != 30 || math.Abs(got.Mean-want) > 1e-9 || math.Abs(got.Least-want) > 1e-9 {
			t.Errorf("%d of ten lost: %+v", lost, got)
		}
		if last, ok := s.LastRecall(w.c.ID); !ok || last != got.Mean {
			t.Errorf("remembered %v, %v", last, ok)
		}
		w.must(registry.Close())
	}
	// A search that asks for exact hits gets them, from such an index too.
	registry := index.NewRegistry(index.Open(func(c models.Collection) (index.Index, error) {
		x, err := chromem.New(c.Dimensions)
		return forgetful{x, 10}, err
	}), w.db)
	s := search.New(w.db, registry, w.words, hftest.Set{w.model}, nil)
	for exact, want := range map[bool]int{false: 0, true: 5} {
		found, err := s.Search(t.Context(), w.c, search.Request{Vector: []float32{1, 0, 0, 0}, Limit: 5, Group: search.ByChunk, Exact: exact, Mode: search.Semantic})
		w.must(err)
		if len(found.Hits) != want {
			t.Errorf("exact %v: %d hits, want %d", exact, len(found.Hits), want)
		}
	}
	w.must(registry.Close())
}

package search_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"searchd/hf/hftest"
	"searchd/models"
	"searchd/search"
)

// A cross-encoder orders the best 50 rows; those below stay as they were, and pages show each row once.
func TestRerank(t *testing.T) {
	w := newWorld(t)
	texts := []string{"red", "a red fox", "nothing", "a fox", "the fox is red and quick", "quick"}
	var docs []doc
	for i := range 60 {
		text := "nothing"
		if i < len(texts) {
			text = texts[i]
		} else if i == 55 {
			text = "red quick fox" // too deep to be read
		}
		v := []float32{float32(math.Cos(float64(i) / 60)), float32(math.Sin(float64(i) / 60)), 0, 0}
		docs = append(docs, doc{id: fmt.Sprintf("d%02d", i), parts: []string{text}, vectors: [][]float32{v}})
	}
	w.add(docs...)
	r := search.Request{Query: "quick red fox", Limit: 100}
	plain := w.find(r)
	at := map[string]int{}
	for i, h := range plain.Hits {
		at[h.Document.ID] = i
	}
	r.Rerank = true
	whole := w.find(r)
	if whole.Total != 60 || len(whole.Hits) != 60 {
		t.Fatalf("%d hits of %d", len(whole.Hits), whole.Total)
	}
	for i, h := range whole.Hits {
		if h.Why.Place != at[h.Document.ID]+1 || (h.Why.Reranked != nil) != (i < 50) || i >= 50 && at[h.Document.ID] != i {
			t.Errorf("hit %d, %s: %+v, without rerank at %d", i, h.Document.ID, h.Why, at[h.Document.ID])
		}
		if i > 0 && i < 50 {
			before := whole.Hits[i-1]
			if *before.Why.Reranked < *h.Why.Reranked || *before.Why.Reranked == *h.Why.Reranked && before.Why.Place > h.Why.Place {
				t.Errorf("hit %d is out of order", i)
			}
		}
	}
	names := func(hits []search.Hit) (ids []string) {
		for _, h := range hits {
			ids = append(ids, h.Document.ID)
		}
		return ids
	}
	for _, limit := range []int{7, 50} {
		var pages, walk []string
		for r.Limit, r.Offset = limit, 0; r.Offset < whole.Total; r.Offset += limit {
			pages = append(pages, names(w.find(r).Hits)...)
		}
		for r.Offset = 0; ; {
			page := w.find(r)
			walk = append(walk, names(page.Hits)...)
			if r.Cursor = page.NextCursor; r.Cursor == "" {
				break
			}
		}
		if want := names(whole.Hits); !slices.Equal(pages, want) || !slices.Equal(walk, want) {
			t.Errorf("pages of %d: %v\nby cursor %v\nwant %v", limit, pages, walk, want)
		}
	}
}

func TestRerankNeedsACrossEncoder(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		r     search.Request
		field string
	}{
		{search.Request{Vector: []float32{1, 0, 0, 0}, Rerank: true}, "rerank"},
		{search.Request{Query: "a", RerankModel: "test/overlap"}, "rerank_model"},
		{search.Request{Query: "a", Rerank: true, RerankModel: "no/such"}, "rerank_model"},
	} {
		test.r.Limit = 1
		_, err := w.search.Search(t.Context(), w.c, test.r)
		wantField(t, err, test.field)
	}
	w.search = search.New(w.db, w.index, w.words, hftest.Set{w.model}, nil)
	_, err := w.search.Search(t.Context(), w.c, search.Request{Query: "a", Limit: 1, Rerank: true})
	wantField(t, err, "rerank")
}

func wantField(t *testing.T, err error, field string) {
	t.Helper()
	var e *models.Error
	if !errors.As(err, &e) || e.Code != models.Invalid || e.Field != field {
		t.Errorf("error %v, want one about %s", err, field)
	}
}

package search_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"searchd/search"
)

// newWordy is a world with many documents of random words and vectors, measured already.
func newWordy(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	t.Cleanup(func() { w.search.Close() })
	random := rand.New(rand.NewPCG(5, 6))
	names := strings.Fields("basalt comet dolphin ember fjord glacier harbor ivory jungle kettle lantern meadow nebula orchid pebble quartz raven saddle")
	var docs []doc
	for i := range 600 {
		d := doc{id: fmt.Sprint(i), metadata: fmt.Sprintf(`{"n":%d}`, i%3)}
		for range 1 + i%2 {
			var part []string
			for range 12 {
				part = append(part, names[int(float64(len(names))*math.Pow(random.Float64(), 3))])
			}
			v := make([]float32, dimensions)
			for k := range v {
				v[k] = float32(random.NormFloat64())
			}
			d.parts, d.vectors = append(d.parts, strings.Join(part, " ")+". "), append(d.vectors, v)
		}
		docs = append(docs, d)
	}
	w.add(docs...)
	for start := time.Now(); w.find(search.Request{Query: "comet", Limit: 1}).WordWeight == 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			t.Fatal("the collection is not measured")
		}
	}
	return w
}

// place is what a page shows of a hit.
type place struct {
	id        uint64
	score     float32
	relevance float64
}

func placesOf(hits []search.Hit) []place {
	var list []place
	for _, h := range hits {
		list = append(list, place{h.Chunk.ID, h.Score, h.Relevance})
	}
	return list
}

// TestHybridIsTheFormulaOverAllChunks ranks every chunk by the formula, and compares pages of any size with that.
func TestHybridIsTheFormulaOverAllChunks(t *testing.T) {
	w := newWordy(t)
	for _, query := range []string{"saddle raven", "basalt", "orchid pebble ember quartz", "nothing known", `"basalt basalt"`} {
		for _, filter := range []string{`{}`, `{"n":1}`} {
			r := search.Request{Query: query, Group: search.ByChunk, Limit: 1000, Filter: w.filter(filter)}
			all := w.find(r)
			if all.Mode != search.Hybrid || len(all.Hits) != all.Total || len(all.Hits) == 0 {
				t.Fatalf("%s %s: mode %s, %d of %d hits", query, filter, all.Mode, len(all.Hits), all.Total)
			}
			if !strings.Contains(query, `"`) && filter == `{}` && all.Total != w.c.Chunks {
				t.Errorf("%s: %d of %d chunks", query, all.Total, w.c.Chunks)
			}
			w.isFormula(query, filter, all)
			for _, limit := range []int{1, 7, 50, 130} {
				w.samePages(r, all, limit)
			}
		}
	}
}

// isFormula compares the scores with those of each leg, and the formula over them.
func (w *world) isFormula(query, filter string, all search.Response) {
	w.t.Helper()
	words := w.find(search.Request{Query: query, Group: search.ByChunk, Limit: 1000, Filter: w.filter(filter), Mode: search.Lexical})
	near := w.find(search.Request{Query: query, Group: search.ByChunk, Limit: 1000, Filter: w.filter(filter), Mode: search.Semantic})
	bm25, cosine := map[uint64]float32{}, map[uint64]float32{}
	for _, h := range words.Hits {
		bm25[h.Chunk.ID] = h.Score
	}
	for _, h := range near.Hits {
		cosine[h.Chunk.ID] = h.Score
	}
	legs := map[uint64]float64{} // scores without feedback
	for i, h := range all.Hits {
		z, u := float64(h.Why.Semantic.Evidence), float64(h.Why.Lexical.Evidence)
		want := z*math.Abs(z)/2 + all.WordWeight*max(0, u)
		legs[h.Chunk.ID] = want
		if f := float64(h.Why.Feedback.Evidence); f > 0 {
			want += 0.4 * f * f / 2
		}
		if math.Abs(float64(h.Score)-want) > 1e-4*max(1, math.Abs(want)) || h.Why.Lexical.Score != bm25[h.Chunk.ID] || h.Why.Semantic.Score != cosine[h.Chunk.ID] {
			w.t.Errorf("%s: %v is not %v of %+v and BM25 %v, cosine %v", query, h.Score, want, h.Why, bm25[h.Chunk.ID], cosine[h.Chunk.ID])
		}
		if i > 0 && cmp.Or(cmp.Compare(all.Hits[i-1].Score, h.Score), -cmp.Compare(all.Hits[i-1].Chunk.ID, h.Chunk.ID)) < 0 {
			w.t.Errorf("%s: hit %d stands behind a worse one", query, i)
		}
	}
	w.isFeedback(query, all.Hits, legs)
}

// isFeedback compares what the best hits are said to say about those around them with what their vectors say.
func (w *world) isFeedback(query string, hits []search.Hit, legs map[uint64]float64) {
	w.t.Helper()
	vectors := map[uint64][]float32{}
	w.must(w.db.Vectors(w.t.Context(), w.c.ID, func(id uint64, v []float32) error { vectors[id] = slices.Clone(v); return nil }))
	ranked := slices.Clone(hits)
	slices.SortStableFunc(ranked, func(a, b search.Hit) int {
		return cmp.Or(cmp.Compare(legs[b.Chunk.ID], legs[a.Chunk.ID]), cmp.Compare(a.Chunk.ID, b.Chunk.ID))
	})
	middle := make([]float64, dimensions)
	for _, h := range ranked[:min(10, len(ranked))] {
		for k, x := range vectors[h.Chunk.ID] {
			middle[k] += math.Exp(legs[h.Chunk.ID]-legs[ranked[0].Chunk.ID]) * float64(x)
		}
	}
	length := 0.0
	for _, x := range middle {
		length += x * x
	}
	for i, h := range ranked {
		got := h.Why.Feedback
		if (got == search.Leg{}) != (i >= 20) {
			w.t.Fatalf("%s: hit %d of %d has feedback %+v", query, i, len(hits), got)
		}
		if i >= 20 {
			continue
		}
		cosine := 0.0
		for k, x := range vectors[h.Chunk.ID] {
			cosine += float64(x) * middle[k] / math.Sqrt(length)
		}
		within := 1e-4 + 1e-7*math.Abs(legs[ranked[0].Chunk.ID]) // scores are float32
		first, last := ranked[0].Why.Feedback, ranked[min(19, len(ranked)-1)].Why.Feedback
		slope := float64(first.Evidence-last.Evidence) / float64(first.Score-last.Score) // chance is the same for all
		if z := float64(first.Evidence) + slope*(cosine-float64(first.Score)); math.Abs(cosine-float64(got.Score)) > within || slope <= 0 || math.Abs(z-float64(got.Evidence)) > 1e-2 {
			w.t.Errorf("%s: hit %d has feedback %+v, want a cosine of %v and evidence %v", query, i, got, cosine, z)
		}
	}
}

// samePages puts the first pages together, by offset and by cursor, in each group.
func (w *world) samePages(r search.Request, all search.Response, limit int) {
	w.t.Helper()
	r.Limit = limit
	var offset, walked []place
	walk := r
	for r.Offset = 0; r.Offset < min(4*limit, all.Total); r.Offset += limit {
		offset = append(offset, placesOf(w.find(r).Hits)...)
		if page := w.find(walk); page.Total != all.Total {
			w.t.Errorf("%s: a page says %d hits, not %d", r.Query, page.Total, all.Total)
		} else {
			walked, walk.Cursor = append(walked, placesOf(page.Hits)...), page.NextCursor
		}
	}
	want := placesOf(all.Hits)[:len(offset)]
	if !slices.Equal(offset, want) || !slices.Equal(walked, want) {
		w.t.Errorf("%s: pages of %d are not the long one", r.Query, limit)
	}
}

func TestModesWithMinRelevance(t *testing.T) {
	w := newWordy(t)
	for _, mode := range []search.Mode{search.Hybrid, search.Semantic, search.Lexical} {
		r := search.Request{Query: "saddle raven kettle", Mode: mode, Limit: 1000, Facets: []string{"n"}}
		all := w.find(r)
		for _, least := range []float64{0.05, 0.5, 0.9} {
			r.MinRelevance = least
			want := slices.DeleteFunc(placesOf(w.find(search.Request{Query: r.Query, Mode: mode, Group: search.ByChunk, Limit: 1000}).Hits),
				func(p place) bool { return p.relevance < least })
			r.Group = search.ByChunk
			got := w.find(r)
			if got.Total != len(want) || !slices.Equal(placesOf(got.Hits), want) {
				t.Errorf("%s from %v: %d hits, want %d", mode, least, got.Total, len(want))
			}
			counted := 0
			for _, v := range got.Facets["n"].Values {
				counted += v.Documents
			}
			r.Group = search.ByDocument
			if documents := w.find(r); documents.Total != counted || documents.Total > all.Total {
				t.Errorf("%s from %v: %d documents, %d in facets", mode, least, documents.Total, counted)
			}
		}
	}
}

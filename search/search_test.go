package search_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"searchd/hf/hftest"
	"searchd/models"
	"searchd/search"
)

// directions are far enough apart for their order to be beyond rounding; many chunks share each, so ties abound.
var directions = [][]float32{{1, 0, 0, 0}, {3, 4, 0, 0}, {4, 3, 0, 0}, {0, 1, 0, 0}, {-3, 4, 0, 0}, {-1, 0, 0, 0}, {0, 0, 1, 0}}

// crowded is a store of documents with one to four chunks each, and one whose 300 chunks are all among the best.
func crowded(t *testing.T) *world {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	w := newWorld(t)
	var docs []doc
	for i := range 70 {
		d := doc{id: fmt.Sprintf("doc %d", i), metadata: fmt.Sprintf(`{"even":%v,"n":%d}`, i%2 == 0, i)}
		n := 1 + r.IntN(4)
		if i == 40 {
			n = 300
		}
		for part := range n {
			v := directions[r.IntN(len(directions))]
			if i == 40 {
				v = directions[0]
			}
			d.parts, d.vectors = append(d.parts, fmt.Sprintf("part %d of é %d. ", part, i)), append(d.vectors, v)
		}
		docs = append(docs, d)
	}
	w.add(docs...)
	return w
}

// want lists the chunks that a request's pages should have, in order, by a scan of the store.
func (w *world) want(r search.Request) []uint64 {
	w.t.Helper()
	query := models.Normalize(r.Vector)
	allow, err := w.db.Match(w.t.Context(), w.c.ID, r.Filter)
	w.must(err)
	type scored struct {
		id    uint64
		score float32
	}
	var all []scored
	w.must(w.db.Vectors(w.t.Context(), w.c.ID, func(id uint64, v []float32) error {
		var score float32
		for i := range v {
			score += v[i] * query[i]
		}
		if allow == nil || allow.Contains(id) {
			all = append(all, scored{id, score})
		}
		return nil
	}))
	slices.SortFunc(all, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.id, b.id)) })
	var ids []uint64
	seen := map[uint64]bool{}
	for _, s := range all {
		if seq := models.DocumentSeq(s.id); r.Group == search.ByChunk || !seen[seq] {
			seen[seq] = true
			ids = append(ids, s.id)
		}
	}
	return ids
}

func TestPagesCoverEverythingOnce(t *testing.T) {
	w := crowded(t)
	for _, group := range []search.Group{"", search.ByDocument, search.ByChunk} {
		for _, filter := range []string{``, `{"even":true}`, `{"n":{"$lt":6}}`, `{"n":40}`, `{"n":-1}`} {
			for _, limit := range []int{3, 17, 1000} {
				r := search.Request{Vector: []float32{2, 1, 0, 0}, Group: group, Filter: w.filter(filter), Limit: limit}
				want := w.want(r)
				var got []uint64
				for ; ; r.Offset += limit {
					page := w.find(r)
					if page.Total != len(want) {
						t.Fatalf("%s %s at %d: total %d, want %d", group, filter, r.Offset, page.Total, len(want))
					}
					for _, h := range page.Hits {
						got = append(got, h.Chunk.ID)
					}
					if len(page.Hits) < limit {
						break
					}
				}
				if !slices.Equal(got, want) {
					t.Fatalf("%q %s, pages of %d: %d hits, want %d\ngot  %v\nwant %v", group, filter, limit, len(got), len(want), got, want)
				}
			}
		}
	}
}

func TestMinRelevance(t *testing.T) {
	w := crowded(t)
	for _, group := range []search.Group{search.ByDocument, search.ByChunk} {
		for _, filter := range []string{``, `{"even":true}`} {
			all := w.find(search.Request{Vector: []float32{2, 1, 0, 0}, Group: group, Filter: w.filter(filter), Limit: 1000})
			if !slices.IsSortedFunc(all.Hits, func(a, b search.Hit) int { return cmp.Compare(b.Relevance, a.Relevance) }) {
				t.Fatal("hits do not stand in the order of their relevance")
			}
			for _, least := range []float64{1e-6, all.Hits[len(all.Hits)/2].Relevance, all.Hits[0].Relevance, 0.5, 1} {
				want := 0
				for _, h := range all.Hits {
					if h.Relevance >= least {
						want++
					}
				}
				got := w.find(search.Request{Vector: []float32{2, 1, 0, 0}, Group: group, Filter: w.filter(filter), Limit: 10, MinRelevance: least})
				if got.Total != want || len(got.Hits) != min(want, 10) {
					t.Errorf("%s %s: relevance %v and above: total %d, %d hits; want %d", group, filter, least, got.Total, len(got.Hits), want)
				}
			}
		}
	}
}

func TestHits(t *testing.T) {
	w := newWorld(t)
	w.add(
		doc{id: "a/b", metadata: `{"k":[1,2]}`, parts: []string{"Über ", "灯塔"}, vectors: [][]float32{{1, 0, 0, 0}, {3, 4, 0, 0}}},
		doc{id: "c", parts: []string{"elsewhere"}, vectors: [][]float32{{0, 0, -1, 0}}},
	)
	got := w.find(search.Request{Vector: []float32{6, 8, 0, 0}, Limit: 10})
	if len(got.Hits) != 2 || got.Total != 2 || got.Mode != search.Semantic || got.Model != "test/hash" || got.QueryTokens != 0 {
		t.Fatalf("answer %+v", got)
	}
	h := got.Hits[0]
	if h.Document.ID != "a/b" || h.Document.Title != "Title of a/b" || h.Document.Metadata != `{"k":[1,2]}` || h.Document.Text != "" {
		t.Errorf("document %+v", h.Document)
	}
	if h.Text != "灯塔" || h.Chunk.Start != 6 || h.Chunk.End != 12 || models.ChunkIndex(h.Chunk.ID) != 1 || h.Chunk.Vector != nil {
		t.Errorf("chunk %+v, text %q", h.Chunk, h.Text)
	}
	if math.Abs(float64(h.Score)-1) > 1e-6 || h.Relevance < 0.9 || got.Hits[1].Relevance > 0.1 {
		t.Errorf("score %v, relevance %v and %v", h.Score, h.Relevance, got.Hits[1].Relevance)
	}
	if same := w.find(search.Request{Vector: []float32{6, 8, 0, 0}, Limit: 10, MinRelevance: 1}); same.Total != 1 || same.Hits[0].Document.ID != "a/b" || same.Hits[0].Relevance != 1 {
		t.Errorf("of relevance 1 are %+v", same.Hits)
	}
}

func TestQueriesAreEmbedded(t *testing.T) {
	w := newWorld(t)
	text := "a beacon in a storm"
	e, err := w.model.Embed(t.Context(), 0, []string{text})
	w.must(err)
	w.add(doc{id: "a", parts: []string{text}, vectors: [][]float32{e[0].Vector}})
	for _, mode := range []search.Mode{"", search.Hybrid, search.Semantic} {
		got := w.find(search.Request{Query: text, Mode: mode, Limit: 1})
		if got.Mode != cmp.Or(mode, search.Hybrid) || got.QueryTokens != 7 || got.QueryTruncated || math.Abs(float64(got.Hits[0].Why.Semantic.Score)-1) > 1e-6 {
			t.Errorf("mode %q: %+v", mode, got)
		}
	}
	if got := w.find(search.Request{Query: text, Mode: search.Lexical, Limit: 1}); got.Mode != search.Lexical || got.QueryTokens != 0 || got.Total != 1 {
		t.Errorf("mode lexical: %+v", got)
	}
	if got := w.find(search.Request{Query: text, Mode: search.Lexical, Limit: 1, Highlight: true}); len(got.Hits) != 1 || len(got.Hits[0].Highlights) == 0 {
		t.Errorf("mode lexical with highlights: %+v", got)
	}
	got := w.find(search.Request{Query: strings.Repeat("long ", 50), Limit: 1})
	if !got.QueryTruncated || got.QueryTokens != 16 {
		t.Errorf("a long query: %d tokens, truncated %v", got.QueryTokens, got.QueryTruncated)
	}
}

func TestRefusedRequests(t *testing.T) {
	w := newWorld(t)
	nan := float32(math.NaN())
	tests := []struct {
		name, field string
		change      func(*search.Request)
	}{
		{"words of a vector", "mode", func(r *search.Request) { r.Mode, r.Query, r.Vector = search.Lexical, "", []float32{1, 0, 0, 0} }},
		{"lexical and unlike", "unlike", func(r *search.Request) {
			r.Mode, r.Query, r.Vector, r.Unlike = search.Lexical, "words", nil, []string{"a"}
		}},
		{"unknown mode", "mode", func(r *search.Request) { r.Mode = "fuzzy" }},
		{"unknown group", "group_by", func(r *search.Request) { r.Group = "page" }},
		{"limit 0", "limit", func(r *search.Request) { r.Limit = 0 }},
		{"limit -1", "limit", func(r *search.Request) { r.Limit = -1 }},
		{"limit 10^9", "limit", func(r *search.Request) { r.Limit = 1e9 }},
		{"offset -1", "offset", func(r *search.Request) { r.Offset = -1 }},
		{"offset 10^9", "offset", func(r *search.Request) { r.Offset = 1e9 }},
		{"negative relevance", "min_relevance", func(r *search.Request) { r.MinRelevance = -0.1 }},
		{"relevance over 1", "min_relevance", func(r *search.Request) { r.MinRelevance = 1.1 }},
		{"relevance NaN", "min_relevance", func(r *search.Request) { r.MinRelevance = math.NaN() }},
		{"neither query nor vector", "query", func(r *search.Request) { r.Query = "" }},
		{"blank query", "query", func(r *search.Request) { r.Query = " \n\t" }},
		{"query too long", "query", func(r *search.Request) { r.Query = strings.Repeat("q", search.MaxQueryBytes+1) }},
		{"negative diversity", "diversity", func(r *search.Request) { r.Diversity = -0.1 }},
		{"diversity over 1", "diversity", func(r *search.Request) { r.Diversity = 1.1 }},
		{"diversity NaN", "diversity", func(r *search.Request) { r.Diversity = math.NaN() }},
		{"neighbours", "neighbours", func(r *search.Request) { r.Neighbours = search.MaxNeighbours + 1 }},
		{"facets", "facets", func(r *search.Request) { r.Facets = make([]string, search.MaxFacets+1) }},
		{"like beside query", "like", func(r *search.Request) { r.Like = []string{"a"} }},
		{"like beside vector", "like", func(r *search.Request) { r.Query, r.Vector, r.Like = "", []float32{1, 0, 0, 0}, []string{"a"} }},
		{"like of nobody", "like[1]", func(r *search.Request) { r.Query, r.Like = "", []string{"a", ""} }},
		{"unlike alone", "query", func(r *search.Request) { r.Query, r.Unlike = "", []string{"a"} }},
		{"query is not UTF-8", "query", func(r *search.Request) { r.Query = "\xff" }},
		{"query and vector", "vector", func(r *search.Request) { r.Vector = []float32{1, 0, 0, 0} }},
		{"vector of no values", "vector", func(r *search.Request) { r.Query, r.Vector = "", []float32{} }},
		{"short vector", "vector", func(r *search.Request) { r.Query, r.Vector = "", []float32{1} }},
		{"vector with NaN", "vector", func(r *search.Request) { r.Query, r.Vector = "", []float32{1, nan, 0, 0} }},
		{"vector of zeros", "vector", func(r *search.Request) { r.Query, r.Vector = "", make([]float32, dimensions) }},
	}
	for _, test := range tests {
		r := search.Request{Query: "q", Limit: 10}
		test.change(&r)
		_, err := w.search.Search(t.Context(), w.c, r)
		var e *models.Error
		if !errors.As(err, &e) || e.Code != models.Invalid || e.Field != test.field || e.Message == "" {
			t.Errorf("%s: %v; want Invalid about %s", test.name, err, test.field)
		}
	}
	if n := len(w.model.Embedded()); n != 0 {
		t.Errorf("%d refused queries were embedded", n)
	}
}

func TestLimitsThemselvesAreAllowed(t *testing.T) {
	w := newWorld(t)
	for _, r := range []search.Request{
		{Query: "q", Limit: search.MaxLimit, Offset: search.MaxOffset, MinRelevance: 1},
		{Query: strings.Repeat("q", search.MaxQueryBytes), Limit: 1},
		{Query: "\x00 \u202e '; --", Limit: 1},
	} {
		if got := w.find(r); got.Total != 0 || len(got.Hits) != 0 {
			t.Errorf("an empty collection answers %+v", got)
		}
	}
}

func TestTheModelOfTheCollectionIsNotHere(t *testing.T) {
	w := newWorld(t)
	for name, available := range map[string]hftest.Set{
		"another model":    {hftest.NewModel(hftest.Options{ID: "test/other", Dimensions: dimensions})},
		"another revision": {hftest.NewModel(hftest.Options{Revision: "sha256:new", Dimensions: dimensions})},
		"none":             nil,
	} {
		_, err := search.New(w.db, w.index, w.words, available, nil).Search(t.Context(), w.c, search.Request{Query: "q", Limit: 1})
		if models.CodeOf(err) != models.Unavailable {
			t.Errorf("%s: %v; want Unavailable", name, err)
		}
	}
}

func TestFailuresAreAnswered(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("broken")
	w.model.Fail(broken)
	if _, err := w.search.Search(t.Context(), w.c, search.Request{Query: "q", Limit: 1}); !errors.Is(err, broken) {
		t.Errorf("the model's failure became %v", err)
	}
	w.model.Fail(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range []search.Request{{Query: "q", Limit: 1}, {Vector: []float32{1, 0, 0, 0}, Limit: 1, Filter: w.filter(`{"a":1}`)}} {
		if _, err := w.search.Search(ctx, w.c, r); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled search answered %v", err)
		}
	}
}

// Between the index's answer and the reading of the store, a document may go.
func TestAHitWhoseDocumentIsGoneIsLeftOut(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"a", "b", "c"} {
		w.add(doc{id: id, parts: []string{id}, vectors: [][]float32{{1, 0, 0, 0}}})
	}
	r := search.Request{Vector: []float32{1, 0, 0, 0}, Limit: 3}
	w.find(r) // the index is built
	_, err := w.db.DeleteDocuments(t.Context(), w.c.ID, []string{"b"})
	w.must(err)
	var got []string
	for _, h := range w.find(r).Hits {
		got = append(got, h.Document.ID)
	}
	if !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("found %v, want a and c", got)
	}
}

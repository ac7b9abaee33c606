package search_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"searchd/models"
	"searchd/search"
)

// forget deletes documents from the store and from the index.
func (w *world) forget(ids ...string) {
	w.t.Helper()
	gone, err := w.db.DeleteDocuments(w.t.Context(), w.c.ID, ids)
	w.must(err)
	x, err := w.index.Get(w.t.Context(), w.c)
	w.must(err)
	w.must(x.Delete(w.t.Context(), gone.Chunks))
	w.reload()
	w.must(w.words.Update(w.t.Context(), w.c, nil, gone.Chunks))
}

// Quotes are insisted on in a hybrid search where something has what stands in them, and a walk goes on as it began.
func TestPhrasesThatNothingHas(t *testing.T) {
	crowd := func() *world {
		w := newWorld(t)
		for i := range 9 {
			w.add(doc{id: fmt.Sprint(i), parts: []string{"the tide is rising"}, vectors: [][]float32{{1, float32(i), 0, 0}}})
		}
		return w
	}
	ids := func(w *world, r search.Request) (found []string, last search.Response) {
		for {
			last = w.find(r)
			for _, h := range last.Hits {
				found = append(found, h.Document.ID)
			}
			if r.Cursor = last.NextCursor; r.Cursor == "" {
				return found, last
			}
		}
	}
	missing := search.Request{Query: `she said "rising the tide" today`, Limit: 4}

	w := crowd()
	if found, last := ids(w, missing); len(found) != 9 || last.Total != 9 || !last.PhrasesMissing {
		t.Errorf("hybrid finds %v, %d in all, missing %v", found, last.Total, last.PhrasesMissing)
	}
	strict := missing
	strict.Mode = search.Lexical
	if found, last := ids(w, strict); len(found) != 0 || last.PhrasesMissing {
		t.Errorf("lexical finds %v", found)
	}
	strict.Query, strict.Mode = `"rising tide" of the`, search.Hybrid // which is there in no such order
	strict.Filter = w.filter(`{"n":1}`)
	if found, last := ids(w, strict); len(found) != 0 || !last.PhrasesMissing {
		t.Errorf("a filter that nothing meets admits %v", found)
	}

	first := w.find(missing)
	w.add(doc{id: "late", parts: []string{"rising the tide"}, vectors: [][]float32{{1, 0, 0, 0}}})
	rest := missing
	rest.Cursor = first.NextCursor
	if found, last := ids(w, rest); len(found) != 5 || last.Total != 9 || !last.PhrasesMissing {
		t.Errorf("after the phrase came, the walk goes on with %v, %d in all, missing %v", found, last.Total, last.PhrasesMissing)
	}
	if found, last := ids(w, missing); !slices.Equal(found, []string{"late"}) || last.PhrasesMissing {
		t.Errorf("once something has the phrase, hybrid finds %v, missing %v", found, last.PhrasesMissing)
	}

	w = crowd()
	found := search.Request{Query: `"tide is rising"`, Limit: 4}
	first = w.find(found)
	for i := range 9 {
		w.forget(fmt.Sprint(i))
	}
	w.add(doc{id: "late", parts: []string{"no such thing"}, vectors: [][]float32{{1, 0, 0, 0}}})
	found.Cursor = first.NextCursor
	if list, last := ids(w, found); len(list) != 0 || last.PhrasesMissing || first.Total != 9 {
		t.Errorf("after the phrase went, the walk goes on with %v, missing %v", list, last.PhrasesMissing)
	}
}

// While documents come and go, a walk shows those that were there at its first page and still are, once, in the order
// that they had.
func TestWalksWhileDocumentsComeAndGo(t *testing.T) {
	for _, base := range []search.Request{
		{}, {Group: search.ByChunk}, {Filter: nil, MinRelevance: 0.3}, {Diversity: 0.4}, {CollapseDuplicates: true, Group: search.ByChunk},
	} {
		w := crowded(t)
		r := rand.New(rand.NewPCG(rand.Uint64(), 0))
		base.Vector, base.Limit = []float32{2, 1, 0, 0}, search.MaxLimit
		var want []string
		for _, h := range w.find(base).Hits {
			want = append(want, fmt.Sprint(h.Document.ID, " ", models.ChunkIndex(h.Chunk.ID)))
		}
		var got []string
		deleted := map[string]bool{}
		for page := 0; ; page++ {
			base.Limit = 1 + r.IntN(9)
			answer := w.find(base)
			if answer.Total != len(want) {
				t.Fatalf("%+v: page %d says %d, the first %d", base, page, answer.Total, len(want))
			}
			for _, h := range answer.Hits {
				if deleted[h.Document.ID] {
					t.Fatalf("page %d shows %s, which is gone", page, h.Document.ID)
				}
				got = append(got, fmt.Sprint(h.Document.ID, " ", models.ChunkIndex(h.Chunk.ID)))
			}
			if answer.NextCursor == "" {
				break
			}
			if len(answer.Hits) < base.Limit {
				t.Fatalf("page %d has %d hits of %d, and a next one", page, len(answer.Hits), base.Limit)
			}
			base.Cursor = answer.NextCursor
			if id := fmt.Sprint("doc ", r.IntN(70)); base.Diversity == 0 && !base.CollapseDuplicates && page > 0 || page > 1 {
				w.forget(id)
				deleted[id] = true
			}
			w.add(doc{id: fmt.Sprint("new ", page), parts: []string{"n"}, vectors: [][]float32{{2, 1, 0, 0}}})
		}
		missing := slices.DeleteFunc(slices.Clone(want), func(hit string) bool { return slices.Contains(got, hit) })
		for _, hit := range missing {
			var n int
			var id string
			if _, err := fmt.Sscanf(hit, "doc %s %d", &id, &n); err != nil || !deleted["doc "+id] {
				t.Errorf("%+v: %s was lost", base, hit)
			}
		}
		shown := slices.DeleteFunc(slices.Clone(want), func(hit string) bool { return slices.Contains(missing, hit) })
		if !slices.Equal(got, shown) {
			t.Fatalf("%+v: the walk shows\n%v\nwant\n%v", base, got, shown)
		}
	}
}

func TestCursorsThatDoNotFit(t *testing.T) {
	w := crowded(t)
	first := search.Request{Vector: []float32{2, 1, 0, 0}, Limit: 5}
	second := first
	second.Cursor = w.find(first).NextCursor
	page := w.find(second)
	third := second
	third.Cursor = page.NextCursor
	again := w.find(second) // the same cursor gives the same page
	if len(page.Hits) != 5 || page.Hits[0].Chunk.ID != again.Hits[0].Chunk.ID || again.NextCursor != page.NextCursor {
		t.Fatalf("asked twice: %+v and %+v", page, again)
	}
	refused := func(name string, s *search.Service, c models.Collection, r search.Request) {
		t.Helper()
		_, err := s.Search(t.Context(), c, r)
		var e *models.Error
		if !errors.As(err, &e) || e.Code != models.Invalid || e.Field != "cursor" {
			t.Errorf("%s: %v; want Invalid about cursor", name, err)
		}
	}
	other := third
	other.Vector = []float32{1, 1, 0, 0}
	refused("another query", w.search, w.c, other)
	elsewhere := w.c
	elsewhere.ID++
	refused("another collection", w.search, elsewhere, third)
	third.Cursor = page.NextCursor[1:]
	refused("damaged", w.search, w.c, third)
	third.Cursor = page.NextCursor
	restarted := search.New(w.db, w.index, w.words, w.available, nil)
	refused("kept by a process that has ended", restarted, w.c, third)
	if got, err := restarted.Search(t.Context(), w.c, second); err != nil || got.Hits[0].Chunk.ID != page.Hits[0].Chunk.ID {
		t.Errorf("a walk that had just begun does not outlive a restart: %v", err)
	}
}

// Beyond what a cursor can name, the walk is kept at once.
func TestWalksFromADeepOffset(t *testing.T) {
	w := newWorld(t)
	var docs []doc
	for i := range 30 {
		d := doc{id: fmt.Sprint(i)}
		for range 80 {
			d.parts, d.vectors = append(d.parts, "p"), append(d.vectors, directions[i%len(directions)])
		}
		docs = append(docs, d)
	}
	w.add(docs...)
	r := search.Request{Vector: []float32{2, 1, 0, 0}, Limit: 100, Offset: 1950, Group: search.ByChunk}
	want := w.want(r)[1950:]
	var got []uint64
	for {
		page := w.find(r)
		for _, h := range page.Hits {
			got = append(got, h.Chunk.ID)
		}
		if page.NextCursor == "" {
			break
		}
		r.Offset, r.Cursor = 0, page.NextCursor
	}
	if !slices.Equal(got, want) {
		t.Errorf("walked over %d hits, want %d", len(got), len(want))
	}
}

package ingest_test

import (
	"strings"
	"testing"

	"searchd/hf/hftest"
	"searchd/ingest"
	"searchd/models"
	"searchd/search"
)

// A text is read by a model once, in whatever document, collection or job it comes.
func TestATextIsReadOnce(t *testing.T) {
	m, other := small(), hftest.NewModel(hftest.Options{ID: "test/other"})
	w := newWorld(t, hftest.Set{m, other})
	long := strings.Repeat("The keeper climbs two hundred steps. ", 60)
	first := w.send(w.draft("a", long, ""), titled(w.draft("b", "bread and rye", ""), "Baking"), w.draft("twin", long, ""))
	read := len(m.Embedded())
	if n := first[0].Chunks + first[1].Chunks; read > n || first[0].Chunks < 2 {
		t.Errorf("%d texts were read of %d chunks: those of the twin should be read once", read, n)
	}

	same := func(items []models.JobItem) {
		t.Helper()
		for i, item := range items {
			if item.Status != created || item.Chunks != first[i].Chunks || item.Tokens != first[i].Tokens || item.Truncated != first[i].Truncated {
				t.Errorf("document %s: %+v; at first %+v", item.DocumentID, item, first[i])
			}
		}
	}
	same(w.send(w.draft("c", long, ""), titled(w.draft("d", "bread and rye", ""), "Baking")))
	if n := len(m.Embedded()); n != read {
		t.Errorf("%d texts were read again under other ids", n-read)
	}

	var err error
	w.c, err = w.ingest.CreateCollection(t.Context(), ingest.CollectionSpec{Name: "second"})
	w.must(err)
	in, err := w.ingest.Rehearse(w.c)
	w.must(err)
	w.must(in.Add(t.Context(), at(0), w.draft("a", long, ""), nil))
	w.must(in.Add(t.Context(), at(1), w.draft("new", "flour", ""), nil))
	preview, err := in.Preview(t.Context())
	w.must(err)
	if preview.NewChunks != 1 || preview.NewTokens != 3 {
		t.Errorf("a preview has %d chunks and %d tokens to read; want 1 and 3, those of the new text", preview.NewChunks, preview.NewTokens)
	}
	read = len(m.Embedded())
	same(w.send(w.draft("a", long, ""), titled(w.draft("b", "bread and rye", ""), "Baking")))
	if n := len(m.Embedded()); n != read {
		t.Errorf("%d texts were read again for another collection", n-read)
	}
	if got := w.find(search.Request{Query: "Baking\nbread and rye", Limit: 1}); got.Hits[0].Document.ID != "b" || got.Hits[0].Score < 0.999 {
		t.Errorf("found %s with %g", got.Hits[0].Document.ID, got.Hits[0].Score)
	}
	w.checkIndex()

	// What another title or another model makes of it is something else.
	read = len(m.Embedded())
	w.send(titled(w.draft("b", "bread and rye", ""), "Flour"))
	if n := len(m.Embedded()); n != read+1 {
		t.Errorf("%d texts were read under another title; want 1", n-read)
	}
	w.c, err = w.ingest.CreateCollection(t.Context(), ingest.CollectionSpec{Name: "third", Model: "test/other"})
	w.must(err)
	w.send(w.draft("a", "flour", ""), w.draft("b", "bread and rye", ""))
	if n := len(other.Embedded()); n != 2 {
		t.Errorf("another model has read %d texts; want 2", n)
	}
}

package search_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf/hftest"
	"searchd/models"
	"searchd/search"
)

// readings is how often a text was embedded.
func (w *world) readings(text string) int {
	return len(slices.DeleteFunc(w.model.Embedded(), func(t string) bool { return t != text }))
}

func TestAQueryIsReadOnce(t *testing.T) {
	w := newWorld(t)
	w.add(
		doc{id: "dough", parts: []string{"yeast lifts the dough"}, vectors: [][]float32{{1, 0, 0, 0}}},
		doc{id: "tide", parts: []string{"the moon moves the tide"}, vectors: [][]float32{{0, 1, 0, 0}}},
	)
	const query = "what lifts dough"
	hits := func(r search.Request) []search.Hit {
		r.Query, r.Limit = query, 10
		return w.find(r).Hits
	}
	first := w.find(search.Request{Query: query, Limit: 10})
	hits(search.Request{Unlike: []string{"tide"}, Mode: search.Semantic}) // which turns the vector of the query
	hits(search.Request{Highlight: true})
	again := w.find(search.Request{Query: query, Limit: 10})
	first.Phases, again.Phases = nil, nil
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("asked again, the answer is another:\n%s", diff)
	}
	if n := w.readings(query); n != 1 {
		t.Errorf("the model has read it %d times", n)
	}

	w.add(doc{id: "bread", parts: []string{"dough becomes bread"}, vectors: [][]float32{{0.9, 0.1, 0, 0}}})
	if len(hits(search.Request{})) != 3 || w.readings(query) != 1 {
		t.Errorf("after a document came, the model has read it %d times", w.readings(query))
	}
}

// Another model, or another state of the same, reads a query itself.
func TestEachModelReadsAQueryItself(t *testing.T) {
	w := newWorld(t)
	available := &hftest.Zoo{Set: hftest.Set{w.model}}
	w.search = search.New(w.db, w.index, w.words, available, nil)
	t.Cleanup(w.search.Close)
	w.add(doc{id: "dough", parts: []string{"yeast lifts the dough"}, vectors: [][]float32{{1, 0, 0, 0}}})
	w.find(search.Request{Query: "dough", Limit: 1})
	for _, o := range []hftest.Options{{Dimensions: dimensions, ID: "test/other"}, {Dimensions: dimensions, Revision: "sha256:other"}} {
		other := hftest.NewModel(o)
		card := other.Card()
		c := models.Collection{Name: card.ID + card.Revision, Engine: "auto", Model: card.ID, Revision: card.Revision, Dimensions: dimensions}
		w.must(w.db.CreateCollection(t.Context(), &c))
		available.Set = hftest.Set{other}
		if _, err := w.search.Search(t.Context(), c, search.Request{Query: "dough", Limit: 1}); err != nil {
			t.Fatal(err)
		}
		if len(other.Embedded()) != 1 {
			t.Errorf("%s %s has read %v", card.ID, card.Revision, other.Embedded())
		}
	}
}

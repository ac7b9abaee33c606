package search_test

import (
	"crypto/rand"
	"testing"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/index"
	"searchd/index/chromem"
	"searchd/index/lexical"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

// dimensions of the vectors in these tests.
const dimensions = 4

// world is a store with one collection and the service on it.
type world struct {
	t         testing.TB
	db        *db.DB
	index     *index.Registry
	words     *lexical.Registry
	model     *hftest.Model // nil where the world has another one
	search    *search.Service
	available hf.Models
	c         models.Collection
}

func newWorld(t testing.TB) *world {
	t.Helper()
	m := hftest.NewModel(hftest.Options{Dimensions: dimensions, MaxTokens: 16})
	w := newWorldOf(t, m)
	w.model = m
	return w
}

// newWorldOf has a model of your choice.
func newWorldOf(t testing.TB, m hf.Model) *world {
	t.Helper()
	store, err := db.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := &world{
		t: t, db: store, available: hftest.Zoo{Set: hftest.Set{m}, Rerankers: []hf.Reranker{hftest.Overlap{}}},
		index: index.NewRegistry(index.Open(func(c models.Collection) (index.Index, error) { return chromem.New(c.Dimensions) }), store),
		c:     models.Collection{Name: "c", Engine: "auto", Model: m.Card().ID, Revision: m.Card().Revision, Dimensions: m.Card().Dimensions},
	}
	w.words = lexical.NewRegistry(t.TempDir(), store, nil)
	t.Cleanup(func() { w.must(w.words.Close()) })
	w.search = search.New(store, w.index, w.words, w.available, nil)
	w.must(store.CreateCollection(t.Context(), &w.c))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// doc is a document whose chunks are the parts of its text, each with a vector of its own.
type doc struct {
	id, metadata string
	parts        []string
	vectors      [][]float32
}

// add stores documents and brings the index up to them.
func (w *world) add(docs ...doc) {
	w.t.Helper()
	job := models.Job{ID: rand.Text(), CollectionID: w.c.ID, Collection: w.c.Name}
	items := make([]models.JobItem, len(docs))
	for i, d := range docs {
		items[i] = models.JobItem{Position: i, DocumentID: d.id, Status: models.ItemPending}
	}
	w.must(w.db.Accept(w.t.Context(), &job, items, true))
	results := make([]db.Result, len(docs))
	for i, d := range docs {
		metadata, err := models.ParseMetadata([]byte(d.metadata))
		w.must(err)
		r := db.Result{
			Item:     items[i],
			Document: &models.Document{ID: d.id, Title: "Title of " + d.id, Metadata: metadata.JSON, ContentHash: []byte{1}, Chunks: len(d.parts)},
			Fields:   metadata.Fields,
		}
		for n, part := range d.parts {
			start := len(r.Document.Text)
			r.Document.Text += part
			r.Chunks = append(r.Chunks, models.Chunk{Start: start, End: len(r.Document.Text), Tokens: 1, Vector: db.EncodeVector(models.Normalize(d.vectors[n]))})
		}
		results[i] = r
	}
	done, err := w.db.Commit(w.t.Context(), w.c.ID, results)
	w.must(err)
	w.reload()
	x, err := w.index.Get(w.t.Context(), w.c)
	w.must(err)
	for _, chunk := range done.Added {
		w.must(x.Upsert(w.t.Context(), []index.Item{{ID: chunk.ID, Vector: db.DecodeVector(chunk.Vector)}}))
	}
	w.must(x.Delete(w.t.Context(), done.Removed))
	var added []uint64
	for _, chunk := range done.Added {
		added = append(added, chunk.ID)
	}
	w.must(w.words.Update(w.t.Context(), w.c, added, done.Removed))
}

func (w *world) reload() {
	w.t.Helper()
	var err error
	w.c, err = w.db.Collection(w.t.Context(), w.c.Name)
	w.must(err)
}

func (w *world) find(r search.Request) search.Response {
	w.t.Helper()
	answer, err := w.search.Search(w.t.Context(), w.c, r)
	w.must(err)
	return answer
}

func (w *world) filter(s string) *models.Filter {
	w.t.Helper()
	f, err := models.ParseFilter([]byte(s))
	w.must(err)
	return f
}

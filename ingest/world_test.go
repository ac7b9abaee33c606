package ingest_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/index"
	"searchd/index/chromem"
	"searchd/index/lexical"
	"searchd/ingest"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

// world is an open data folder with everything that works on it.
type world struct {
	t      testing.TB
	dir    string
	models hf.Models
	engine index.Open
	db     *db.DB
	index  *index.Registry
	words  *lexical.Registry
	ingest *ingest.Service
	search *search.Service
	c      models.Collection // the default one
	stop   func()            // ends the worker, if it runs
}

// newWorld opens a folder; its worker runs.
func newWorld(t testing.TB, available hf.Models) *world {
	t.Helper()
	return newWorldOn(t, available, func(c models.Collection) (index.Index, error) { return chromem.New(c.Dimensions) })
}

// newWorldOn is newWorld with another engine.
func newWorldOn(t testing.TB, available hf.Models, engine index.Open) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), models: available, engine: engine}
	w.open()
	w.run()
	t.Cleanup(func() { w.close() })
	return w
}

// open opens the folder. No worker runs yet.
func (w *world) open() {
	w.t.Helper()
	store, err := db.Open(context.Background(), w.dir)
	w.must(err)
	w.db = store
	w.index = index.NewRegistry(w.engine, store)
	w.words = lexical.NewRegistry(filepath.Join(w.dir, "lexical"), store, nil)
	w.ingest = ingest.New(store, w.index, w.words, w.models, ingest.Options{Overlap: 4, StepTokens: 64})
	w.search = search.New(store, w.index, w.words, w.models, nil)
	w.stop = func() {}
	w.c, err = w.ingest.Collection(context.Background(), models.DefaultCollection)
	w.must(err)
}

func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { w.ingest.Run(ctx) })
	w.stop = func() { cancel(); wg.Wait() }
}

func (w *world) close() {
	w.stop()
	w.must(errors.Join(w.index.Close(), w.words.Close(), w.db.Close()))
}

func (w *world) restart() {
	w.t.Helper()
	w.close()
	w.open()
	w.run()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// draft makes a document; metadata may be empty.
func (w *world) draft(id, text, metadata string) models.Draft {
	w.t.Helper()
	m, err := models.ParseMetadata([]byte(metadata))
	w.must(err)
	return models.Draft{ID: id, Text: text, Metadata: m}
}

func titled(d models.Draft, title string) models.Draft { d.Title = title; return d }

// post hands documents in and does not wait.
func (w *world) post(drafts ...models.Draft) models.Job {
	w.t.Helper()
	in := w.ingest.Begin(w.c)
	for i, d := range drafts {
		w.must(in.Add(context.Background(), at(i), d, nil))
	}
	job, err := in.Commit(context.Background())
	w.must(err)
	return job
}

// wait waits for a job's end and answers its items.
func (w *world) wait(job models.Job) (models.Job, []models.JobItem) {
	w.t.Helper()
	job, err := w.ingest.Wait(context.Background(), job.ID, 30*time.Second)
	w.must(err)
	if !job.Status.Finished() {
		w.t.Fatalf("job %s is still %s", job.ID, job.Status)
	}
	items, err := w.db.Items(context.Background(), job.Seq)
	w.must(err)
	return job, items
}

// send hands documents in and answers what became of them.
func (w *world) send(drafts ...models.Draft) []models.JobItem {
	w.t.Helper()
	_, items := w.wait(w.post(drafts...))
	return items
}

func (w *world) find(r search.Request) search.Response {
	w.t.Helper()
	c, err := w.db.Collection(context.Background(), w.c.Name)
	w.must(err)
	answer, err := w.search.Search(context.Background(), c, r)
	w.must(err)
	return answer
}

// checkIndex makes sure that the index holds the store's chunks, no more and no less.
func (w *world) checkIndex() {
	w.t.Helper()
	ctx := context.Background()
	c, err := w.db.Collection(ctx, w.c.Name)
	w.must(err)
	x, err := w.index.Get(ctx, c)
	w.must(err)
	stored := 0
	w.must(w.db.Vectors(ctx, c.ID, func(uint64, []float32) error { stored++; return nil }))
	if x.Len() != stored || c.Chunks != stored {
		w.t.Fatalf("the index has %d vectors, the store %d, the collection counts %d", x.Len(), stored, c.Chunks)
	}
}

func at(i int) string { return "documents[" + string(rune('0'+i%10)) + "]" }

func small() *hftest.Model { return hftest.NewModel(hftest.Options{Dimensions: 64, MaxTokens: 32}) }

func statuses(items []models.JobItem) []models.ItemStatus {
	list := make([]models.ItemStatus, len(items))
	for i, item := range items {
		list[i] = item.Status
	}
	return list
}

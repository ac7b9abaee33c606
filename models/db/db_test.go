package db_test

import (
	"context"
	"crypto/rand"
	"testing"

	"searchd/models"
	"searchd/models/db"
)

// open opens a store for the length of the test. It may be closed earlier.
func open(t testing.TB, dir string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func reopen(t testing.TB, d *db.DB, dir string) *db.DB {
	t.Helper()
	must(t, d.Close())
	return open(t, dir)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func collection(t testing.TB, d *db.DB, name string) models.Collection {
	t.Helper()
	c := models.Collection{Name: name, Engine: "auto", Model: "m", Revision: "r", Dimensions: 2}
	must(t, d.CreateCollection(t.Context(), &c))
	return c
}

// doc is a document as these tests write it.
type doc struct {
	id, text, metadata string
	chunks             int // 0 means 1
}

// accept keeps documents as a job and answers its items.
func accept(t testing.TB, d *db.DB, c models.Collection, job string, docs ...doc) (models.Job, []models.JobItem) {
	t.Helper()
	j := models.Job{ID: job, Kind: "ingest", CollectionID: c.ID, Collection: c.Name}
	items := make([]models.JobItem, len(docs))
	for i, doc := range docs {
		items[i] = models.JobItem{Position: i, DocumentID: doc.id, Status: models.ItemPending, Payload: []byte(doc.text)}
	}
	must(t, d.Accept(t.Context(), &j, items, true))
	return j, items
}

// result is what a worker would make of an item.
func result(t testing.TB, item models.JobItem, doc doc) db.Result {
	t.Helper()
	metadata, err := models.ParseMetadata([]byte(doc.metadata))
	must(t, err)
	n := max(doc.chunks, 1)
	r := db.Result{
		Item:     item,
		Document: &models.Document{ID: doc.id, Text: doc.text, Metadata: metadata.JSON, ContentHash: []byte(doc.text), Chunks: n},
		Fields:   metadata.Fields,
	}
	for i := range n {
		from, to := i*len(doc.text)/n, (i+1)*len(doc.text)/n
		r.Chunks = append(r.Chunks, models.Chunk{Start: from, End: to, Tokens: 1, Vector: db.EncodeVector([]float32{1, float32(i)})})
	}
	return r
}

// put takes documents in.
func put(t testing.TB, d *db.DB, c models.Collection, docs ...doc) db.Committed {
	t.Helper()
	j, items := accept(t, d, c, "job_"+rand.Text(), docs...)
	results := make([]db.Result, len(docs))
	for i := range docs {
		results[i] = result(t, items[i], docs[i])
	}
	done, err := d.Commit(t.Context(), c.ID, results)
	must(t, err)
	must(t, d.FinishJob(t.Context(), j.Seq, models.JobDone, ""))
	return done
}

// checkCounters compares a collection's counters with what is there.
func checkCounters(t testing.TB, d *db.DB, c models.Collection, documents, chunks int) {
	t.Helper()
	ctx := context.Background()
	stored, err := d.Collection(ctx, c.Name)
	must(t, err)
	list, err := d.Documents(ctx, c.ID, nil, db.Page{Limit: 100_000})
	must(t, err)
	vectors := 0
	must(t, d.Vectors(ctx, c.ID, func(uint64, []float32) error { vectors++; return nil }))
	if stored.Documents != documents || len(list) != documents {
		t.Fatalf("the collection counts %d documents, %d are there, want %d", stored.Documents, len(list), documents)
	}
	if stored.Chunks != chunks || vectors != chunks {
		t.Fatalf("the collection counts %d chunks, %d are there, want %d", stored.Chunks, vectors, chunks)
	}
}

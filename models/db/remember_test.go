package db_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/models"
	"searchd/models/db"
)

// stored is the record of a live collection as a listing reads it, empty where it is not listed.
func stored(t testing.TB, d *db.DB, name string) models.Collection {
	t.Helper()
	list, _, err := d.Collections(t.Context(), db.Page{Limit: 100})
	must(t, err)
	i := slices.IndexFunc(list, func(c models.Collection) bool { return c.Name == name })
	if i < 0 {
		return models.Collection{}
	}
	return list[i]
}

func TestARememberedCollectionIsTheStoredOne(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	var c models.Collection
	check := func(after string) {
		t.Helper()
		for range 2 { // as it is read, and as it is remembered
			got, err := d.Collection(t.Context(), "c")
			want := stored(t, d, "c")
			if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want.ID > 0) {
				t.Errorf("after %s (%v; stored is what has -):\n%s", after, err, diff)
			}
		}
	}
	check("nothing")
	c = collection(t, d, "c")
	check("its creation")
	put(t, d, c, doc{id: "a", text: "first", metadata: `{"n":1}`}, doc{id: "b", text: "second", chunks: 3, metadata: `{"n":2}`}, doc{id: "c", text: "third"})
	check("documents came")
	put(t, d, c, doc{id: "a", text: "first again", chunks: 2, metadata: `{"n":1}`})
	check("one was replaced")
	_, err := d.DescribeCollection(t.Context(), "c", "letters")
	must(t, err)
	check("it was described")
	_, err = d.DeleteDocuments(t.Context(), c.ID, []string{"c"})
	must(t, err)
	check("one was deleted")
	_, err = d.DeleteMatching(t.Context(), c.ID, match(t, d, c, `{"n":1}`))
	must(t, err)
	check("one was deleted by a filter")
	flip(t, d, c)
	check("another generation became the live one")
	must(t, d.Close())
	raw(t, dir, "UPDATE collections SET documents = 99")
	d = open(t, dir)
	check("its counters were damaged")
	must(t, d.Recount(t.Context(), stored(t, d, "c").ID))
	check("it was counted")
	_, err = d.DropPrevious(t.Context(), "c")
	must(t, err)
	check("its former generation was dropped")
	_, _, err = d.DeleteCollection(t.Context(), "c")
	must(t, err)
	check("its deletion")
	collection(t, d, "c")
	check("another has its name")
}

// flip makes a generation of another model that has all documents, and makes it the live one.
func flip(t testing.TB, d *db.DB, c models.Collection) {
	t.Helper()
	next := models.Collection{Model: "m2", Revision: "r", Dimensions: 2}
	job := models.Job{ID: "job_flip", Kind: models.ReembedJob}
	must(t, d.BeginReembed(t.Context(), c, &next, &job))
	lacking, err := d.Lacking(t.Context(), c.ID, next.ID, 0, 100, 1<<20)
	must(t, err)
	var copied []db.Copied
	for _, l := range lacking {
		r := result(t, models.JobItem{}, doc{id: l.ID, text: l.Text, metadata: l.Metadata})
		copied = append(copied, db.Copied{From: l.Seq, Result: r})
	}
	_, err = d.Copy(t.Context(), &job, next.ID, copied)
	must(t, err)
	f, err := d.Flip(t.Context(), &job, next.ID)
	must(t, err)
	if f.Lacks {
		t.Fatal("not flipped")
	}
}

func TestARememberedPassageIsTheStoredOne(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	put(t, d, c, doc{id: "a", text: "first", metadata: `{"n":1}`}, doc{id: "b", text: "second", metadata: `{"n":2}`, chunks: 2})
	seqs := map[uint64]bool{}
	look := func() (ids []uint64, want map[uint64]models.Document) {
		want = map[uint64]models.Document{}
		list, err := d.Documents(t.Context(), c.ID, nil, db.Page{Limit: 100})
		must(t, err)
		for _, doc := range list {
			seqs[doc.Seq] = true
			want[models.ChunkID(doc.Seq, 0)] = doc
		}
		for seq := range seqs { // those that are gone, too
			ids = append(ids, models.ChunkID(seq, 0))
		}
		return ids, want
	}
	check := func(after string) {
		t.Helper()
		ids, want := look()
		for range 2 { // as it is read, and as it is remembered
			found, err := d.Passages(t.Context(), ids)
			must(t, err)
			if len(found) != len(want) {
				t.Errorf("after %s there are passages of %d documents, want %d", after, len(found), len(want))
			}
			for id, doc := range want {
				if got := found[id].Document; got.ID != doc.ID || got.Title != doc.Title || got.URL != doc.URL || got.Metadata != doc.Metadata || got.Seq != doc.Seq {
					t.Errorf("after %s a passage is of %+v, want %+v", after, got, doc)
				}
			}
		}
	}
	check("they came")
	title, name := "A title", "z"
	_, err := d.PatchDocument(t.Context(), c.ID, "a", db.Patch{Title: &title})
	must(t, err)
	check("a title was changed")
	_, err = d.PatchDocument(t.Context(), c.ID, "a", db.Patch{ID: &name})
	must(t, err)
	check("a document was renamed")
	put(t, d, c, doc{id: "c", text: "third"})
	check("another came")
	_, items := accept(t, d, c, "job_keep", doc{id: "b", text: "second"})
	kept := result(t, items[0], doc{id: "b", text: "second", metadata: `{"n":3}`, chunks: 2})
	kept.Keep, kept.Chunks = true, nil
	_, err = d.Commit(t.Context(), c.ID, []db.Result{kept})
	must(t, err)
	check("one was sent with other metadata")
	put(t, d, c, doc{id: "b", text: "second again", metadata: `{"n":3}`})
	check("one was replaced")
	_, err = d.DeleteDocuments(t.Context(), c.ID, []string{"c"})
	must(t, err)
	check("one was deleted")
	_, err = d.DeleteMatching(t.Context(), c.ID, match(t, d, c, `{"n":3}`))
	must(t, err)
	check("one was deleted by a filter")
	flip(t, d, c)
	check("another generation became the live one")
	_, err = d.DropPrevious(t.Context(), "c")
	must(t, err)
	check("their generation was dropped")
}

// Whoever asks after a change was made sees it, or a later one, whatever others read meanwhile.
func TestNobodyReadsWhatWasBeforeAChange(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	put(t, d, c, doc{id: "a", text: "a text"})
	passage := func(ctx context.Context) (title string) {
		doc, err := d.Document(ctx, c.ID, "a")
		must(t, err)
		id := models.ChunkID(doc.Seq, 0)
		found, err := d.Passages(ctx, []uint64{id})
		must(t, err)
		return found[id].Document.Title
	}
	var group sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 3 {
		group.Go(func() {
			for ctx.Err() == nil {
				_, err := d.Collection(t.Context(), "c")
				must(t, err)
				passage(t.Context())
			}
		})
	}
	for i := range 300 {
		text := strconv.Itoa(i)
		_, err := d.DescribeCollection(t.Context(), "c", text)
		must(t, err)
		_, err = d.PatchDocument(t.Context(), c.ID, "a", db.Patch{Title: &text})
		must(t, err)
		if now, err := d.Collection(t.Context(), "c"); err != nil || now.Description != text {
			t.Fatalf("described as %q, %v; want %q", now.Description, err, text)
		}
		if title := passage(t.Context()); title != text {
			t.Fatalf("a passage has the title %q, want %q", title, text)
		}
	}
	stop()
	group.Wait()
}

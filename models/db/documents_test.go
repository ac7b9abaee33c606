package db_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"searchd/models"
	"searchd/models/db"
)

func TestListingCoversEverythingOnce(t *testing.T) {
	d := open(t, t.TempDir())
	c, other := collection(t, d, "c"), collection(t, d, "other")
	ids := []string{"a", "B", "b", "a/b", "a b", "é", "灯塔", "%", "_", "~"}
	for i := range 1200 {
		ids = append(ids, fmt.Sprintf("doc-%d", i))
	}
	var docs []doc
	for i, id := range ids {
		docs = append(docs, doc{id: id, text: "secret", metadata: fmt.Sprintf(`{"even":%v}`, i%2 == 0)})
	}
	rand.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	put(t, d, c, docs...)
	put(t, d, other, doc{id: "doc-5000", text: "elsewhere"})

	var even []string
	for i, id := range ids {
		if i%2 == 0 {
			even = append(even, id)
		}
	}
	slices.Sort(ids)
	slices.Sort(even)
	for _, limit := range []int{23, 600, 5000} {
		if got := list(t, d, c, "", limit); !slices.Equal(got, ids) {
			t.Errorf("pages of %d: %d documents, want %d in order", limit, len(got), len(ids))
		}
		if got := list(t, d, c, `{"even":true}`, limit); !slices.Equal(got, even) {
			t.Errorf("pages of %d with a filter: %d documents, want %d in order", limit, len(got), len(even))
		}
	}
	if got := list(t, d, c, `{"even":"neither"}`, 10); len(got) != 0 {
		t.Errorf("a filter that nothing meets lists %v", got)
	}
}

// list reads all pages.
func list(t *testing.T, d *db.DB, c models.Collection, filter string, limit int) []string {
	t.Helper()
	allow := match(t, d, c, filter)
	var ids []string
	for after := ""; ; after = ids[len(ids)-1] {
		page, err := d.Documents(t.Context(), c.ID, allow, db.Page{Limit: limit, After: after})
		must(t, err)
		if len(page) > limit {
			t.Fatalf("a page of %d has %d", limit, len(page))
		}
		for _, doc := range page {
			if doc.Text != "" {
				t.Fatalf("a listing reads the text %q", doc.Text)
			}
			ids = append(ids, doc.ID)
		}
		if len(page) < limit {
			return ids
		}
	}
}

func TestCollectionsAreListedByName(t *testing.T) {
	d := open(t, t.TempDir())
	names := []string{"B", "a", "a.b", "b", "default"}
	for _, i := range rand.Perm(len(names)) {
		collection(t, d, names[i])
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		page, total, err := d.Collections(t.Context(), db.Page{Limit: 2, After: after})
		must(t, err)
		if total != len(names) {
			t.Fatalf("total %d, want %d", total, len(names))
		}
		for _, c := range page {
			got = append(got, c.Name)
		}
		if len(page) < 2 {
			break
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("listed %v, want %v", got, names)
	}
	if err := d.CreateCollection(t.Context(), &models.Collection{Name: "a"}); models.CodeOf(err) != models.Conflict {
		t.Errorf("a name in use: %v; want a Conflict", err)
	}
	if _, err := d.DescribeCollection(t.Context(), "none", "x"); models.CodeOf(err) != models.NotFound {
		t.Errorf("described a collection that is not there: %v", err)
	}
	if c, err := d.DescribeCollection(t.Context(), "a", "first letter"); err != nil || c.Description != "first letter" {
		t.Errorf("description %q, %v", c.Description, err)
	}
}

// Documents, chunks and counters stay true to a plain map through any order of changes.
func TestCountersThroughRandomChanges(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	d := open(t, dir)
	c := collection(t, d, "c")
	chunks := map[string]int{} // by id
	for range 80 {
		switch r.IntN(5) {
		case 0:
			ids := []string{fmt.Sprint(r.IntN(30)), fmt.Sprint(r.IntN(30)), "not there"}
			gone, err := d.DeleteDocuments(t.Context(), c.ID, ids)
			must(t, err)
			checkRemoved(t, gone, chunks, ids)
		case 1:
			want := fmt.Sprintf(`{"n":%d}`, r.IntN(3))
			ids := matching(t, d, c, want)
			gone, err := d.DeleteMatching(t.Context(), c.ID, match(t, d, c, want))
			must(t, err)
			checkRemoved(t, gone, chunks, ids)
		case 2:
			d = reopen(t, d, dir)
		default:
			var docs []doc
			for _, id := range r.Perm(30)[:1+r.IntN(5)] {
				docs = append(docs, doc{
					id: fmt.Sprint(id), text: fmt.Sprint("text ", r.Uint64()), metadata: fmt.Sprintf(`{"n":%d}`, r.IntN(3)), chunks: 1 + r.IntN(4),
				})
			}
			replaced := 0
			for _, doc := range docs {
				replaced += chunks[doc.id]
				chunks[doc.id] = doc.chunks
			}
			if done := put(t, d, c, docs...); len(done.Removed) != replaced {
				t.Fatalf("seed %d: %d chunks were replaced, want %d", seed, len(done.Removed), replaced)
			}
		}
		total := 0
		for _, n := range chunks {
			total += n
		}
		checkCounters(t, d, c, len(chunks), total)
	}
}

// checkRemoved compares a deletion with the map and repeats it there.
func checkRemoved(t *testing.T, gone db.Removed, chunks map[string]int, ids []string) {
	t.Helper()
	documents, total := 0, 0
	for _, id := range ids {
		if n, ok := chunks[id]; ok {
			documents, total = documents+1, total+n
			delete(chunks, id)
		}
	}
	if gone.Documents != documents || len(gone.Chunks) != total {
		t.Fatalf("removed %d documents with %d chunks, want %d with %d", gone.Documents, len(gone.Chunks), documents, total)
	}
}

func TestANewContentHasANewSeq(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	last := uint64(0)
	for i := range 4 {
		put(t, d, c, doc{id: "only", text: fmt.Sprint(i)})
		got, err := d.Document(t.Context(), c.ID, "only")
		must(t, err)
		if got.Seq <= last {
			t.Fatalf("content %d has seq %d after %d", i, got.Seq, last)
		}
		last = got.Seq
		if i%2 == 1 { // also after the table was empty
			_, err := d.DeleteDocuments(t.Context(), c.ID, []string{"only"})
			must(t, err)
		}
	}
}

func TestReplacingKeepsTheDateOfCreation(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	put(t, d, c, doc{id: "a", text: "one"})
	before, err := d.Document(t.Context(), c.ID, "a")
	must(t, err)
	put(t, d, c, doc{id: "a", text: "two"})
	after, err := d.Document(t.Context(), c.ID, "a")
	must(t, err)
	if !after.CreatedAt.Equal(before.CreatedAt) || !after.UpdatedAt.After(before.UpdatedAt) || after.Text != "two" {
		t.Errorf("before %v %v, after %v %v %q", before.CreatedAt, before.UpdatedAt, after.CreatedAt, after.UpdatedAt, after.Text)
	}
}

func TestPatch(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	put(t, d, c, doc{id: "a", text: "text", metadata: `{"old":1}`, chunks: 3})
	title, metadata := "a title", models.Metadata{JSON: `{"new":2}`, Fields: []models.Field{{Key: "new", Kind: models.KindNumber, Number: 2}}}
	doc, err := d.PatchDocument(t.Context(), c.ID, "a", db.Patch{Title: &title, Metadata: &metadata})
	must(t, err)
	if doc.Title != title || doc.Text != "text" || doc.Metadata != metadata.JSON {
		t.Errorf("answered %+v", doc)
	}
	if got := matching(t, d, c, `{"new":2}`); !slices.Equal(got, []string{"a"}) {
		t.Errorf("the new metadata matches %v", got)
	}
	if got := matching(t, d, c, `{"old":1}`); len(got) != 0 {
		t.Errorf("the old metadata matches %v", got)
	}
	empty := ""
	doc, err = d.PatchDocument(t.Context(), c.ID, "a", db.Patch{Title: &empty})
	must(t, err)
	if stored, err := d.Document(t.Context(), c.ID, "a"); err != nil || stored.Title != "" || stored.Metadata != doc.Metadata {
		t.Errorf("stored title %q, metadata %s, %v", stored.Title, stored.Metadata, err)
	}
	checkCounters(t, d, c, 1, 3)
	if _, err := d.PatchDocument(t.Context(), c.ID, "none", db.Patch{Title: &title}); models.CodeOf(err) != models.NotFound {
		t.Errorf("patched a document that is not there: %v", err)
	}
}

func TestDeleteManyIDs(t *testing.T) {
	d := open(t, t.TempDir())
	c, other := collection(t, d, "c"), collection(t, d, "other")
	put(t, d, c, doc{id: "first", text: "t"}, doc{id: "last", text: "t"}, doc{id: "stays", text: "t"})
	put(t, d, other, doc{id: "first", text: "t"})
	ids := []string{"first"}
	for i := range 1100 {
		ids = append(ids, fmt.Sprint("none", i))
	}
	gone, err := d.DeleteDocuments(t.Context(), c.ID, append(ids, "last", "first"))
	must(t, err)
	if gone.Documents != 2 || len(gone.Chunks) != 2 {
		t.Errorf("removed %+v, want two", gone)
	}
	checkCounters(t, d, c, 1, 1)
	checkCounters(t, d, other, 1, 1)
}

func TestDeleteCollection(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	c, other := collection(t, d, "c"), collection(t, d, "other")
	put(t, d, c, doc{id: "a", text: "t", metadata: `{"k":1}`, chunks: 2})
	put(t, d, other, doc{id: "a", text: "t", metadata: `{"k":1}`, chunks: 2})
	waiting, _ := accept(t, d, c, "waiting", doc{id: "b", text: "t"})
	if _, _, err := d.DeleteCollection(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Collection(t.Context(), "c"); models.CodeOf(err) != models.NotFound {
		t.Errorf("the collection is still there: %v", err)
	}
	if j, err := d.Job(t.Context(), waiting.ID); err != nil || j.Status != models.JobCancelled {
		t.Errorf("its waiting job is %s, %v", j.Status, err)
	}
	if j, err := d.NextJob(t.Context(), models.IngestJob); j != nil || err != nil {
		t.Errorf("there is still work: %+v, %v", j, err)
	}
	again := collection(t, d, "c")
	checkCounters(t, d, again, 0, 0)
	checkCounters(t, d, other, 1, 2)
	if got := matching(t, d, other, `{"k":1}`); len(got) != 1 {
		t.Errorf("in the other collection %v match", got)
	}
	if _, _, err := d.DeleteCollection(t.Context(), "none"); models.CodeOf(err) != models.NotFound {
		t.Errorf("deleted a collection that is not there: %v", err)
	}
}

package db_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"searchd/models"
	"searchd/models/db"
)

func TestAJobThatNeverBecameWholeIsForgotten(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	c := collection(t, d, "c")
	half := models.Job{ID: "half", CollectionID: c.ID, Collection: c.Name}
	must(t, d.Accept(t.Context(), &half, []models.JobItem{{DocumentID: "a", Status: models.ItemPending}}, false))
	whole, _ := accept(t, d, c, "whole", doc{id: "b", text: "t"})

	if _, err := d.Job(t.Context(), half.ID); models.CodeOf(err) != models.NotFound {
		t.Errorf("a job that is still received is shown: %v", err)
	}
	if next, err := d.NextJob(t.Context(), models.IngestJob); err != nil || next.ID != whole.ID {
		t.Errorf("the next job is %v, %v; want the whole one", next, err)
	}
	if list, total, err := d.Jobs(t.Context(), 0, 10); err != nil || total != 1 || len(list) != 1 {
		t.Errorf("listed %v, total %d, %v", list, total, err)
	}
	d = reopen(t, d, dir)
	if items, err := d.Items(t.Context(), half.Seq); err != nil || len(items) != 0 {
		t.Errorf("after reopening, items of the half job: %v, %v", items, err)
	}
	if j, err := d.Job(t.Context(), whole.ID); err != nil || j.Status != models.JobQueued || j.Total != 1 {
		t.Errorf("after reopening, the whole job is %+v, %v", j, err)
	}
}

func TestAcceptInParts(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	j := models.Job{ID: "j", CollectionID: c.ID, Collection: c.Name}
	for part := range 3 {
		var items []models.JobItem
		for i := range 100 {
			status := models.ItemPending
			if i == 0 {
				status = models.ItemFailed
			}
			items = append(items, models.JobItem{Position: part*100 + i, DocumentID: fmt.Sprint(part, i), Status: status, Payload: []byte("x")})
		}
		must(t, d.Accept(t.Context(), &j, items, false))
	}
	must(t, d.Accept(t.Context(), &j, nil, true)) // the end may come alone
	stored, err := d.Job(t.Context(), "j")
	must(t, err)
	if stored.Status != models.JobQueued || stored.Total != 300 || stored.Failed != 3 || stored.Done != 0 {
		t.Errorf("stored %+v", stored)
	}
	items, err := d.Items(t.Context(), j.Seq)
	must(t, err)
	for i, item := range items {
		if item.Position != i || item.Payload != nil {
			t.Fatalf("item %d: position %d, payload %q", i, item.Position, item.Payload)
		}
	}
}

func TestPendingItemsAreBoundedByBytes(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	j, _ := accept(t, d, c, "j", doc{id: "0", text: "12345"}, doc{id: "1", text: "12345"}, doc{id: "2", text: "12345"})
	for _, test := range []struct{ limit, bytes, want int }{{10, 100, 3}, {2, 100, 2}, {10, 1, 1}, {10, 5, 1}, {10, 6, 2}} {
		items, err := d.PendingItems(t.Context(), j.Seq, -1, test.limit, test.bytes)
		must(t, err)
		if len(items) != test.want || string(items[0].Payload) != "12345" {
			t.Errorf("limit %d, %d bytes: %d items, want %d", test.limit, test.bytes, len(items), test.want)
		}
	}
}

func TestCommitStoresStatusesAndCounters(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	put(t, d, c, doc{id: "old", text: "before"}, doc{id: "kept", text: "same", metadata: `{"k":1}`}, doc{id: "same", text: "same"})
	docs := []doc{{id: "new", text: "t", chunks: 2}, {id: "old", text: "after"}, {id: "kept", text: "same", metadata: `{"k":2}`}, {id: "same"}, {id: "bad"}, {id: "ghost", text: "t"}}
	j, items := accept(t, d, c, "j", docs...)
	results := make([]db.Result, len(docs))
	for i := range docs {
		results[i] = result(t, items[i], docs[i])
	}
	stored, err := d.Document(t.Context(), c.ID, "kept")
	must(t, err)
	stored.Metadata = `{"k":2}`
	results[2].Document, results[2].Chunks, results[2].Keep = &stored, nil, true
	results[3] = db.Result{Item: withStatus(items[3], models.ItemUnchanged)}
	results[4] = db.Result{Item: withStatus(items[4], models.ItemFailed)}
	results[5].Keep, results[5].Chunks = true, nil // deleted since it was compared
	done, err := d.Commit(t.Context(), c.ID, results)
	must(t, err)
	if len(done.Added) != 3 || len(done.Removed) != 1 {
		t.Errorf("added %d chunks, removed %d; want 3 and 1", len(done.Added), len(done.Removed))
	}
	if got := statuses(t, d, j); !slices.Equal(got, []models.ItemStatus{
		models.ItemCreated, models.ItemUpdated, models.ItemUpdated, models.ItemUnchanged, models.ItemFailed, models.ItemFailed,
	}) {
		t.Errorf("statuses %v", got)
	}
	after, err := d.Job(t.Context(), "j")
	must(t, err)
	if after.Done != 4 || after.Failed != 2 {
		t.Errorf("%d done, %d failed; want 4 and 2", after.Done, after.Failed)
	}
	if got := matching(t, d, c, `{"k":2}`); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("the new metadata matches %v", got)
	}
	checkCounters(t, d, c, 4, 5)
	if again, err := d.Commit(t.Context(), c.ID, results); err != nil || len(again.Added)+len(again.Removed) != 0 {
		t.Errorf("committed twice: %+v, %v; want nothing", again, err)
	}
	checkCounters(t, d, c, 4, 5)
}

func withStatus(item models.JobItem, status models.ItemStatus) models.JobItem {
	item.Status = status
	return item
}

func statuses(t *testing.T, d *db.DB, j models.Job) []models.ItemStatus {
	t.Helper()
	items, err := d.Items(t.Context(), j.Seq)
	must(t, err)
	var list []models.ItemStatus
	for _, item := range items {
		list = append(list, item.Status)
	}
	return list
}

// Half of a commit is never seen: when one document cannot be stored, none is.
func TestCommitIsAllOrNothing(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	docs := []doc{{id: "good", text: "t"}, {id: "bad", text: "t"}}
	j, items := accept(t, d, c, "j", docs...)
	results := []db.Result{result(t, items[0], docs[0]), result(t, items[1], docs[1])}
	results[1].Chunks[0].Vector = nil // the column takes no NULL
	if done, err := d.Commit(t.Context(), c.ID, results); err == nil {
		t.Fatalf("stored a chunk without a vector: %+v", done)
	}
	checkCounters(t, d, c, 0, 0)
	if got := statuses(t, d, j); !slices.Equal(got, []models.ItemStatus{models.ItemPending, models.ItemPending}) {
		t.Errorf("statuses %v", got)
	}
}

func TestCancel(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	docs := []doc{{id: "a", text: "t"}, {id: "b", text: "t"}, {id: "c", text: "t"}}
	j, items := accept(t, d, c, "j", docs...)
	must(t, d.StartJob(t.Context(), &j))
	_, err := d.Commit(t.Context(), c.ID, []db.Result{result(t, items[0], docs[0])})
	must(t, err)
	late := []db.Result{result(t, items[1], docs[1])} // in the worker's hands
	cancelled, err := d.CancelJob(t.Context(), "j")
	must(t, err)
	if cancelled.Status != models.JobCancelled || cancelled.Done != 1 || cancelled.Failed != 2 || cancelled.FinishedAt == nil {
		t.Errorf("cancelled: %+v", cancelled)
	}
	if done, err := d.Commit(t.Context(), c.ID, late); err != nil || len(done.Added) != 0 {
		t.Errorf("a cancelled document was stored: %+v, %v", done, err)
	}
	must(t, d.FinishJob(t.Context(), j.Seq, models.JobDone, ""))
	if again, err := d.CancelJob(t.Context(), "j"); err != nil || again.Status != models.JobCancelled || again.Failed != 2 {
		t.Errorf("cancelled twice: %+v, %v", again, err)
	}
	checkCounters(t, d, c, 1, 1)
	if next, err := d.NextJob(t.Context(), models.IngestJob); next != nil || err != nil {
		t.Errorf("there is still work: %+v, %v", next, err)
	}
	if _, err := d.CancelJob(t.Context(), "none"); models.CodeOf(err) != models.NotFound {
		t.Errorf("cancelled a job that is not there: %v", err)
	}
}

func TestDeletionDropsWhatIsWaiting(t *testing.T) {
	d := open(t, t.TempDir())
	c, other := collection(t, d, "c"), collection(t, d, "other")
	docs := []doc{{id: "a", text: "t"}, {id: "b", text: "t"}}
	j, items := accept(t, d, c, "j", docs...)
	elsewhere, _ := accept(t, d, other, "elsewhere", docs...)
	if gone, err := d.DeleteDocuments(t.Context(), c.ID, []string{"a"}); err != nil || gone.Documents != 0 {
		t.Fatalf("deleted %+v, %v", gone, err)
	}
	results := []db.Result{result(t, items[0], docs[0]), result(t, items[1], docs[1])}
	_, err := d.Commit(t.Context(), c.ID, results) // the worker had read both
	must(t, err)
	if got := statuses(t, d, j); !slices.Equal(got, []models.ItemStatus{models.ItemFailed, models.ItemCreated}) {
		t.Errorf("statuses %v; want the deleted one failed", got)
	}
	if got := statuses(t, d, elsewhere); !slices.Equal(got, []models.ItemStatus{models.ItemPending, models.ItemPending}) {
		t.Errorf("in another collection: %v", got)
	}
	if after, err := d.Job(t.Context(), "j"); err != nil || after.Done != 1 || after.Failed != 1 {
		t.Errorf("%+v, %v; want one done, one failed", after, err)
	}
	checkCounters(t, d, c, 1, 1)
}

func TestPrune(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	waiting, _ := accept(t, d, c, "waiting", doc{id: "a", text: "t"})
	var finished []models.Job
	for i := range 5 {
		j, _ := accept(t, d, c, fmt.Sprint("finished", i), doc{id: "a", text: "t"})
		must(t, d.FinishJob(t.Context(), j.Seq, models.JobDone, ""))
		finished = append(finished, j)
	}
	must(t, d.PruneJobs(t.Context(), 2, time.Now()))
	list, total, err := d.Jobs(t.Context(), 0, 10)
	must(t, err)
	var ids []string
	for _, j := range list {
		ids = append(ids, j.ID)
	}
	if want := []string{"finished4", "finished3", "waiting"}; !slices.Equal(ids, want) || total != 3 {
		t.Errorf("left %v, total %d; want %v", ids, total, want)
	}
	if items, err := d.Items(t.Context(), finished[0].Seq); err != nil || len(items) != 0 {
		t.Errorf("items of a pruned job: %v, %v", items, err)
	}
	if items, err := d.Items(t.Context(), waiting.Seq); err != nil || len(items) != 1 {
		t.Errorf("items of the waiting job: %v, %v", items, err)
	}
}

// A key is remembered for as long as it was promised, however many jobs come after.
func TestAKeyedJobIsKept(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	for i := range 3 {
		j := models.Job{ID: fmt.Sprint("job", i), Kind: "ingest", CollectionID: c.ID, Collection: c.Name, IdempotencyKey: "k", RequestHash: []byte{byte(i)}}
		must(t, d.Accept(t.Context(), &j, []models.JobItem{{DocumentID: "a"}}, true))
		must(t, d.FinishJob(t.Context(), j.Seq, models.JobDone, ""))
	}
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	must(t, d.PruneJobs(t.Context(), 1, past))
	if _, total, err := d.Jobs(t.Context(), 0, 10); err != nil || total != 3 {
		t.Errorf("%d jobs are left, %v; want all", total, err)
	}
	if j, err := d.KeyedJob(t.Context(), "k", past); err != nil || j == nil || j.ID != "job2" || len(j.RequestHash) != 1 || j.RequestHash[0] != 2 {
		t.Errorf("%+v, %v; want the newest", j, err)
	}
	for _, none := range []struct {
		key   string
		since time.Time
	}{{"k", future}, {"K", past}, {"", future}} {
		if j, err := d.KeyedJob(t.Context(), none.key, none.since); err != nil || j != nil {
			t.Errorf("%+v: %+v, %v", none, j, err)
		}
	}
	must(t, d.PruneJobs(t.Context(), 1, future))
	if _, total, err := d.Jobs(t.Context(), 0, 10); err != nil || total != 1 {
		t.Errorf("%d jobs are left, %v; want one", total, err)
	}
}

func TestJobsArePaged(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	for i := range 5 {
		accept(t, d, c, fmt.Sprint(i), doc{id: "a", text: "t"})
	}
	var got []string
	for before := uint64(0); ; {
		page, total, err := d.Jobs(t.Context(), before, 2)
		must(t, err)
		if total != 5 {
			t.Fatalf("total %d", total)
		}
		for _, j := range page {
			got, before = append(got, j.ID), j.Seq
		}
		if len(page) < 2 {
			break
		}
	}
	if want := []string{"4", "3", "2", "1", "0"}; !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}

// A collection may be deleted while a body for it is still coming in: the rest of the body is refused, and no job is
// left that can never end.
func TestAcceptAfterTheCollectionWasDeleted(t *testing.T) {
	d := open(t, t.TempDir())
	c := collection(t, d, "c")
	j := models.Job{ID: "j", CollectionID: c.ID, Collection: c.Name}
	must(t, d.Accept(t.Context(), &j, []models.JobItem{{DocumentID: "a", Status: models.ItemPending}}, false))
	_, _, err := d.DeleteCollection(t.Context(), "c")
	must(t, err)
	err = d.Accept(t.Context(), &j, []models.JobItem{{Position: 1, DocumentID: "b", Status: models.ItemPending}}, true)
	var e *models.Error
	if !errors.As(err, &e) || e.Code != models.Conflict {
		t.Errorf("the rest of the body: %v; want a Conflict", err)
	}
	if next, err := d.NextJob(t.Context(), models.IngestJob); next != nil || err != nil {
		t.Errorf("there is still work: %+v, %v", next, err)
	}
	if items, err := d.Items(t.Context(), j.Seq); err != nil || len(items) != 0 {
		t.Errorf("items were left: %v, %v", items, err)
	}
}

package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"searchd/hf/hftest"
	"searchd/ingest"
	"searchd/models"
	"searchd/search"
)

func spec(name, model, engine, description string, dimensions int) ingest.CollectionSpec {
	return ingest.CollectionSpec{Name: name, Model: model, Engine: engine, Description: description, Dimensions: dimensions}
}

// A job that is cut off anywhere goes on at the next start, and takes nothing in twice.
func TestAnInterruptedJobGoesOn(t *testing.T) {
	m := small()
	w := newWorld(t, hftest.Set{m})
	var drafts []models.Draft
	for i := range 100 { // several steps
		drafts = append(drafts, w.draft(fmt.Sprint(i), fmt.Sprintf("subject%d verb%d object%d", i, i, i), ""))
	}
	w.stop()
	job := w.post(drafts...)
	for _, steps := range []int{0, 1, 2} {
		entered, release := m.Hold(steps)
		w.run()
		<-entered
		w.close()
		release()
		w.open()
	}
	w.run()
	job, items := w.wait(job)
	if job.Status != models.JobDone || job.Done != 100 || job.Failed != 0 {
		t.Errorf("job %+v", job)
	}
	for _, item := range items {
		if item.Status != created {
			t.Errorf("document %s: %s %s", item.DocumentID, item.Status, item.Error)
		}
	}
	w.checkIndex()
	if n := len(m.Embedded()); n != 100 {
		t.Errorf("embedded %d texts for 100 documents", n)
	}
	for _, d := range drafts {
		if got := w.find(search.Request{Query: d.Text, Limit: 1}); got.Total != 100 || got.Hits[0].Document.ID != d.ID {
			t.Fatalf("document %s: total %d, first hit %s", d.ID, got.Total, got.Hits[0].Document.ID)
		}
	}
}

func TestAFailingModelIsTriedAgain(t *testing.T) {
	t.Parallel() // it waits for two seconds
	m := small()
	w := newWorld(t, hftest.Set{m})
	m.Fail(errors.New("out of memory"))
	job := w.post(w.draft("a", "text", ""))
	if now, err := w.ingest.Wait(t.Context(), job.ID, 100*time.Millisecond); err != nil || now.Status.Finished() {
		t.Errorf("while the model fails: %+v, %v", now, err)
	}
	m.Fail(nil)
	if job, items := w.wait(job); job.Status != models.JobDone || items[0].Status != created {
		t.Errorf("when it works again: %+v, %+v", job, items)
	}
}

func TestAModelThatIsNotHere(t *testing.T) {
	m, other := small(), hftest.NewModel(hftest.Options{ID: "test/other"})
	available := hftest.Set{m, other}
	w := newWorld(t, available)
	w.send(w.draft("a", "text", ""))
	for _, now := range []hftest.Set{{other}, {hftest.NewModel(hftest.Options{Dimensions: 64, Revision: "sha256:new"})}} {
		w.models = now
		w.restart()
		items := w.send(w.draft("b", "text", ""))
		if items[0].Status != failed || items[0].ErrorCode != models.Unavailable {
			t.Errorf("%+v; want it failed as Unavailable", items[0])
		}
	}
	w.models = available
	w.restart()
	if items := w.send(w.draft("b", "text", "")); items[0].Status != created {
		t.Errorf("with the model back: %+v", items[0])
	}
}

func TestCancelAJob(t *testing.T) {
	m := small()
	w := newWorld(t, hftest.Set{m})
	entered, release := m.Hold(0)
	job := w.post(w.draft("a", "text", ""))
	<-entered
	if job, err := w.ingest.Cancel(t.Context(), job.ID); err != nil || job.Status != models.JobCancelled {
		t.Fatalf("%+v, %v", job, err)
	}
	release()
	w.send(w.draft("b", "another", "")) // the worker has finished with the first
	if got := w.find(search.Request{Query: "text", Limit: 10}); got.Total != 1 || len(got.Hits) != 1 {
		t.Errorf("found %d of %d; want the one that was not cancelled", len(got.Hits), got.Total)
	}
	w.checkIndex()
}

func TestDeletingWhatIsOnItsWay(t *testing.T) {
	m := small()
	w := newWorld(t, hftest.Set{m})
	w.send(w.draft("a", "before", ""))
	entered, release := m.Hold(0)
	job := w.post(w.draft("a", "after", ""), w.draft("b", "stays", ""))
	<-entered
	if n, err := w.ingest.Delete(t.Context(), w.c, []string{"a"}); err != nil || n != 1 {
		t.Fatalf("deleted %d, %v", n, err)
	}
	release()
	_, items := w.wait(job)
	if items[0].Status != failed || items[1].Status != created {
		t.Errorf("statuses %v; want the deleted one failed", statuses(items))
	}
	if _, err := w.db.Document(t.Context(), w.c.ID, "a"); models.CodeOf(err) != models.NotFound {
		t.Errorf("a deleted document came back: %v", err)
	}
	w.checkIndex()
}

func TestDropACollectionWithWorkInIt(t *testing.T) {
	m := small()
	w := newWorld(t, hftest.Set{m})
	w.send(w.draft("a", "text", ""))
	entered, release := m.Hold(0)
	job := w.post(w.draft("b", "another", ""))
	<-entered
	waited := make(chan models.Job)
	go func() {
		job, err := w.ingest.Wait(context.Background(), job.ID, time.Minute)
		if err != nil {
			t.Error(err)
		}
		waited <- job
	}()
	if _, err := w.ingest.DropCollection(t.Context(), w.c.Name); err != nil {
		t.Fatal(err)
	}
	select {
	case job := <-waited:
		if job.Status != models.JobCancelled {
			t.Errorf("the job is %s", job.Status)
		}
	case <-time.After(10 * time.Second):
		t.Error("who waits for a job is not told that its collection is gone")
	}
	release()
	var err error
	w.c, err = w.ingest.Collection(t.Context(), models.DefaultCollection)
	w.must(err)
	w.checkIndex()
	w.send(w.draft("c", "text", ""))
	if got := w.find(search.Request{Query: "text", Limit: 10}); got.Total != 1 || got.Hits[0].Document.ID != "c" {
		t.Errorf("in the new collection: %+v", got)
	}
	w.checkIndex()
}

func TestTheDefaultCollectionIsMadeOnce(t *testing.T) {
	w := newWorld(t, hftest.Set{small()})
	for range 5 {
		if _, err := w.ingest.DropCollection(t.Context(), models.DefaultCollection); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		ids := make([]uint64, 6)
		for i := range ids {
			wg.Go(func() {
				c, err := w.ingest.Collection(context.Background(), models.DefaultCollection)
				if err != nil {
					t.Error(err)
				}
				ids[i] = c.ID
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("several default collections: %v", ids)
			}
		}
	}
}

func TestWait(t *testing.T) {
	m := small()
	w := newWorld(t, hftest.Set{m})
	if _, err := w.ingest.Wait(t.Context(), "none", time.Minute); models.CodeOf(err) != models.NotFound {
		t.Errorf("a job that is not there: %v", err)
	}
	_, release := m.Hold(0)
	defer release()
	job := w.post(w.draft("a", "text", ""))
	if now, err := w.ingest.Wait(t.Context(), job.ID, time.Millisecond); err != nil || now.Status.Finished() {
		t.Errorf("after its time: %+v, %v", now, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.ingest.Wait(ctx, job.ID, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	changed := w.ingest.Changed(job.ID)
	release()
	<-changed
	w.wait(job)
}

package ingest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/index"
	"searchd/index/hnsw"
	"searchd/ingest"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

func (w *world) reembed(model string) models.Job {
	w.t.Helper()
	job, err := w.ingest.Reembed(context.Background(), w.live(), model)
	w.must(err)
	return job
}

func (w *world) live() models.Collection {
	w.t.Helper()
	c, err := w.db.Collection(context.Background(), w.c.Name)
	w.must(err)
	return c
}

func (w *world) done(job models.Job) {
	w.t.Helper()
	job, _ = w.wait(job)
	if c := w.live(); job.Status != models.JobDone || job.Done != job.Total || job.Total != c.Documents {
		w.t.Fatalf("job %+v; the collection has %d documents", job, c.Documents)
	}
}

// previous is the model of the previous generation; empty where there is none.
func (w *world) previous() string {
	w.t.Helper()
	c, err := w.db.Generation(context.Background(), w.c.Name, models.Previous)
	if models.CodeOf(err) != models.NotFound {
		w.must(err)
	}
	return c.Model
}

// holds makes sure that the collection has these documents, each findable by its text, title and metadata, and no others.
func (w *world) holds(model string, want map[string]models.Draft) {
	w.t.Helper()
	c := w.live()
	if c.Model != model || c.Documents != len(want) {
		w.t.Fatalf("the collection has %d documents of %s; want %d of %s", c.Documents, c.Model, len(want), model)
	}
	w.checkIndex()
	for id, d := range want {
		stored, err := w.db.Document(context.Background(), c.ID, id)
		w.must(err)
		if stored.Title != d.Title || stored.Text != d.Text || stored.Metadata != d.Metadata.JSON {
			w.t.Errorf("document %s is %+v", id, stored)
		}
		filter, err := models.ParseFilter([]byte(fmt.Sprintf(`{"n":%s}`, strings.TrimPrefix(id, "d"))))
		w.must(err)
		for _, mode := range []search.Mode{search.Semantic, search.Lexical} {
			got := w.find(search.Request{Query: d.Text, Mode: mode, Limit: 1, Filter: filter})
			if got.Total != 1 || got.Hits[0].Document.ID != id || got.Model != model || mode == search.Semantic && got.Hits[0].Score < 0.5 && d.Text != givenText {
				w.t.Errorf("document %s, %s: %d hits, %+v", id, mode, got.Total, got.Hits)
			}
		}
	}
	if got := w.find(search.Request{Query: "text", Limit: 1}); got.Total != len(want) {
		w.t.Errorf("a search has %d hits of %d documents", got.Total, len(want))
	}
}

const givenText = "its vector was given and says something else"

func numbered(w *world, n int, text string) models.Draft {
	return w.draft(fmt.Sprint("d", n), text, fmt.Sprintf(`{"n":%d}`, n))
}

func TestReembed(t *testing.T) {
	old, other := small(), hftest.NewModel(hftest.Options{ID: "test/other", Dimensions: 96, MaxTokens: 24})
	w := newWorld(t, hftest.Set{old, other})
	want := map[string]models.Draft{}
	put := func(d models.Draft) models.Draft { want[d.ID] = d; return d }
	var drafts []models.Draft
	for i := range 100 {
		drafts = append(drafts, put(numbered(w, i, fmt.Sprintf("subject%d text verb%d object%d", i, i, i))))
	}
	given := numbered(w, 100, givenText)
	given.Vector = make([]float32, 64)
	given.Vector[0] = 1
	w.send(append(drafts, put(given), put(numbered(w, 101, strings.Repeat("a long text of many chunks ", 40))))...)

	_, err := w.ingest.Reembed(t.Context(), w.live(), "test/none")
	checkField(t, err, models.Invalid, "model")
	_, err = w.ingest.Reembed(t.Context(), w.live(), "")
	checkField(t, err, models.Invalid, "model")

	entered, release := other.Hold(2)
	job := w.reembed("test/other")
	<-entered
	_, err = w.ingest.Reembed(t.Context(), w.live(), "test/other")
	checkField(t, err, models.Conflict, "model")
	// Everything that can happen to documents happens while the new generation is built.
	c := w.live()
	if c.Model != "test/hash" {
		t.Fatalf("half of it is read and the collection has %s already", c.Model)
	}
	if n, err := w.ingest.Delete(t.Context(), c, []string{"d0", "d99"}); n != 2 || err != nil {
		t.Fatalf("deleted %d, %v", n, err)
	}
	delete(want, "d0")
	delete(want, "d99")
	title := "Retitled"
	for _, id := range []string{"d1", "d98"} {
		_, err := w.ingest.Patch(t.Context(), c, id, db.Patch{Title: &title})
		w.must(err)
		put(titled(want[id], title))
	}
	changed := numbered(w, 2, want["d2"].Text)
	changed.Metadata, err = models.ParseMetadata([]byte(`{"n":2,"more":"x"}`))
	w.must(err)
	uploads := []models.Job{w.post(put(numbered(w, 3, "another text instead")), put(numbered(w, 97, "this text is new")), put(numbered(w, 200, "a text that came late")), put(changed))}
	late := numbered(w, 201, "a vector of the former length")
	late.Vector = given.Vector
	release()
	for _, upload := range uploads {
		if job, items := w.wait(upload); job.Failed > 0 {
			t.Fatalf("%+v", items)
		}
	}
	w.done(job)
	w.holds("test/other", want)
	if w.previous() != "test/hash" {
		t.Errorf("the previous generation is of %q", w.previous())
	}

	// What was asked of the collection as it was before goes to the one that is live.
	if n, err := w.ingest.Delete(t.Context(), c, []string{"d50"}); n != 1 || err != nil {
		t.Errorf("deleted %d by its former number, %v", n, err)
	}
	delete(want, "d50")
	if items := w.send(put(numbered(w, 202, "sent by the former number"))); items[0].Status != created {
		t.Errorf("%+v", items)
	}
	older := want["d51"]
	w.send(numbered(w, 51, "changed since"))
	in := w.ingest.Begin(c)
	w.must(in.Add(t.Context(), at(0), older, nil)) // as the former generation still has it
	if job, err = in.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, items := w.wait(job); items[0].Status != updated {
		t.Errorf("a document in its older form is %s", items[0].Status)
	}
	in = w.ingest.Begin(c)
	w.must(in.Add(t.Context(), at(0), late, nil))
	if job, err = in.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, items := w.wait(job); items[0].Status != failed || items[0].ErrorField != "vector" {
		t.Errorf("a vector of the former length: %+v", items)
	}
	w.restart()
	w.holds("test/other", want)

	// Going back reads only what came since.
	before := len(old.Embedded())
	w.done(w.reembed("test/hash"))
	n := len(old.Embedded()) - before
	w.holds("test/hash", want)
	if most := 6 + 2*32; n > most {
		t.Errorf("going back has read %d texts, more than the new ones and the sample (%d)", n, most)
	}
	if got := w.find(search.Request{Vector: given.Vector, Limit: 1}); got.Hits[0].Document.ID != "d100" || got.Hits[0].Score < 0.999 {
		t.Errorf("going back has lost a vector that was given: %+v", got.Hits)
	}
	gone, err := w.ingest.DropPrevious(t.Context(), w.live())
	if err != nil || gone.Model != "test/other" || w.previous() != "" {
		t.Errorf("dropped %s, %v", gone.Model, err)
	}
	if _, err := w.ingest.DropCollection(t.Context(), w.c.Name); err != nil {
		t.Error(err)
	}
}

// A job that is cancelled, or cut off by a crash, goes on where it was and reads nothing twice.
func TestAReembeddingGoesOn(t *testing.T) {
	old, other := small(), hftest.NewModel(hftest.Options{ID: "test/other", Dimensions: 96})
	w := newWorld(t, hftest.Set{old, other})
	want := map[string]models.Draft{}
	var drafts []models.Draft
	for i := range 100 {
		d := numbered(w, i, fmt.Sprintf("subject%d text verb%d object%d", i, i, i))
		drafts, want[d.ID] = append(drafts, d), d
	}
	w.send(drafts...)
	w.stop()
	job := w.reembed("test/other")
	for _, steps := range []int{0, 1, 2} {
		entered, release := other.Hold(steps)
		w.run()
		<-entered
		w.close()
		release()
		w.open()
	}
	entered, release := other.Hold(1)
	w.run()
	<-entered
	if job, err := w.ingest.Cancel(t.Context(), job.ID); err != nil || job.Status != models.JobCancelled {
		t.Fatalf("%+v, %v", job, err)
	}
	release()
	w.holds("test/hash", want)
	if w.previous() != "test/other" {
		t.Errorf("what was built is not kept: %q", w.previous())
	}
	w.done(w.reembed("test/other"))
	texts := map[string]int{}
	for _, text := range other.Embedded() {
		texts[text]++
	}
	if len(texts) < 100 || len(other.Embedded()) > 100+12+32 { // the step that was cut off by the cancellation, and the sample
		t.Errorf("%d texts were read, %d in all", len(texts), len(other.Embedded()))
	}
	w.holds("test/other", want)
}

// drifting is a model whose vectors are others each time.
type drifting struct{ hf.Model }

func (d drifting) Embed(ctx context.Context, role hf.Role, texts []string) ([]hf.Embedding, error) {
	all, err := d.Model.Embed(ctx, role, texts)
	for i := range all {
		for j := range all[i].Vector {
			all[i].Vector[j] += rand.Float32()
		}
	}
	return all, err
}

func TestReembedWithAModelThatIsWrong(t *testing.T) {
	w := newWorld(t, hftest.Set{small(), drifting{hftest.NewModel(hftest.Options{ID: "test/other"})}})
	d := numbered(w, 1, "text")
	w.send(d)
	job, _ := w.wait(w.reembed("test/other"))
	if job.Status != models.JobFailed || !strings.Contains(job.Error, "cosine") {
		t.Errorf("%+v", job)
	}
	w.holds("test/hash", map[string]models.Draft{"d1": d})
	if _, err := w.ingest.DropPrevious(t.Context(), w.live()); err != nil {
		t.Error(err)
	}
}

// Searches see one generation or the other, whole, and never fail.
func TestSearchWhileReembedding(t *testing.T) {
	w := newWorld(t, hftest.Set{small(), hftest.NewModel(hftest.Options{ID: "test/other", Dimensions: 96})})
	const n = 60
	var drafts []models.Draft
	for i := range n {
		drafts = append(drafts, numbered(w, i, fmt.Sprintf("subject%d text", i)))
	}
	w.send(drafts...)
	var stop atomic.Bool
	var searches, changes atomic.Int64
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			model := ""
			for i := 0; !stop.Load(); i++ {
				c, err := w.db.Collection(context.Background(), w.c.Name)
				if err != nil {
					t.Error(err)
					return
				}
				d := drafts[i%n]
				got, err := w.search.Search(context.Background(), c, search.Request{Query: d.Text, Limit: n + 1})
				if err != nil || got.Total != n || len(got.Hits) != n || got.Hits[0].Document.ID != d.ID {
					t.Errorf("%s: %d of %d hits, %v", got.Model, len(got.Hits), got.Total, err)
					return
				}
				searches.Add(1)
				if model != got.Model {
					model = got.Model
					changes.Add(1)
				}
			}
		})
	}
	for i := range 6 {
		w.done(w.reembed([]string{"test/other", "test/hash"}[i%2]))
	}
	stop.Store(true)
	wg.Wait()
	t.Logf("%d searches saw %d changes", searches.Load(), changes.Load())
	if changes.Load() < 4 {
		t.Errorf("%d searches saw only %d changes", searches.Load(), changes.Load())
	}
}

// A check that has begun with the indexes of a generation is not disturbed when it becomes the previous one, which has none.
func TestCheckWhileReembedding(t *testing.T) {
	dir := t.TempDir()
	w := newWorldOn(t, hftest.Set{small(), hftest.NewModel(hftest.Options{ID: "test/other", Dimensions: 96})}, func(c models.Collection) (index.Index, error) {
		return hnsw.Open(filepath.Join(dir, fmt.Sprint(c.ID)), c.Dimensions, hnsw.Options{})
	})
	const n = 600 // vectors are not all compared at once
	var drafts []models.Draft
	for i := range n {
		drafts = append(drafts, numbered(w, i, fmt.Sprintf("subject%d text", i)))
	}
	w.send(drafts...)
	changed := false
	report, err := w.ingest.Check(t.Context(), ingest.CheckOptions{Progress: func(done, _ int) {
		if done > n && !changed { // the records are done, and the first vectors
			changed = true
			w.done(w.reembed("test/other"))
		}
	}})
	if err != nil || report.Found() > 0 || !changed {
		t.Fatalf("%v, %+v; the model was changed: %v", err, report, changed)
	}
}

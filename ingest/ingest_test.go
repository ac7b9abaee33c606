package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf/hftest"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

const (
	created   = models.ItemCreated
	updated   = models.ItemUpdated
	unchanged = models.ItemUnchanged
	failed    = models.ItemFailed
)

func TestStatuses(t *testing.T) {
	m := small()
	w := newWorld(t, hftest.Set{m})
	titled := func(d models.Draft, title, url string) models.Draft { d.Title, d.URL = title, url; return d }
	first := w.draft("a", "the red boat", `{"k":1}`)
	vector := make([]float32, 64)
	vector[3] = 2
	own := w.draft("a", "the blue boat", "")
	own.Vector = vector
	for _, step := range []struct {
		name   string
		draft  models.Draft
		want   models.ItemStatus
		embeds []string
	}{
		{"new", first, created, []string{"the red boat"}},
		{"the same", first, unchanged, nil},
		{"the same with other spaces in its metadata", w.draft("a", "the red boat", ` { "k" : 1 } `), unchanged, nil},
		{"other metadata", w.draft("a", "the red boat", `{"k":2}`), updated, nil},
		{"another URL", titled(w.draft("a", "the red boat", `{"k":2}`), "", "http://u"), updated, nil},
		{"no URL", w.draft("a", "the red boat", `{"k":2}`), updated, nil},
		{"another title", titled(w.draft("a", "the red boat", `{"k":2}`), "Boats", ""), updated, []string{"Boats\nthe red boat"}},
		{"another text", w.draft("a", "the blue boat", ""), updated, []string{"the blue boat"}},
		{"its own vector", own, updated, nil},
		{"the same vector", own, unchanged, nil},
		{"the model's vector again", w.draft("a", "the blue boat", ""), updated, []string{"the blue boat"}},
	} {
		before := len(m.Embedded())
		items := w.send(step.draft)
		if items[0].Status != step.want || items[0].Chunks != 1 {
			t.Errorf("%s: %+v, want %s", step.name, items[0], step.want)
		}
		if d := cmp.Diff(step.embeds, append([]string(nil), m.Embedded()[before:]...)); d != "" {
			t.Errorf("%s: embedded -want +got\n%s", step.name, d)
		}
		stored, err := w.db.Document(t.Context(), w.c.ID, "a")
		w.must(err)
		if stored.Text != step.draft.Text || stored.Title != step.draft.Title || stored.URL != step.draft.URL || stored.Metadata != step.draft.Metadata.JSON {
			t.Errorf("%s: stored %+v", step.name, stored)
		}
		w.checkIndex()
	}
}

func TestABadDocumentFailsAlone(t *testing.T) {
	w := newWorld(t, hftest.Set{small()})
	in := w.ingest.Begin(w.c)
	unread := models.Errorf(models.Invalid, "documents[4].text", "is a number; it must be a string")
	for i, step := range []struct {
		draft models.Draft
		err   error
	}{
		{w.draft("a", "good", ""), nil},
		{w.draft("b", " ", ""), nil},
		{w.draft("a", "the same id again", ""), nil},
		{models.Draft{ID: "c", Text: "t", Vector: []float32{1}}, nil},
		{models.Draft{ID: "d"}, unread},
		{w.draft(strings.Repeat("i", 1000), "t", ""), nil},
		{w.draft("", "named by its content", ""), nil},
		{w.draft("", "named by its content", ""), nil},
		{w.draft("b", "an id is free again when its document was bad", ""), nil},
	} {
		w.must(in.Add(t.Context(), fmt.Sprintf("documents[%d]", i), step.draft, step.err))
	}
	job, err := in.Commit(t.Context())
	w.must(err)
	job, items := w.wait(job)
	if want := []models.ItemStatus{created, failed, failed, failed, failed, failed, created, failed, created}; !slices.Equal(statuses(items), want) {
		t.Errorf("statuses %v, want %v", statuses(items), want)
	}
	var fields, ids []string
	for _, item := range items {
		fields, ids = append(fields, item.ErrorField), append(ids, item.DocumentID)
		if (item.Status == failed) != (item.Error != "" && item.ErrorCode == models.Invalid) {
			t.Errorf("%+v", item)
		}
	}
	wantFields := []string{"", "documents[1].text", "documents[2].id", "documents[3].vector", "documents[4].text", "documents[5].id", "", "documents[7].id", ""}
	if d := cmp.Diff(wantFields, fields); d != "" {
		t.Errorf("fields: -want +got\n%s", d)
	}
	if ids[1] != "b" || ids[5] != "" || ids[6] == "" || ids[6] != ids[7] {
		t.Errorf("ids %q", ids)
	}
	if job.Status != models.JobDone || job.Total != 9 || job.Done != 3 || job.Failed != 6 {
		t.Errorf("job %+v", job)
	}
}

func TestNothingGoodIsNothingKept(t *testing.T) {
	w := newWorld(t, hftest.Set{small()})
	if _, err := w.ingest.Begin(w.c).Commit(t.Context()); models.CodeOf(err) != models.Invalid {
		t.Errorf("no documents: %v; want Invalid", err)
	}
	in := w.ingest.Begin(w.c)
	for i := range 1200 { // more than are held in memory
		w.must(in.Add(t.Context(), fmt.Sprintf("documents[%d]", i), models.Draft{}, nil))
	}
	_, err := in.Commit(t.Context())
	var e *models.Error
	if !errors.As(err, &e) || e.Field != "documents[0].text" {
		t.Errorf("got %v, want the first document's error", err)
	}
	if jobs, total, err := w.db.Jobs(t.Context(), 0, 10); err != nil || total != 0 {
		t.Errorf("kept %v, %v", jobs, err)
	}
}

func TestAnIntakeOfManyParts(t *testing.T) {
	w := newWorld(t, hftest.Set{small()})
	for _, n := range []int{500, 1101} { // exactly one part; three
		var drafts []models.Draft
		for i := range n {
			drafts = append(drafts, w.draft(fmt.Sprint(n, "-", i), fmt.Sprint("text ", i), ""))
		}
		items := w.send(drafts...)
		if len(items) != n || slices.ContainsFunc(items, func(i models.JobItem) bool { return i.Status != created }) {
			t.Errorf("%d items of %d", len(items), n)
		}
	}
	w.checkIndex()

	aborted := w.ingest.Begin(w.c)
	for i := range 600 {
		w.must(aborted.Add(t.Context(), "", w.draft(fmt.Sprint("aborted", i), "text", ""), nil))
	}
	w.must(aborted.Abort(t.Context()))
	if _, total, err := w.db.Jobs(t.Context(), 0, 10); err != nil || total != 2 {
		t.Errorf("%d jobs, %v; want the two that were whole", total, err)
	}
}

func TestOwnVectors(t *testing.T) {
	m := small()
	w := newWorld(t, hftest.Set{m})
	d := w.draft("own", strings.Repeat("long text ", 200), "")
	d.Vector = make([]float32, 64)
	d.Vector[0], d.Vector[1] = 30, 40
	items := w.send(d)
	if items[0].Status != created || items[0].Chunks != 1 || items[0].Tokens != 0 || len(m.Embedded()) != 0 {
		t.Errorf("%+v, embedded %d texts", items[0], len(m.Embedded()))
	}
	query := make([]float32, 64)
	query[0], query[1] = 0.003, 0.004
	got := w.find(search.Request{Vector: query, Limit: 1})
	if len(got.Hits) != 1 || math.Abs(float64(got.Hits[0].Score)-1) > 1e-6 || got.Hits[0].Text != d.Text {
		t.Errorf("found %+v", got.Hits)
	}
}

// Every chunk fits into the model with its title: nothing is silently cut.
func TestLongDocumentsAreReadWhole(t *testing.T) {
	for _, o := range []hftest.Options{{MaxTokens: 32}, {MaxTokens: 8}, {MaxTokens: 256}} {
		m := hftest.NewModel(o)
		w := newWorld(t, hftest.Set{m})
		text := strings.Repeat("The keeper climbs, at dusk, two hundred steps. ", 60) + strings.Repeat("w", 3000)
		for _, title := range []string{"", "A title", strings.Repeat("a very long title ", 100)} {
			d := w.draft("a", text, "")
			d.Title = title
			item := w.send(d)[0]
			if item.Status == failed || item.Truncated || item.Chunks < 4 {
				t.Fatalf("%d tokens, title %.20q: %+v", o.MaxTokens, title, item)
			}
			stored, err := w.db.Document(t.Context(), w.c.ID, "a")
			w.must(err)
			chunks, err := w.db.ChunksOf(t.Context(), stored.Seq)
			w.must(err)
			end := 0
			for _, c := range chunks {
				if c.Start > end && strings.TrimSpace(text[end:c.Start]) != "" {
					t.Fatalf("%d tokens, title %.20q: %q is in no chunk", o.MaxTokens, title, text[end:c.Start])
				}
				end = c.End
			}
			if end != len(text) || len(chunks) != item.Chunks || stored.Chunks != item.Chunks || stored.Tokens != item.Tokens || item.Tokens < item.Chunks {
				t.Errorf("%d tokens, title %.20q: %d chunks to byte %d, item %+v, document %d chunks %d tokens",
					o.MaxTokens, title, len(chunks), end, item, stored.Chunks, stored.Tokens)
			}
		}
		w.checkIndex()
	}
}

func TestCreateCollectionRefuses(t *testing.T) {
	w := newWorld(t, hftest.Set{small()})
	for field, c := range map[string]struct{ name, model, engine, description string }{
		"name":        {name: "a b"},
		"model":       {name: "a", model: "none"},
		"engine":      {name: "a", engine: "none"},
		"description": {name: "a", description: "\x00"},
	} {
		_, err := w.ingest.CreateCollection(t.Context(), spec(c.name, c.model, c.engine, c.description, 0))
		checkField(t, err, models.Invalid, field)
	}
	_, err := w.ingest.CreateCollection(t.Context(), spec("a", "", "", "", 63))
	checkField(t, err, models.Invalid, "dimensions")
	_, err = w.ingest.CreateCollection(t.Context(), spec("a", "test/hash", "chromem", "", 64))
	w.must(err)
	_, err = w.ingest.CreateCollection(t.Context(), spec("a", "", "", "", 0))
	checkField(t, err, models.Conflict, "name")
	_, err = w.ingest.Collection(t.Context(), "none")
	checkField(t, err, models.NotFound, "collection")
}

func checkField(t *testing.T, err error, code models.Code, field string) {
	t.Helper()
	var e *models.Error
	if !errors.As(err, &e) || e.Code != code || e.Field != field || e.Message == "" {
		t.Errorf("got %v; want %s about %s", err, code, field)
	}
}

func TestDeleteMatchingTakesNoEmptyFilter(t *testing.T) {
	w := newWorld(t, hftest.Set{small()})
	w.send(w.draft("a", "text", ""))
	_, err := w.ingest.DeleteMatching(t.Context(), w.c, nil)
	checkField(t, err, models.Invalid, "filter")
	list, err := w.db.Documents(context.Background(), w.c.ID, nil, db.Page{Limit: 10})
	if err != nil || len(list) != 1 {
		t.Errorf("%d documents are left, %v", len(list), err)
	}
}

// What is stored already needs no work: it is told at once. Where an earlier upload waits it is not, since that may change
// the document yet.
func TestWhatIsStoredNeedNotWait(t *testing.T) {
	m := small()
	w := newWorld(t, hftest.Set{m})
	first := []models.Draft{w.draft("a", "the red boat", `{"k":1}`), w.draft("b", "the blue boat", "")}
	w.send(first...)
	w.stop()
	again := w.post(first...)
	if again.Done != 2 {
		t.Errorf("nothing has changed, and %d of 2 are done: %+v", again.Done, again)
	}
	items, err := w.db.Items(t.Context(), again.Seq)
	w.must(err)
	if got := statuses(items); !slices.Equal(got, []models.ItemStatus{unchanged, unchanged}) || items[0].Chunks != 1 {
		t.Errorf("%v, %+v", got, items[0])
	}
	change := w.post(w.draft("a", "the green boat", ""))
	back := w.post(first...)
	if back.Done != 0 {
		t.Errorf("%d documents were compared before the change that came before them", back.Done)
	}
	w.run()
	for _, step := range []struct {
		job  models.Job
		want []models.ItemStatus
	}{{again, []models.ItemStatus{unchanged, unchanged}}, {change, []models.ItemStatus{updated}}, {back, []models.ItemStatus{updated, unchanged}}} {
		if job, items := w.wait(step.job); !slices.Equal(statuses(items), step.want) || job.Done != len(items) {
			t.Errorf("job %s: %v, want %v; %+v", job.ID, statuses(items), step.want, job)
		}
	}
	stored, err := w.db.Document(t.Context(), w.c.ID, "a")
	w.must(err)
	if stored.Text != "the red boat" {
		t.Errorf("in the end it says %q", stored.Text)
	}
}

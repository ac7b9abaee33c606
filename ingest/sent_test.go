package ingest_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"searchd/hf/hftest"
	"searchd/models"
	"searchd/models/db"
)

// A document that is stored just as it was sent is known by its bytes; what has changed of either is looked at.
func TestADocumentIsKnownByItsBytes(t *testing.T) {
	w := newWorld(t, hftest.Set{small()})
	var decoded atomic.Int64
	decode := func(sent []byte) (models.Draft, error) {
		decoded.Add(1)
		id, text, _ := strings.Cut(string(sent), " ")
		if text == "bad" {
			return models.Draft{}, models.Errorf(models.Malformed, "", "is bad")
		}
		return models.Draft{ID: strings.TrimSpace(id), Text: text, Metadata: models.Metadata{JSON: "{}"}}, nil
	}
	send := func(policy models.OnConflict, how models.Chunking, wantDecoded int, sent ...string) string {
		t.Helper()
		decoded.Store(0)
		in := w.ingest.Begin(w.live())
		in.OnConflict, in.Chunking = policy, how
		for i, text := range sent {
			w.must(in.Read(t.Context(), fmt.Sprintf("documents[%d]", i), []byte(text), decode))
		}
		job, err := in.Commit(t.Context())
		w.must(err)
		if wantDecoded == 0 && !job.Status.Finished() {
			t.Errorf("%q: the job is %s, of which nothing waits", sent, job.Status)
		}
		job, items := w.wait(job)
		if job.Done+job.Failed != len(sent) || int(decoded.Load()) != wantDecoded {
			t.Errorf("%q: %d were decoded, want %d; %+v", sent, decoded.Load(), wantDecoded, job)
		}
		var all []string
		for _, item := range items {
			all = append(all, fmt.Sprint(item.DocumentID, " ", item.Status, " ", item.ErrorField))
		}
		return strings.Join(all, ",")
	}
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
	want(send("", "", 3, "a one", "b two", "c bad"), "a created ,b created , failed documents[2]")
	want(send("", "", 1, "a one", "b two", "c bad"), "a unchanged ,b unchanged , failed documents[2]")
	want(send("", "auto", 0, "a one"), "a unchanged ")
	want(send("", "", 1, "a one", "a other"), "a unchanged ,a failed documents[1].id")
	want(send("", "", 1, "a other", "a one"), "a updated ,a failed documents[1].id")
	want(send("", "", 1, "a one"), "a updated ")
	want(send("skip", "", 1, "a one"), "a skipped ")
	want(send("fail", "", 1, "a one"), "a failed id")
	want(send("", "none", 1, "a one"), "a updated ")
	want(send("", "none", 0, "a one"), "a unchanged ")
	w.restart()
	want(send("", "none", 1, "a one", "b two"), "a unchanged ,b updated ") // b in another way
}

func TestWhatWasChangedIsNotKnownByItsBytes(t *testing.T) {
	w := newWorld(t, hftest.Set{small(), hftest.NewModel(hftest.Options{ID: "test/other", Dimensions: 96})})
	decoded := 0
	send := func() models.ItemStatus {
		t.Helper()
		decoded = 0
		in := w.ingest.Begin(w.live())
		w.must(in.Read(t.Context(), "", []byte("as it is sent"), func([]byte) (models.Draft, error) {
			decoded++
			return w.draft("a", "text", `{"k":1}`), nil
		}))
		job, err := in.Commit(t.Context())
		w.must(err)
		_, items := w.wait(job)
		return items[0].Status
	}
	title, url, id, first := "T", "https://example.org/", "b", "a"
	metadata, err := models.ParseMetadata([]byte(`{"k":2}`))
	w.must(err)
	send()
	for _, change := range []struct {
		name string
		do   func()
		want models.ItemStatus
	}{
		{"the title", func() { _, err = w.ingest.Patch(t.Context(), w.live(), "a", db.Patch{Title: &title}) }, updated},
		{"the URL", func() { _, err = w.ingest.Patch(t.Context(), w.live(), "a", db.Patch{URL: &url}) }, updated},
		{"metadata", func() { _, err = w.ingest.Patch(t.Context(), w.live(), "a", db.Patch{Metadata: &metadata}) }, updated},
		{"the id", func() { _, err = w.ingest.Patch(t.Context(), w.live(), "a", db.Patch{ID: &id}) }, created},
		{"the id, and back", func() {
			_, err = w.ingest.Delete(t.Context(), w.live(), []string{"a"})
			w.must(err)
			_, err = w.ingest.Patch(t.Context(), w.live(), "b", db.Patch{ID: &first})
		}, unchanged},
		{"everything", func() { _, err = w.ingest.Delete(t.Context(), w.live(), []string{"a"}) }, created},
		{"the document", func() { w.send(w.draft("a", "another text", "")) }, updated},
	} {
		if got := send(); got != unchanged || decoded != 0 && change.name != "everything" {
			t.Errorf("before a change of %s: %s, decoded %d times", change.name, got, decoded)
		}
		change.do()
		w.must(err)
		if got := send(); got != change.want || decoded != 1 {
			t.Errorf("after a change of %s: %s, decoded %d times; want %s", change.name, got, decoded, change.want)
		}
	}
	w.done(w.reembed("test/other"))
	if got := send(); got != unchanged || decoded != 0 {
		t.Errorf("with another model: %s, decoded %d times", got, decoded)
	}
}

package ingest_test

import (
	"slices"
	"testing"

	"searchd/hf/hftest"
	"searchd/models"
)

func TestOnConflict(t *testing.T) {
	for _, test := range []struct {
		policy models.OnConflict
		want   []models.ItemStatus
		text   string // of a, afterwards
		done   int
	}{
		{"", []models.ItemStatus{updated, unchanged, created, failed}, "new", 3},
		{models.Replace, []models.ItemStatus{updated, unchanged, created, failed}, "new", 3},
		{models.SkipConflicts, []models.ItemStatus{models.ItemSkipped, models.ItemSkipped, created, failed}, "old", 3},
		{models.FailConflicts, []models.ItemStatus{failed, failed, created, failed}, "old", 1},
	} {
		m := small()
		w := newWorld(t, hftest.Set{m})
		w.send(w.draft("a", "old", ""), w.draft("b", "same", ""))
		before := len(m.Embedded())
		in := w.ingest.Begin(w.c)
		in.OnConflict = test.policy
		for i, d := range []models.Draft{w.draft("a", "new", ""), w.draft("b", "same", ""), w.draft("c", "third", ""), w.draft("c", "twice", "")} {
			w.must(in.Add(t.Context(), at(i), d, nil))
		}
		job, err := in.Commit(t.Context())
		w.must(err)
		w.restart() // the policy is kept with the job
		job, items := w.wait(job)
		if !slices.Equal(statuses(items), test.want) || job.Done != test.done || job.Failed != len(items)-test.done {
			t.Errorf("%q: %v, want %v; %+v", test.policy, statuses(items), test.want, job)
		}
		if test.policy == models.FailConflicts && (items[0].ErrorCode != models.Conflict || items[0].ErrorField != "id") {
			t.Errorf("%+v", items[0])
		}
		stored, err := w.db.Document(t.Context(), w.c.ID, "a")
		w.must(err)
		if stored.Text != test.text {
			t.Errorf("%q: a says %q, want %q", test.policy, stored.Text, test.text)
		}
		if n := len(m.Embedded()) - before; test.text == "old" && n != 1 {
			t.Errorf("%q: %d texts were embedded; want the one that is new", test.policy, n)
		}
		w.checkIndex()
	}
}

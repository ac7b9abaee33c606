package ingest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf/hftest"
	"searchd/ingest"
	"searchd/models"
	"searchd/models/db"
)

// A rehearsal says what then happens, and writes nothing.
func TestPreview(t *testing.T) {
	m := small()
	w := newWorld(t, hftest.Set{m})
	w.send(w.draft("same", "as it was", ""), w.draft("other metadata", "stays", `{"k":1}`), w.draft("new text", "old", ""), titled(w.draft("elsewhere", "a text", ""), "T"))
	own := w.draft("own", "brings a vector", "")
	own.Vector = make([]float32, 64)
	own.Vector[0] = 1
	drafts := []models.Draft{
		w.draft("same", "as it was", ""), w.draft("other metadata", "stays", `{"k":2}`), w.draft("new text", "new", ""),
		titled(w.draft("copy", "a text", ""), "T"), w.draft("not by its title", "a text", ""), w.draft("twice 1", "said twice", ""), w.draft("twice 2", "said twice", ""),
		titled(w.draft("long", strings.Repeat("The keeper climbs two hundred steps. ", 40), ""), "A title"), own, w.draft("bad", " ", ""),
	}
	for _, policy := range []models.OnConflict{models.SkipConflicts, models.FailConflicts, models.Replace} {
		in, err := w.ingest.Rehearse(w.c)
		w.must(err)
		in.OnConflict = policy
		real := w.ingest.Begin(w.c)
		real.OnConflict = policy
		for i, d := range drafts {
			w.must(in.Add(t.Context(), at(i), d, nil))
			w.must(real.Add(t.Context(), at(i), d, nil))
		}
		before := len(m.Embedded())
		preview, err := in.Preview(t.Context())
		w.must(err)
		if jobs, total, err := w.db.Jobs(t.Context(), 0, 10); err != nil || total != 1 && policy == models.SkipConflicts {
			t.Fatalf("%s: a rehearsal has made jobs: %+v, %v", policy, jobs, err)
		}
		if preview.TokensPerSecond <= 0 || preview.Duration <= 0 || policy == models.SkipConflicts && len(m.Embedded()) == before {
			t.Errorf("%s: nothing was measured: %+v", policy, preview)
		}
		job, err := real.Commit(t.Context())
		w.must(err)
		_, items := w.wait(job)
		for i, got := range preview.Items {
			want := items[i]
			want.JobSeq = 0
			if d := cmp.Diff(want, got.JobItem); d != "" {
				t.Errorf("%s: what was done (-) and what was foretold (+):\n%s", policy, d)
			}
		}
		if policy != models.Replace {
			_, err := w.ingest.Delete(t.Context(), w.c, []string{"copy", "not by its title", "twice 1", "twice 2", "long", "own"})
			w.must(err)
		} else {
			continue
		}
		want := map[string]string{"copy": "elsewhere", "not by its title": "copy", "twice 2": "twice 1"}
		for _, item := range preview.Items {
			if item.DuplicateOf != want[item.DocumentID] {
				t.Errorf("%s: %q is the same as %q, want %q", policy, item.DocumentID, item.DuplicateOf, want[item.DocumentID])
			}
		}
		if preview.Duplicates != len(want) || preview.Total != len(drafts) {
			t.Errorf("%s: %+v", policy, preview)
		}
	}
}

func TestPreviewOfMany(t *testing.T) {
	w := newWorld(t, hftest.Set{small()})
	in, err := w.ingest.Rehearse(w.c)
	w.must(err)
	const n = 2*ingest.MaxPreviewItems + 1
	for i := range n {
		w.must(in.Add(t.Context(), at(i), w.draft(fmt.Sprint(i), fmt.Sprint("text ", i/2), ""), nil))
	}
	p, err := in.Preview(t.Context())
	w.must(err)
	if p.Total != n || p.Counts[created] != n || p.Duplicates != n/2 || len(p.Items) != ingest.MaxPreviewItems || p.NewChunks != n/2+1 || p.Chunks != n {
		t.Errorf("%d of %d items, %v, %d duplicates, %d chunks", len(p.Items), p.Total, p.Counts, p.Duplicates, p.Chunks)
	}
	if stored, err := w.db.Documents(t.Context(), w.c.ID, nil, db.Page{Limit: 1}); err != nil || len(stored) != 0 {
		t.Errorf("stored: %v, %v", stored, err)
	}
}

func TestPreviewOfNothingGood(t *testing.T) {
	w := newWorld(t, hftest.Set{small()})
	in, err := w.ingest.Rehearse(w.c)
	w.must(err)
	_, err = in.Preview(t.Context())
	checkField(t, err, models.Invalid, "documents")
	w.must(in.Add(t.Context(), "documents[0]", models.Draft{}, nil))
	_, err = in.Preview(t.Context())
	checkField(t, err, models.Invalid, "documents[0].text")
}

func TestPlanned(t *testing.T) {
	w := newWorld(t, hftest.Set{small(), hftest.NewModel(hftest.Options{ID: "test/other"})})
	other, none, empty := "other", "none", ""
	for _, test := range []struct {
		name  string
		model *string
		want  string
		code  models.Code
	}{
		{"default", nil, "test/hash", ""}, {"new", &empty, "test/hash", ""}, {"new", &other, "test/other", ""},
		{"new", nil, "", models.NotFound}, {"new", &none, "", models.Invalid}, {"default", &other, "", models.Invalid},
	} {
		c, err := w.ingest.Planned(t.Context(), test.name, test.model)
		if test.code != "" && models.CodeOf(err) != test.code || test.code == "" && (err != nil || c.Model != test.want) {
			t.Errorf("%+v: %+v, %v", test, c, err)
		}
	}
	if _, total, err := w.db.Collections(t.Context(), db.Page{Limit: 10}); err != nil || total != 1 {
		t.Errorf("%d collections, %v", total, err)
	}
}

package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"searchd/api/wire"
)

// A dry run foretells what the same request then does, in each form of a body, and leaves nothing behind.
func TestDryRun(t *testing.T) {
	s, c := startChecked(t)
	c.lenient = true
	long := strings.Repeat("The keeper of the lighthouse climbs two hundred steps at dusk, and naïve gulls watch him. ", 60)
	for _, body := range []struct{ kind, text string }{
		{jsonType, mustJSON(t, []wire.Document{{ID: "a", Title: "Keeper", Text: long}, {ID: "b", Text: "Twice."}, {ID: "c", Text: "Twice."}, {ID: "bad"}})},
		{"application/x-ndjson", mustJSON(t, wire.Document{ID: "a", Title: "Keeper", Text: long}) + "\n" + `{"id":"d","text":"New."}`},
		{formType, form(file("a.md"), "# Keeper\n\n"+long, file("b.txt"), "\x00\x01")},
	} {
		before, size := s.get("/collections"), s.stored()
		got := s.do("POST", "/documents?dry_run=true", body.kind, body.text)
		preview := as[wire.PreviewAnswer](t, got, 200).Preview
		if after := s.get("/collections"); string(before.body) != string(after.body) || s.stored() != size {
			t.Errorf("%s: a dry run has changed the store: %s", body.kind, after.body)
		}
		job := as[wire.JobAnswer](t, s.do("POST", "/documents", body.kind, body.text), 200).Job
		chunks, tokens := 0, 0
		for i, r := range job.Results {
			p := preview.Results[i]
			if p.ID != r.ID || p.Status != r.Status || p.Chunks != r.Chunks || p.Tokens != r.Tokens || (p.Error == nil) != (r.Error == nil) {
				t.Errorf("%s: foretold %+v, done %+v", body.kind, p, r)
			}
			chunks, tokens = chunks+r.Chunks, tokens+r.Tokens
		}
		if preview.Counts != *job.Counts || preview.Total != job.Total || preview.Chunks != chunks || preview.Tokens != tokens {
			t.Errorf("%s: foretold %+v, done %+v", body.kind, preview, job)
		}
		if preview.TokensPerSecond <= 0 || preview.EstimatedMS <= 0 || preview.EstimatedCostUSD != 0 || preview.Model != "sentence-transformers/all-MiniLM-L6-v2" {
			t.Errorf("%s: %+v", body.kind, preview)
		}
		if body.kind == jsonType && (preview.Duplicates != 1 || preview.Results[2].DuplicateOf != "b") {
			t.Errorf("duplicates: %+v", preview)
		}
		if again := as[wire.PreviewAnswer](t, s.do("POST", "/documents?dry_run=1", body.kind, body.text), 200).Preview; again.NewTokens != 0 || again.EstimatedMS != 0 || again.Counts.Unchanged != job.Done {
			t.Errorf("%s, afterwards: %+v", body.kind, again)
		}
	}
	as[wire.PreviewAnswer](t, s.post("/collections/new/documents?dry_run=true&model=", `{"text":"a"}`), 200)
	if e := as[wire.ErrorAnswer](t, s.post("/collections/new/documents?dry_run=true", `{"text":"a"}`), 404).Error; e.Param != "collection" {
		t.Errorf("%+v", e)
	}
	if got := s.get("/collections/new"); got.status != 404 {
		t.Errorf("a dry run has made a collection: %s", got.body)
	}
}

// stored is the size of what is stored.
func (s *server) stored() int64 {
	s.t.Helper()
	var sum int64
	for _, name := range []string{"searchd.db", "searchd.db-wal"} {
		info, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil {
			s.t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

// The estimate is of the order of what it then takes. Machines that are busy make it no more exact than that.
func TestTheEstimateIsNotMadeUp(t *testing.T) {
	s := start(t)
	var docs []wire.Document
	for i := range 200 {
		docs = append(docs, wire.Document{Text: strings.Repeat("The keeper climbs two hundred steps. ", 10) + string(rune('a'+i%26)) + strings.Repeat("x", i)})
	}
	body := mustJSON(t, docs)
	preview := as[wire.PreviewAnswer](t, s.post("/documents?dry_run=true", body), 200).Preview
	start := time.Now()
	as[wire.JobAnswer](t, s.post("/documents", body), 200)
	took := time.Since(start).Seconds() * 1000
	if ratio := preview.EstimatedMS / took; ratio < 0.1 || ratio > 10 {
		t.Errorf("estimated %.0f ms, took %.0f ms", preview.EstimatedMS, took)
	}
}

package api_test

import (
	"testing"

	"searchd/api/wire"
)

func TestOnConflict(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	s.add(wireDocument("a.txt", "Old."))
	for _, step := range []struct {
		policy string
		want   wire.ItemCounts
		text   string
	}{
		{"skip", wire.ItemCounts{Skipped: 1}, "Old."},
		{"fail", wire.ItemCounts{Failed: 1}, "Old."},
		{"replace", wire.ItemCounts{Updated: 1}, "New."},
	} {
		for _, body := range []struct{ kind, text string }{
			{jsonType, `{"id":"a.txt","text":"New."}`},
			{"application/x-ndjson", `{"id":"a.txt","text":"New."}` + "\n"},
			{formType, form(file("a.txt"), "New.")},
		} {
			job := as[wire.JobAnswer](t, s.do("POST", "/documents?on_conflict="+step.policy, body.kind, body.text), 200).Job
			if *job.Counts != step.want || len(job.Results) != 1 {
				t.Errorf("%s, %s: %+v", step.policy, body.kind, job.Counts)
			}
			if e := job.Results[0].Error; step.policy == "fail" && (e == nil || e.Type != "conflict_error" || e.Param != "id") {
				t.Errorf("%s, %s: %+v", step.policy, body.kind, e)
			}
			if got := *s.read("a.txt").Text; got != step.text {
				t.Errorf("%s, %s: it says %q", step.policy, body.kind, got)
			}
			s.add(wireDocument("a.txt", "Old."))
		}
	}
}

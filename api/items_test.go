package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"searchd/api/wire"
)

func TestMethodNotAllowedNamesTheOthers(t *testing.T) {
	s := start(t)
	got := s.do("PUT", "/documents/a", jsonType, `{}`)
	for _, method := range []string{"GET", "PATCH", "DELETE", "HEAD"} {
		if !strings.Contains(got.header.Get("Allow"), method) {
			t.Errorf("Allow is %q, without %s", got.header.Get("Allow"), method)
		}
	}
}

func TestContentEncodingIsRefused(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/documents", "/search"} {
		r := s.request("POST", path, jsonType, strings.NewReader("\x1f\x8b"))
		r.Header.Set("Content-Encoding", "gzip")
		if e := as[wire.ErrorAnswer](t, s.send(r), 415).Error; !strings.Contains(e.Message, "gzip") {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

func TestRequestID(t *testing.T) {
	s := start(t)
	for _, id := range []string{"a", "trace-1/2:3", strings.Repeat("x", 128), `"quoted"`} {
		r := s.request("GET", "/nothing", "", nil)
		r.Header.Set("X-Request-Id", id)
		got := s.send(r)
		if e := as[wire.ErrorAnswer](t, got, 404).Error; got.header.Get("X-Request-Id") != id || e.RequestID != id {
			t.Errorf("%q comes back as %q and %q", id, got.header.Get("X-Request-Id"), e.RequestID)
		}
	}
	made := map[string]bool{}
	for _, id := range []string{"", "with space", strings.Repeat("x", 129), "é", "a\tb"} {
		r := s.request("GET", "/healthz", "", nil)
		r.Header.Set("X-Request-Id", id)
		got := s.send(r).header.Get("X-Request-Id")
		if !strings.HasPrefix(got, "req_") || made[got] {
			t.Errorf("%q is replaced by %q", id, got)
		}
		made[got] = true
	}
	if log := s.log.String(); !strings.Contains(log, "request_id=trace-1/2:3") || !strings.Contains(log, "status=404") {
		t.Error("the log has no request id or status")
	}
}

func TestLogHasNoContent(t *testing.T) {
	s := start(t)
	s.add(wireDocument("a", "confidential words"))
	s.get("/search?q=confidential")
	s.post("/search", `{"query":"confidential"}`)
	s.post("/documents", `{"text":1,"title":"confidential"}`)
	if strings.Contains(s.log.String(), "confidential") {
		t.Errorf("the log has what was sent:\n%s", s.log)
	}
}

func TestItemsFailAlone(t *testing.T) {
	s, c := startChecked(t)
	c.lenient = true
	for _, third := range []struct{ body, param string }{
		{`{"id":"b","text":""}`, "documents[1].text"},
		{`{"id":"b","text":7}`, "documents[1].text"},
		{`{"id":"b","text":"x","more":1}`, "documents[1].more"},
		{`{"id":"a","text":"the same id again"}`, "documents[1].id"},
		{`{"id":"` + strings.Repeat("b", 513) + `","text":"x"}`, "documents[1].id"},
		{`{"id":"b","text":"x","vector":[1]}`, "documents[1].vector"},
		{`"b"`, "documents[1]"},
	} {
		for _, form := range []string{"object", "list", "lines"} {
			body, kind := fmt.Sprintf(`[{"id":"a","text":"first"},%s,{"id":"c","text":"third"}]`, third.body), jsonType
			switch form {
			case "object":
				body = `{"documents":` + body + `}`
			case "lines":
				body, kind = fmt.Sprintf("{\"id\":\"a\",\"text\":\"first\"}\r\n\r\n  \n%s\n{\"id\":\"c\",\"text\":\"third\"}", third.body), "application/x-ndjson"
			}
			job := as[wire.JobAnswer](t, s.do("POST", "/documents", kind, body), 200).Job
			if job.Status != "done" || job.Total != 3 || job.Done != 2 || job.Failed != 1 || len(job.Results) != 3 {
				t.Fatalf("%s %s: %+v", form, third.body, job)
			}
			failed := job.Results[1]
			if failed.Status != "failed" || failed.Error == nil || failed.Error.Param != third.param || failed.Error.Type != invalid {
				t.Errorf("%s %s: %+v %+v, want %s", form, third.body, failed, failed.Error, third.param)
			}
			if job.Results[0].Status == "failed" || job.Results[2].Status == "failed" {
				t.Errorf("%s %s: %+v", form, third.body, job.Results)
			}
			if text := *s.read("a").Text; text != "first" {
				t.Errorf("%s %s: a is %q", form, third.body, text)
			}
		}
	}
	if got := as[wire.ErrorAnswer](t, s.post("/documents", `[{"text":""},{"text":1}]`), 422).Error; got.Param != "documents[0].text" {
		t.Errorf("all bad: %+v", got)
	}
	if got := as[wire.ErrorAnswer](t, s.do("POST", "/documents", "application/x-ndjson", "nonsense\n"), 400).Error; got.Param != "documents[0]" {
		t.Errorf("all lines bad: %+v", got)
	}
}

func TestWaitZeroEnds(t *testing.T) {
	s, _ := startChecked(t)
	job := as[wire.JobAnswer](t, s.post("/documents?wait=0", `{"id":"a","text":"Not waited for."}`), 202).Job
	if job.Status != "queued" && job.Status != "running" {
		t.Errorf("answered with %s", job.Status)
	}
	stream := s.get("/jobs/" + job.ID + "?watch=1")
	var last wire.Job
	_, data, _ := strings.Cut(string(stream.body[strings.LastIndex(string(stream.body), "event: job"):]), "data: ")
	if err := json.Unmarshal([]byte(strings.TrimSpace(data)), &last); err != nil || last.Status != "done" || last.Done != 1 {
		t.Errorf("ends as %+v (%v)", last, err)
	}
	s.read("a")
}

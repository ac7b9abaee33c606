package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/api/wire"
	"searchd/hf/hftest"
)

// keyed sends documents with an idempotency key.
func (s *server) keyed(key, path, kind, body string) answer {
	s.t.Helper()
	r := s.request("POST", path, kind, strings.NewReader(body))
	r.Header.Set("Idempotency-Key", key)
	return s.send(r)
}

func TestTheSameRequestAgainIsTheSameJob(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	for _, body := range []struct{ kind, text, again string }{
		{jsonType, `{"id":"a","text":"JSON."}`, ""},
		{"application/x-ndjson", `{"id":"b","text":"Lines."}` + "\n" + `{"id":"c","text":""}`, ""},
		{formType, form(file("d.txt"), "A file.", file("e.gz"), "Not gzip, but "+strings.Repeat("long ", 2000)), "multipart/form-data; boundary=other"},
	} {
		key := "key of " + body.kind
		first := s.keyed(key, "/documents", body.kind, body.text)
		job := as[wire.JobAnswer](t, first, 200).Job
		if first.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s: the first answer is said to be another's", body.kind)
		}
		kind, text := body.kind, body.text
		if body.again != "" {
			kind, text = body.again, strings.NewReplacer("--x\r\n", "--other\r\n", "--x--", "--other--").Replace(text)
		}
		s.post("/documents/delete", `{"ids":["a","b","d.txt"]}`)
		second := s.keyed(key, "/documents?wait=0", kind, text)
		if again := as[wire.JobAnswer](t, second, 200).Job; cmp.Diff(job, again) != "" || second.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: %s\nthen %s", body.kind, first.body, second.body)
		}
	}
	if list := as[wire.DocumentList](t, s.get("/documents"), 200); list.Total != 0 {
		t.Errorf("a repeated request has added %+v", list.Documents)
	}
}

func TestAKeyStaysWithItsRequest(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	as[wire.Collection](t, s.post("/collections", `{"name":"notes"}`), 201)
	const body = `{"id":"a","text":"One."}`
	job := as[wire.JobAnswer](t, s.keyed("k", "/documents", jsonType, body), 200).Job
	form1 := form(file("a.txt"), "x", file("b.txt"), "y")
	as[wire.JobAnswer](t, s.keyed("f", "/documents", formType, form1), 200)
	for name, got := range map[string]answer{
		"another body":       s.keyed("k", "/documents", jsonType, `{"id":"a","text":"Two."}`),
		"another collection": s.keyed("k", "/collections/notes/documents", jsonType, body),
		"another policy":     s.keyed("k", "/documents?on_conflict=skip", jsonType, body),
		"another kind":       s.keyed("k", "/documents", "application/x-ndjson", body),
		"another file name":  s.keyed("f", "/documents", formType, form(file("a.txt"), "x", file("c.txt"), "y")),
		"another content":    s.keyed("f", "/documents", formType, form(file("a.txt"), "x", file("b.txt"), "z")),
		"files cut elsewhere": s.keyed("f", "/documents", formType,
			form(file("a.txt"), "x\n1\nfile \"b.txt\"\ny")),
		"metadata": s.keyed("f", "/documents", formType, form("name=metadata", "{}", file("a.txt"), "x", file("b.txt"), "y")),
	} {
		if e := as[wire.ErrorAnswer](t, got, 422).Error; e.Param != "Idempotency-Key" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if again := as[wire.JobAnswer](t, s.keyed("k", "/documents", jsonType, body), 200).Job; again.ID != job.ID {
		t.Errorf("after that the key is of job %s, before of %s", again.ID, job.ID)
	}
	other := as[wire.JobAnswer](t, s.keyed("K", "/documents", jsonType, body), 200).Job
	if other.ID == job.ID || other.Results[0].Status != "unchanged" {
		t.Errorf("another key: %+v", other)
	}
}

func TestAKeyOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	var jobs []string
	for range 3 {
		s := startWired(t, hftest.Set{quick()}, wiring{dir: dir})
		jobs = append(jobs, as[wire.JobAnswer](t, s.keyed("k", "/documents", jsonType, `{"text":"One."}`), 200).Job.ID)
		s.stop()
	}
	if jobs[0] != jobs[1] || jobs[1] != jobs[2] {
		t.Errorf("jobs %v", jobs)
	}
}

// A key of a request that is still being read is a conflict; one of a request that failed, or broke off, is free again.
func TestAKeyInFlight(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	const line = `{"id":"a","text":"One."}` + "\n"
	read, write := io.Pipe()
	r := s.request("POST", "/documents", "application/x-ndjson", read)
	r.Header.Set("Idempotency-Key", "k")
	done := make(chan answer)
	bare := *s // its client reads no body again
	bare.client = &http.Client{Transport: &http.Transport{}}
	defer bare.client.CloseIdleConnections()
	go func() { done <- bare.send(r) }()
	// More than fits into the buffers on the way: when it is written, the request is being read.
	text := strings.Repeat("\n", 48<<20) + line
	if _, err := io.WriteString(write, text); err != nil {
		t.Fatal(err)
	}
	got := s.keyed("k", "/documents", "application/x-ndjson", line)
	e := as[wire.ErrorAnswer](t, got, http.StatusConflict).Error
	if e.Param != "Idempotency-Key" || e.Type != "conflict_error" || got.header.Get("Retry-After") != "1" {
		t.Errorf("%+v, Retry-After %q", e, got.header.Get("Retry-After"))
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	job := as[wire.JobAnswer](t, <-done, 200).Job
	if again := as[wire.JobAnswer](t, s.keyed("k", "/documents", "application/x-ndjson", text), 200).Job; again.ID != job.ID {
		t.Errorf("%+v, then %+v", job, again)
	}
	if e := as[wire.ErrorAnswer](t, s.keyed("f", "/documents", jsonType, `{"text":""}`), 422).Error; e.Param != "text" {
		t.Errorf("%+v", e)
	}
	as[wire.JobAnswer](t, s.keyed("f", "/documents", jsonType, `{"text":"Mended."}`), 200)
}

func TestKeysThatAreNone(t *testing.T) {
	s := startWith(t, quick())
	for _, key := range []string{"", strings.Repeat("k", 256), "schlüssel", "a\tb"} {
		if e := as[wire.ErrorAnswer](t, s.keyed(key, "/documents", jsonType, `{"text":"a"}`), 422).Error; e.Param != "Idempotency-Key" {
			t.Errorf("%q: %+v", key, e)
		}
	}
	as[wire.JobAnswer](t, s.keyed(strings.Repeat("k", 255), "/documents", jsonType, `{"text":"a"}`), 200)
}

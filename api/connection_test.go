package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"searchd/api"
	"searchd/api/wire"
)

// zeros is n bytes of 'x', as a body that is made while it is sent.
func zeros(n int64) io.Reader { return io.LimitReader(endless{}, n) }

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestHugeBodyIsRefusedAndNotKept(t *testing.T) {
	long(t)
	const size = 100 << 20
	s := start(t)
	s.add(wireDocument("good", "This one stays."))
	for _, test := range []struct {
		name, path, kind string
		length           int64
	}{
		{"with its length", "/documents", jsonType, size},
		{"chunked", "/documents", jsonType, -1},
		{"search", "/search", jsonType, size},
		{"one endless line", "/documents", "application/x-ndjson", -1},
		{"wrong kind", "/documents", "application/x-www-form-urlencoded", size},
		{"no form", "/documents", formType, size},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := s.request("POST", test.path, test.kind, zeros(size))
			r.ContentLength = test.length
			want := 413
			switch test.name {
			case "wrong kind":
				want = 415
			case "no form":
				want = 400
			}
			if e := as[wire.ErrorAnswer](t, s.send(r), want).Error; e.Type != invalid {
				t.Errorf("%+v", e)
			}
			runtime.ReadMemStats(&after)
			// io.ReadAll of 32 MiB allocates less than six times as much in all while it grows.
			if used := after.TotalAlloc - before.TotalAlloc; used > 200<<20 || test.length > 0 && used > 8<<20 {
				t.Errorf("took %d MiB", used>>20)
			}
		})
	}
	s.read("good")
}

func TestManyDocuments(t *testing.T) {
	s := start(t)
	docs := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"documents":[`)
		vector := "1" + strings.Repeat(",0", 383)
		for i := range n {
			fmt.Fprintf(&b, `{"id":"d%d","text":"number %d","vector":[%s]},`, i, i, vector)
		}
		return strings.TrimSuffix(b.String(), ",") + `]}`
	}
	if e := as[wire.ErrorAnswer](t, s.post("/documents", docs(10_001)), 413).Error; e.Param != "documents" {
		t.Errorf("10,001: %+v", e)
	}
	if list := as[wire.DocumentList](t, s.get("/documents"), 200); list.Total != 0 {
		t.Errorf("refused, and %d are kept", list.Total)
	}
	if testing.Short() {
		return // under the race detector 10,000 documents take minutes
	}
	began := time.Now()
	job := as[wire.JobAnswer](t, s.post("/documents?wait=120", docs(10_000)), 200).Job
	if job.Done != 10_000 || job.Failed != 0 || len(job.Results) != 10_000 || job.Results[9999].ID != "d9999" {
		t.Errorf("10,000: %d done, %d failed, %d results", job.Done, job.Failed, len(job.Results))
	}
	t.Logf("10,000 documents with vectors in %v", time.Since(began))
	if c := as[wire.Collection](t, s.get("/collections/default"), 200); c.Documents != 10_000 {
		t.Errorf("the collection has %d", c.Documents)
	}
}

// raw sends bytes over one connection and reads the answers to n requests.
func (s *server) raw(text string, n int) []answer {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // nothing more is wanted of it
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
	var list []answer
	for from := bufio.NewReader(c); len(list) < n; {
		response, err := http.ReadResponse(from, nil)
		if err != nil {
			s.t.Errorf("answer %d: %v", len(list), err)
			return list
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			s.t.Errorf("answer %d: %v", len(list), err)
		}
		list = append(list, answer{response.StatusCode, response.Header, body})
	}
	return list
}

// TestUnreadBodyIsNotTheNextRequest refuses requests before their bodies are read. What is in such a body must never be
// answered as a request of its own.
func TestUnreadBodyIsNotTheNextRequest(t *testing.T) {
	s := start(t)
	s.add(wireDocument("victim", "Must not be deleted."))
	inner := "DELETE /documents/victim HTTP/1.1\r\nHost: x\r\n\r\n"
	padding := strings.Repeat(" ", 64<<10)
	for _, head := range []string{
		"POST /nothing HTTP/1.1\r\nHost: x\r\n",
		"GET /healthz HTTP/1.1\r\nHost: x\r\n",
		"PUT /documents HTTP/1.1\r\nHost: x\r\n",
		"POST /documents HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n",
		"POST /documents?wait=x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n",
		"POST /search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n",
		"DELETE /documents/nothing HTTP/1.1\r\nHost: x\r\n",
	} {
		body := padding + inner + padding
		next := "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
		for _, sent := range []string{
			fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body),
			fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(body), body),
		} {
			got := s.raw(sent+next, 2)
			if len(got) != 2 || !strings.Contains(string(got[1].body), `"status":"ok"`) {
				t.Errorf("%q: the next request is answered %+v", head, got)
			}
		}
	}
	s.read("victim")
}

func TestBodyThatBreaksOffIsDropped(t *testing.T) {
	s := start(t)
	line := func(i int) string { return fmt.Sprintf("{\"id\":\"d%d\",\"text\":\"number %d\"}\n", i, i) }
	var whole strings.Builder
	for i := range 2000 { // more than an intake keeps in memory, so that some are in the store
		whole.WriteString(line(i))
	}
	const head = "POST /documents HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
	for name, sent := range map[string]string{
		"before its length is reached":     fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, whole.Len()+10, whole.String()),
		"in its first bytes":               fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, 5000, line(1)),
		"between two chunks":               fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", head, whole.Len(), whole.String()),
		"within a chunk":                   fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", head, whole.Len()+1, whole.String()),
		"in the length of a chunk":         fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0", head, whole.Len(), whole.String()),
		"with a chunk that is none":        fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\nzz\r\n", head, whole.Len(), whole.String()),
		"after the whole of the first doc": fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, 2*len(line(1)), line(1)),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			response, err := io.ReadAll(c)
			if err != nil {
				t.Errorf("no answer: %v", err)
			}
			if !strings.HasPrefix(string(response), "HTTP/1.1 400 ") {
				t.Errorf("answered %.300q", response)
			}
			_ = c.Close()
			if jobs := as[wire.JobList](t, s.get("/jobs"), 200); jobs.Total != 0 {
				t.Errorf("a job is kept: %+v", jobs.Jobs)
			}
		})
	}
	if list := as[wire.DocumentList](t, s.get("/documents"), 200); list.Total != 0 {
		t.Errorf("%d documents are kept", list.Total)
	}
}

func TestLongLineIsRefused(t *testing.T) {
	s := start(t)
	body := io.MultiReader(strings.NewReader("{\"id\":\"first\",\"text\":\"a\"}\n{\"text\":\""), zeros(17<<20), strings.NewReader("\"}\n"))
	as[wire.ErrorAnswer](t, s.send(s.request("POST", "/documents", "application/x-ndjson", body)), 413)
	if got := s.get("/documents/first"); got.status != 404 {
		t.Errorf("the line before it is kept: %s", got.body)
	}
	// A line of 11 MiB can be read; its text is too long, and fails alone.
	body = io.MultiReader(strings.NewReader("{\"id\":\"first\",\"text\":\"a\"}\n{\"text\":\""), zeros(11<<20), strings.NewReader("\"}\n"))
	job := as[wire.JobAnswer](t, s.send(s.request("POST", "/documents", "application/x-ndjson", body)), 200).Job
	if job.Done != 1 || job.Failed != 1 || job.Results[1].Error.Param != "documents[1].text" {
		t.Errorf("%+v", job)
	}
}

func TestLongHeaderIsRefused(t *testing.T) {
	s := start(t)
	got := s.raw("GET /search?q="+strings.Repeat("a", 70<<10)+" HTTP/1.1\r\nHost: x\r\n\r\n", 1)
	if e := as[wire.ErrorAnswer](t, got[0], 431).Error; e.Type != invalid {
		t.Errorf("%+v", e)
	}
	if got := s.get("/search?q=" + strings.Repeat("a+", 30<<10)); got.status != 200 {
		t.Errorf("a query of 60 KiB: %d %.200s", got.status, got.body)
	}
}

func TestHead(t *testing.T) {
	s := start(t)
	job := s.add(wireDocument("a", "A text."))
	for path, status := range map[string]int{
		"/documents/a": 200, "/documents/b": 404, "/documents": 200, "/healthz": 200, "/": 200, "/nothing": 404, "/search?q=a": 200,
		"/jobs/" + job.ID + "?watch=1": 200,
	} {
		if got := s.do("HEAD", path, "", ""); got.status != status || len(got.body) > 0 {
			t.Errorf("HEAD %s: %d, %d bytes", path, got.status, len(got.body))
		}
	}
	s.read("a")
}

func TestExpectContinue(t *testing.T) {
	s := start(t)
	body := `{"id":"a","text":"Sent after a question."}`
	got := s.raw(fmt.Sprintf("POST /documents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n%s", len(body), body), 2)
	if got[0].status != 100 || got[1].status != 200 {
		t.Errorf("answers %d, %d", got[0].status, got[1].status)
	}
}

func TestAnswersOfManyAtOnceAreNotMixedUp(t *testing.T) {
	s := start(t)
	const n = 50
	for i := range n {
		s.add(wireDocument(fmt.Sprintf("d%d", i), fmt.Sprintf("The text of document %d.", i)))
	}
	failures := make(chan string, n)
	for i := range n {
		go func() {
			var failure string
			for range 20 {
				response, err := s.client.Do(s.request("GET", fmt.Sprintf("/documents/d%d", i), "", nil))
				if err != nil {
					failure = err.Error()
					break
				}
				body, _ := io.ReadAll(response.Body) // what is missing is seen below
				_ = response.Body.Close()
				if !strings.Contains(string(body), fmt.Sprintf("The text of document %d.", i)) {
					failure = string(body)
				}
			}
			failures <- failure
		}()
	}
	for range n {
		if f := <-failures; f != "" {
			t.Error(f)
		}
	}
}

// TestShutdownBeforeServe stops a server that has only just begun.
func TestShutdownBeforeServe(t *testing.T) {
	s := api.New(api.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-ctx.Done():
		t.Fatal("it serves after it was shut down")
	}
}

// TestShutdownOfUnusedConnections stops a server to which somebody has connected without asking anything, as browsers do.
func TestShutdownOfUnusedConnections(t *testing.T) {
	s := start(t)
	for range 3 {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
	}
	s.do("GET", "/healthz", "", "") // over a connection that is accepted after those
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := s.api.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if log := s.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log of a stop:\n%s", log)
	}
}

// TestAResetIsNoFault opens a connection and resets it, as some load balancers do to see whether anybody listens.
func TestAResetIsNoFault(t *testing.T) {
	s := start(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	s.do("GET", "/healthz", "", "") // the first connection is accepted by now, and waited for
	if err := c.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	s.stop()
	if log := s.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log of a reset:\n%s", log)
	}
}

func TestShutdownEndsStreams(t *testing.T) {
	s := start(t)
	var body strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&body, "{\"id\":\"d%d\",\"text\":\"%s\"}\n", i, strings.Repeat(fmt.Sprintf("Sentence %d of many. ", i), 40))
	}
	job := as[wire.JobAnswer](t, s.do("POST", "/documents?wait=0", "application/x-ndjson", body.String()), 202).Job
	response, err := s.client.Do(s.request("GET", "/jobs/"+job.ID+"?watch=1", "", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.api.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v after %v", err, time.Since(began))
	}
	if _, err := io.ReadAll(response.Body); err != nil {
		t.Errorf("the stream: %v", err)
	}
}

package api_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-json-experiment/json"

	"searchd/api"
	"searchd/api/wire"
	"searchd/hf"
	"searchd/hf/bundled"
	"searchd/hf/catalog"
	"searchd/hf/gateway"
	"searchd/hf/hftest"
	"searchd/hf/inproc"
	"searchd/hf/local"
	"searchd/hf/remote"
	"searchd/index"
	"searchd/index/chromem"
	"searchd/index/lexical"
	"searchd/ingest"
	"searchd/internal/secret"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
	"searchd/tasks"
)

// openModel opens the bundled model once for all tests: it cannot be changed.
var openModel = sync.OnceValues(func() (hf.Model, error) { return bundled.Open(local.Options{}) })

// server is a real searchd on a loopback port, with everything but the command line.
type server struct {
	t      *testing.T
	url    string
	api    *api.Server
	index  *index.Registry
	dir    string // of the store
	log    *logBuffer
	client *http.Client
	stop   func() // closes everything, once
}

var page = fstest.MapFS{
	"index.html": {Data: []byte(`<!doctype html><title>searchd</title><link rel="stylesheet" href="/assets/style.css"><script src="/assets/app.js"></script><script type="module" src="/assets/app.js"></script></html>`)},
	"app.js":     {Data: []byte("document.title += '!'")},
	"style.css":  {Data: []byte("body { margin: 0 }")},
}

// start starts a server with the bundled model.
func start(t *testing.T) *server {
	t.Helper()
	model, err := openModel()
	if err != nil {
		t.Fatalf("bundled model: %v", err)
	}
	return startWith(t, model)
}

// quick is a model for tests that send much and do not ask what it means.
func quick() hf.Model { return hftest.NewModel(hftest.Options{Dimensions: 384}) }

func startWith(t *testing.T, model hf.Model) *server {
	t.Helper()
	return startWired(t, hftest.Set{model}, wiring{})
}

// wiring is how a server comes to providers.
type wiring struct {
	public      bool            // loopback, private and link-local endpoints are refused
	gateway     gateway.Options // its waits are tiny unless they are set
	monthly     int64           // characters
	prompts     bool            // are logged
	tier        gateway.Tier
	environment *models.Provider
	key         string // of environment

	dir    string     // of the store; "" means a new one
	engine index.Open // nil means chromem
}

// open wires the tasks as the command does.
func (w wiring) open(t *testing.T, dir string, store *db.DB, found *search.Service, available hf.Models, log *slog.Logger) (*tasks.Service, func()) {
	t.Helper()
	secrets, err := secret.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	known, err := catalog.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	requests, err := tasks.NewLog(t.Context(), tasks.LogOptions{DB: store, Log: log, Keep: time.Hour, MonthlyCharacters: w.monthly, Prompts: w.prompts})
	if err != nil {
		t.Fatal(err)
	}
	o := w.gateway
	o.Recorder, o.Budget = requests, requests
	o.Backoff, o.Jitter = cmp.Or(o.Backoff, time.Millisecond), cmp.Or(o.Jitter, time.Nanosecond)
	o.LoadingWait, o.CircuitFailures = cmp.Or(o.LoadingWait, time.Millisecond), cmp.Or(o.CircuitFailures, 1000)
	g := gateway.New(o)
	connect := func(p models.Provider, key string) (*remote.Provider, error) {
		return remote.New(remote.Options{Type: remote.Type(p.ProviderType), Endpoint: p.APIEndpoint, Key: key, AllowPrivate: !w.public})
	}
	service := tasks.New(tasks.Options{
		DB: store, Gateway: g, Catalog: known, Secrets: secrets, Connect: connect, Local: inproc.New(available), Search: found,
		Environment: w.environment, Key: w.key, Usage: requests, Tier: w.tier, Log: log,
	})
	return service, func() { g.Close(); requests.Close() }
}

func startWired(t *testing.T, available hf.Models, w wiring) *server {
	t.Helper()
	dir := cmp.Or(w.dir, t.TempDir())
	store, err := db.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, log: &logBuffer{}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	if w.engine == nil {
		w.engine = func(c models.Collection) (index.Index, error) { return chromem.New(c.Dimensions) }
	}
	registry := index.NewRegistry(w.engine, store)
	s.index = registry
	words := lexical.NewRegistry(filepath.Join(dir, "lexical"), store, log)
	in := ingest.New(store, registry, words, available, ingest.Options{Log: log})
	found := search.New(store, registry, words, available, log)
	service, closeTasks := w.open(t, dir, store, found, available, log)
	s.dir = dir
	s.api = api.New(api.Options{
		DB: store, Ingest: in, Search: found, Tasks: service,
		Models: available, Page: page, Log: log, Version: "test",
		IndexState: func(c models.Collection) string { return string(registry.State(c)) }, Degraded: registry.Degraded,
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + listener.Addr().String()
	work, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { in.Run(work) })
	running.Go(func() {
		if err := s.api.Serve(listener); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	s.stop = sync.OnceFunc(func() {
		s.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.api.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		stop()
		running.Wait()
		closeTasks()
		if err := errors.Join(registry.Close(), words.Close()); err != nil {
			t.Errorf("close the index: %v", err)
		}
		if err := store.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	t.Cleanup(s.stop)
	return s
}

// logBuffer keeps the log, for tests about what must and must not be in it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// answer is a response that was read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

const jsonType = "application/json"

// do sends a request. The path is sent as it is written.
func (s *server) do(method, path, kind, body string) answer {
	s.t.Helper()
	return s.send(s.request(method, path, kind, strings.NewReader(body)))
}

func (s *server) request(method, path, kind string, body io.Reader) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url, body)
	if err != nil {
		s.t.Fatal(err)
	}
	route, query, _ := strings.Cut(path, "?")
	r.URL.Opaque, r.URL.RawQuery = strings.TrimPrefix(s.url, "http:")+route, query
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}

func (s *server) send(r *http.Request) answer {
	s.t.Helper()
	response, err := s.client.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatalf("%s %s: read the answer: %v", r.Method, r.URL, err)
	}
	return answer{response.StatusCode, response.Header, body}
}

func (s *server) get(path string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, "", "")
}

func (s *server) post(path, body string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, path, jsonType, body)
}

// as reads an answer of a status into a T.
func as[T any](t *testing.T, a answer, status int) T {
	t.Helper()
	var v T
	if a.status != status {
		t.Fatalf("status %d, want %d: %.2000s", a.status, status, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%v in %.2000s", err, a.body)
	}
	return v
}

// add takes documents in and answers the finished job.
func (s *server) add(docs ...wire.Document) wire.Job {
	s.t.Helper()
	return as[wire.JobAnswer](s.t, s.post("/documents", mustJSON(s.t, map[string]any{"documents": docs})), http.StatusOK).Job
}

func (s *server) read(id string) wire.StoredDocument {
	s.t.Helper()
	return as[wire.StoredDocument](s.t, s.get("/documents/"+escape(id)), http.StatusOK)
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// escape encodes every byte of s, so that nothing on the way can take a part of it for syntax.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// sharedData is the folder of data that is not part of the repository, or skips.
func sharedData(t *testing.T, path ...string) string {
	t.Helper()
	root := os.Getenv("SEARCHD_SHARED_DATA")
	if root == "" {
		root = "../../shared/data"
	}
	dir := filepath.Join(append([]string{root}, path...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the shared data is not here (SEARCHD_SHARED_DATA names its folder): %v", err)
	}
	return dir
}

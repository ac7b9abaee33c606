package tasks_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"searchd/hf/catalog"
	"searchd/hf/gateway"
	"searchd/hf/hftest"
	"searchd/hf/inproc"
	"searchd/hf/remote"
	"searchd/internal/secret"
	"searchd/models"
	"searchd/models/db"
	"searchd/tasks"
)

const testKey = "hf_SecretSecretSecretSecret9876"

func ptr[T any](v T) *T { return &v }

// fixture is a service whose providers are fake servers in memory, by their ids.
type fixture struct {
	*tasks.Service
	t       *testing.T
	servers map[string]*hftest.Server
	db      *db.DB
}

// store opens a store. It leaves goroutines behind, so it is made outside of the bubbles of synctest, one for each.
func store(t *testing.T) *db.DB {
	t.Helper()
	store, err := db.Open(t.Context(), t.TempDir())
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	return store
}

// open makes a service with a store of its own.
func open(t *testing.T, change ...func(*tasks.Options, *gateway.Options)) *fixture {
	t.Helper()
	return openOn(t, store(t), change...)
}

// openOn makes a service. In a bubble of synctest its waits are those of real life, and take no time.
func openOn(t *testing.T, store *db.DB, change ...func(*tasks.Options, *gateway.Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, servers: map[string]*hftest.Server{}}
	known, err := catalog.Load(nil)
	must(t, err)
	secrets, err := secret.Open(t.TempDir(), "")
	must(t, err)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	usage, err := tasks.NewLog(t.Context(), tasks.LogOptions{DB: store, Log: log, Keep: time.Hour})
	must(t, err)
	f.db = store
	o := tasks.Options{
		DB: store, Catalog: known, Secrets: secrets, Connect: f.connect, Usage: usage, Log: log,
		Local: inproc.New(hftest.Set{hftest.NewModel(hftest.Options{})}),
	}
	g := gateway.Options{Recorder: usage, Budget: usage}
	for _, c := range change {
		c(&o, &g)
	}
	o.Gateway = gateway.New(g)
	f.Service = tasks.New(o)
	t.Cleanup(func() {
		o.Gateway.Close()
		usage.Close()
	})
	return f
}

// quick makes waits tiny, for tests that are not about time.
func quick(_ *tasks.Options, g *gateway.Options) {
	g.Backoff, g.Jitter, g.LoadingWait, g.CircuitFailures = time.Millisecond, time.Nanosecond, time.Millisecond, 1000
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) connect(p models.Provider, key string) (*remote.Provider, error) {
	o := remote.Options{Type: remote.Type(p.ProviderType), Endpoint: p.APIEndpoint, Key: key, AllowPrivate: true}
	if s := f.servers[p.ProviderID]; s != nil {
		o.Client = s.Client()
	}
	return remote.New(o)
}

// provide starts a server, and keeps a provider of the same id and type.
func (f *fixture) provide(id string, dialect hftest.Dialect, config models.ProviderConfig) *hftest.Server {
	f.t.Helper()
	s := hftest.NewMemoryServer(f.t, hftest.ServerOptions{Dialect: dialect, Key: testKey})
	f.servers[id] = s
	p := models.Provider{ProviderID: id, Name: id, ProviderType: string(dialect), APIEndpoint: s.URL, Configuration: config, IsActive: true}
	_, err := f.NewProvider(f.t.Context(), p, testKey)
	must(f.t, err)
	return s
}

// forget makes room for another provider of the same id.
func (f *fixture) forget(id string) {
	f.t.Helper()
	must(f.t, f.db.DeleteProvider(f.t.Context(), id))
}

// says answers a chat.
func says(text string) hftest.Trouble { return saysUntil(text, "stop") }

func saysUntil(text, reason string) hftest.Trouble {
	return answers(map[string]any{
		"model": "spoken-1", "usage": map[string]int{"prompt_tokens": 7, "completion_tokens": 3},
		"choices": []any{map[string]any{"index": 0, "finish_reason": reason, "message": map[string]string{"role": "assistant", "content": text}}},
	})
}

// answers is a right answer of any shape.
func answers(v any) hftest.Trouble {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own values
	}
	return hftest.Status(http.StatusOK, "application/json", string(body))
}

// paths are what a server was asked, in order.
func paths(s *hftest.Server) (list []string) {
	for _, r := range s.Requests() {
		list = append(list, r.Path)
	}
	return list
}

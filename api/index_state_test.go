package api_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"searchd/api/wire"
	"searchd/hf/hftest"
	"searchd/index"
	"searchd/index/hnsw"
	"searchd/models"
)

// gated is an index that takes nothing in before its gate is open.
type gated struct {
	*hnsw.Index
	gate chan struct{}
}

func (g gated) Upsert(ctx context.Context, items []index.Item) error {
	<-g.gate
	return g.Index.Upsert(ctx, items)
}

type readiness struct {
	Status   string   `json:"status"`
	Degraded []string `json:"degraded"`
}

// A damaged snapshot is rebuilt; meanwhile the collection and /readyz say so, and no search loses anything by it.
func TestADamagedSnapshotIsRebuilt(t *testing.T) {
	dir, gate := t.TempDir(), make(chan struct{})
	w := wiring{dir: dir, engine: func(c models.Collection) (index.Index, error) {
		x, err := hnsw.Open(filepath.Join(dir, "hnsw"), c.Dimensions, hnsw.Options{})
		return gated{x, gate}, err
	}}
	close(gate)
	s := startWired(t, hftest.Set{quick()}, w)
	var docs []wire.Document
	for i := range 40 {
		docs = append(docs, wireDocument(fmt.Sprint("d", i), fmt.Sprint("text number ", i)))
	}
	s.add(docs...)
	s.wantState("ready")
	s.stop()

	path := filepath.Join(dir, "hnsw", "graph")
	graph, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	graph[len(graph)/2] ^= 1
	if err := os.WriteFile(path, graph, 0o600); err != nil {
		t.Fatal(err)
	}
	gate = make(chan struct{})
	s = startWired(t, hftest.Set{quick()}, w)
	s.wantState("closed")
	found := make(chan answer, 1)
	go func() { found <- s.get("/search?q=text+number+7&limit=100") }()
	s.wantState("rebuilding", "index of default: rebuilding")
	close(gate)
	if a := as[wire.SearchAnswer](t, <-found, http.StatusOK); len(a.Hits) != 40 || a.Hits[0].DocumentID != "d7" {
		t.Errorf("%d hits of the rebuilt index, the first %s", len(a.Hits), a.Hits[0].DocumentID)
	}
	s.wantState("ready")
}

// wantState waits until the default collection's index has a state, and makes sure that /readyz lists what it should.
func (s *server) wantState(state string, degraded ...string) {
	s.t.Helper()
	const patience = 10 * time.Second
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		got := as[wire.Collection](s.t, s.get("/collections/default"), http.StatusOK).IndexState
		if got == state {
			break
		}
		if time.Since(start) > patience {
			s.t.Fatalf("index_state is %s, want %s", got, state)
		}
	}
	if r := as[readiness](s.t, s.get("/readyz"), http.StatusOK); r.Status != "ok" || !slices.Equal(r.Degraded, degraded) {
		s.t.Errorf("readyz says %+v, want %q", r, degraded)
	}
}

// The recall of an index is measured on the documents' own vectors; chromem looks at all of them.
func TestRecallIsMeasured(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	s.add(wireDocument("a", "bread and butter"), wireDocument("b", "salt"))
	r := as[wire.Recall](t, s.get("/collections/default/recall?sample=2"), http.StatusOK)
	if r.Vectors != 2 || r.Queries != 4 || r.Recall != 1 || r.LeastRecall != 1 || r.IndexState != "ready" || r.ExactMS <= 0 {
		t.Errorf("got %+v", r)
	}
	for path, status := range map[string]int{"/recall?sample=1001": 422, "/recall?n=3": 422, "/collections/none/recall": 404} {
		if got := s.get(path); got.status != status {
			t.Errorf("%s: status %d, want %d: %s", path, got.status, status, got.body)
		}
	}
}

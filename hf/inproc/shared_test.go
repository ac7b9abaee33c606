package inproc_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"searchd/hf"
	"searchd/hf/bundled"
	"searchd/hf/hftest"
	"searchd/hf/inproc"
	"searchd/hf/local"
)

// openBundled loads the bundled model once for all tests.
var openBundled = sync.OnceValues(func() (*local.Embedder, error) { return bundled.Open(local.Options{}) })

// withBundled is the provider with the model that people have.
func withBundled(t testing.TB) *inproc.Provider {
	t.Helper()
	m, err := openBundled()
	if err != nil {
		t.Fatal(err)
	}
	return inproc.New(hftest.Set{m})
}

// sharedLines are the lines of a file of the shared data. It skips the test where there is none.
func sharedLines(t *testing.T, name string) []string {
	t.Helper()
	dir := os.Getenv("SEARCHD_SHARED_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Skipf("the shared data is not here (set SEARCHD_SHARED_DATA to its folder): %v", err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// shared reads the JSON lines of a file of the shared data.
func shared[T any](t *testing.T, name string) []T {
	t.Helper()
	lines := sharedLines(t, name)
	out := make([]T, len(lines))
	for i, line := range lines {
		if err := json.Unmarshal([]byte(line), &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// sharedQrels is the first relevant document of each query.
func sharedQrels(t *testing.T, name string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, line := range sharedLines(t, name)[1:] {
		if f := strings.Split(line, "\t"); out[f[0]] == "" {
			out[f[0]] = f[1]
		}
	}
	return out
}

// do is a call that succeeds.
func do(t testing.TB, p *inproc.Provider, c hf.Call) hf.Reply {
	t.Helper()
	r, err := p.Do(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ptr[T any](v T) *T { return &v }

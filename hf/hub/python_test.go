package hub_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf/hub"
)

// python runs a script that has huggingface_hub, on the cache and the hub of h.
func python(t *testing.T, h *hub.Hub, offline, script string) string {
	t.Helper()
	interpreter := os.Getenv("SEARCHD_PYTHON")
	if interpreter == "" {
		t.Skip("SEARCHD_PYTHON names no Python that has huggingface_hub")
	}
	cmd := exec.CommandContext(t.Context(), interpreter, "-c", script)
	cmd.Env = append(os.Environ(), "HF_ENDPOINT="+h.Endpoint, "HF_HUB_CACHE="+string(h.Cache), "HF_HUB_OFFLINE="+offline,
		"HF_HUB_DISABLE_XET=1", "HF_HUB_DISABLE_TELEMETRY=1", "HF_HOME="+t.TempDir(), "HF_TOKEN=")
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// huggingface_hub finds, offline, what searchd pulled: as a snapshot, as files, and in its own inventory of the cache.
func TestPythonReadsOurCache(t *testing.T) {
	_, h := start(t, repository())
	got, err := h.Pull(t.Context(), tiny, hub.Watch{})
	if err != nil {
		t.Fatal(err)
	}
	said := python(t, h, "1", `
from huggingface_hub import snapshot_download, hf_hub_download, scan_cache_dir
print(snapshot_download("acme/tiny-embedder"))
print(hf_hub_download("acme/tiny-embedder", "1_Pooling/config.json"))
info = scan_cache_dir()
assert not info.warnings, info.warnings
(repo,) = info.repos
(revision,) = repo.revisions
print(repo.repo_id, revision.commit_hash, sorted(revision.refs), len(revision.files))
`)
	real, err := filepath.EvalSymlinks(string(h.Cache))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(real, "models--acme--tiny-embedder", "snapshots", got.Commit)
	want := dir + "\n" + filepath.Join(dir, "1_Pooling", "config.json") + "\nacme/tiny-embedder " + got.Commit + " ['main'] 10"
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

// searchd finds what huggingface_hub downloaded, fetches none of it again, and lays the same files the same way.
func TestWeReadPythonsCache(t *testing.T) {
	s, h := start(t, repository())
	python(t, h, "0", `
from huggingface_hub import snapshot_download
snapshot_download("acme/tiny-embedder")
`)
	found, err := h.Cache.Find(tiny)
	if err != nil || found.Commit != repository().Commit() {
		t.Fatalf("%+v, %v", found, err)
	}
	if _, ok := found.SHA256("model.safetensors"); !ok {
		t.Error("the hash of the weights is not known")
	}
	list, err := h.Cache.List()
	if diff := cmp.Diff([]hub.Snapshot{found}, list); diff != "" || err != nil {
		t.Error(err, diff)
	}
	before := len(s.Requests())
	got, err := h.Pull(t.Context(), tiny, hub.Watch{})
	if err != nil || got.Fetched != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	whole(t, got)
	for _, r := range s.Requests()[before:] {
		if r.Method == http.MethodGet && !strings.HasPrefix(r.Path, "/api/") {
			t.Error("asked again for", r.Path)
		}
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "layout.golden"))
	if err != nil {
		t.Fatal(err)
	}
	theirs := listing(t, string(h.Cache))
	for line := range strings.Lines(string(golden)) {
		if !strings.HasPrefix(line, "CACHEDIR.TAG") && !strings.Contains(theirs, line) {
			t.Errorf("huggingface_hub has no %s", line)
		}
	}
}

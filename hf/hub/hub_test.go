package hub_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"searchd/hf/hub"
	"searchd/hf/hub/hubtest"
	"searchd/models"
)

var update = flag.Bool("update", false, "write the goldens again")

// noise is content that looks like nothing else.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 7))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// repository is a model with what repositories have besides.
func repository() hubtest.Repo {
	return hubtest.Repo{Files: map[string][]byte{
		"config.json":                 []byte(`{"model_type":"bert"}`),
		"tokenizer.json":              noise(1, 2000),
		"modules.json":                []byte(`[]`),
		"sentence_bert_config.json":   []byte(`{"max_seq_length":128}`),
		"1_Pooling/config.json":       []byte(`{}`),
		"2_Dense/config.json":         []byte(`{"in":1}`),
		"2_Dense/pytorch_model.bin":   noise(2, 3000),
		"model.safetensors":           noise(3, 100_000),
		"pytorch_model.bin":           noise(4, 100),
		"onnx/model.onnx":             noise(5, 100),
		"README.md":                   []byte("---\nlicense: mit\n---\n"),
		"train_script.py":             []byte("print()"),
		"special_tokens_map.json":     []byte(`{}`), // the same bytes as 1_Pooling/config.json: one blob
		"openvino/openvino_model.bin": noise(6, 100),
		"1_Pooling/notes.txt":         []byte("x"),
	}}
}

const id = "acme/tiny-embedder"

var tiny = hub.Name{ID: id, Revision: hub.Main}

// start answers a fake hub with one model, and the client of it with an empty cache.
func start(t *testing.T, repo hubtest.Repo, change ...func(*hub.Options)) (*hubtest.Server, *hub.Hub) {
	t.Helper()
	s := hubtest.New(t, map[string]hubtest.Repo{id: repo})
	o := hub.Options{Endpoint: s.URL, Cache: hub.Cache(filepath.Join(t.TempDir(), "hub")), Pause: time.Millisecond, Idle: 20 * time.Second}
	for _, f := range change {
		f(&o)
	}
	return s, hub.New(o)
}

// listing is all of a folder: links with where they lead, refs with what they say, the rest with its size.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, _ := d.Info()
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			fmt.Fprintf(&b, "%s -> %s\n", name, target)
		case strings.Contains(name, "refs"):
			content, _ := os.ReadFile(path)
			fmt.Fprintf(&b, "%s = %q\n", name, content)
		default:
			fmt.Fprintf(&b, "%s %d\n", name, info.Size())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPullLayout(t *testing.T) {
	_, h := start(t, repository())
	var last hub.Progress
	got, err := h.Pull(t.Context(), tiny, hub.Watch{Report: func(p hub.Progress) {
		if p.TotalDone < last.TotalDone || p.Done > p.Size || p.TotalDone > p.Total {
			t.Errorf("%+v after %+v", p, last)
		}
		last = p
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Commit != repository().Commit() || got.Fetched == 0 || got.Files != 10 || last.TotalDone != last.Total || last.Total != got.Bytes {
		t.Errorf("%+v, %+v", got, last)
	}
	golden := filepath.Join("testdata", "layout.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(listing(t, string(h.Cache))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if diff := cmp.Diff(string(want), listing(t, string(h.Cache))); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for name, content := range repository().Files {
		b, err := os.ReadFile(filepath.Join(got.Dir, name))
		if err == nil && !bytes.Equal(b, content) {
			t.Error(name, "differs")
		}
	}
	if hash, ok := got.SHA256("model.safetensors"); !ok || hash != hubtest.ETag("model.safetensors", repository().Files["model.safetensors"]) {
		t.Error("hash of the weights:", hash)
	}
	if _, ok := got.SHA256("config.json"); ok {
		t.Error("a small file has no SHA-256")
	}
}

// What is here is not fetched again; a new commit brings what has changed, and is what main stands for then.
func TestPullAgain(t *testing.T) {
	s, h := start(t, repository())
	first, err := h.Pull(t.Context(), tiny, hub.Watch{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.Pull(t.Context(), tiny, hub.Watch{})
	if err != nil || again.Fetched != 0 || again.Dir != first.Dir {
		t.Errorf("%+v, %v", again, err)
	}
	repo := repository()
	repo.Files["config.json"] = []byte(`{"model_type":"mpnet"}`)
	s.Set(id, repo)
	next, err := h.Pull(t.Context(), tiny, hub.Watch{})
	if err != nil || next.Fetched != int64(len(repo.Files["config.json"])) || next.Commit == first.Commit {
		t.Errorf("%+v, %v", next, err)
	}
	old := hub.Name{ID: id, Revision: first.Commit}
	list, err := h.Cache.List()
	want := []hub.Snapshot{next.Snapshot, {Name: old, Commit: first.Commit, Dir: first.Dir}}
	if diff := cmp.Diff(want, list); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if found, err := h.Cache.Find(old); err != nil || found.Dir != first.Dir {
		t.Error(found, err)
	}
	if err := h.Cache.Remove(id); err != nil {
		t.Fatal(err)
	}
	if list, err := h.Cache.List(); len(list) != 0 || err != nil {
		t.Error("after removal:", list, err)
	}
	if err := h.Cache.Remove(id); models.CodeOf(err) != models.NotFound {
		t.Error("removed twice:", err)
	}
}

func authorizations(s *hubtest.Server, host string) (with, without int) {
	for _, r := range s.Requests() {
		switch {
		case r.Host != host:
		case r.Header.Get("Authorization") != "":
			with++
		default:
			without++
		}
	}
	return with, without
}

func TestTokenStaysWithTheHub(t *testing.T) {
	s, h := start(t, repository(), func(o *hub.Options) { o.Token = hubtest.Approved })
	if _, err := h.Pull(t.Context(), tiny, hub.Watch{}); err != nil {
		t.Fatal(err)
	}
	if with, without := authorizations(s, s.URL); with == 0 || without != 0 {
		t.Errorf("to the hub: %d with the token, %d without", with, without)
	}
	if with, without := authorizations(s, s.CDN); with != 0 || without != 2 {
		t.Errorf("to the other host: %d with the token, %d without", with, without)
	}
}

// Troubles that pass.
func TestPullRecovers(t *testing.T) {
	blob := hubtest.ETag("model.safetensors", repository().Files["model.safetensors"])
	tests := []struct {
		name         string
		times        int
		method, part string
		trouble      hubtest.Trouble
	}{
		{"description cut", 2, "GET", "/api/", hubtest.Cut(10)},
		{"description half", 2, "GET", "/api/", hubtest.Body(`{"sha":`)},
		{"busy", 3, "GET", "/api/", hubtest.Status(503)},
		{"rate limit", 3, "HEAD", "tokenizer.json", hubtest.Status(429, `RateLimit: "resolvers";r=0;t=0`)},
		{"rate limit, the other header", 3, "GET", "tokenizer.json", hubtest.Status(429, "Retry-After: 0")},
		{"head fails", 4, "HEAD", "model.safetensors", hubtest.Status(500)},
		{"cut before the first byte", 4, "GET", blob, hubtest.Cut(0)},
		{"cut again and again, but it goes on", 12, "GET", blob, hubtest.Cut(5000)},
		{"small file cut", 4, "GET", "tokenizer.json", hubtest.Cut(100)},
		{"wrong bytes", 1, "GET", blob, hubtest.Corrupt()},
		{"wrong bytes of a small file", 1, "GET", "config.json", hubtest.Corrupt()},
		{"signature expired", 2, "GET", blob, hubtest.Status(503)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, h := start(t, repository())
			s.Next(test.times, test.method, test.part, test.trouble)
			got, err := h.Pull(t.Context(), tiny, hub.Watch{})
			if err != nil {
				t.Fatal(err)
			}
			whole(t, got)
		})
	}
}

// whole makes sure that a pulled model is what was published.
func whole(t *testing.T, got hub.Pulled) {
	t.Helper()
	for _, name := range []string{"config.json", "tokenizer.json", "model.safetensors", "2_Dense/pytorch_model.bin"} {
		b, err := os.ReadFile(filepath.Join(got.Dir, name))
		if err != nil || !bytes.Equal(b, repository().Files[name]) {
			t.Error(name, "is not what was published:", err)
		}
	}
}

// A download that was cut goes on where it ended, and starts again where it cannot.
func TestResume(t *testing.T) {
	weights := repository().Files["model.safetensors"]
	etag := hubtest.ETag("model.safetensors", weights)
	tests := []struct {
		name    string
		left    []byte
		trouble hubtest.Trouble
		ranges  string // of the requests
		fetched int
	}{
		{"beginning", weights[:60_000], nil, "bytes=60000-", 40_000},
		{"all but the name", weights, nil, "", 0},
		{"nothing", nil, nil, "-", 100_000},
		{"another file", noise(9, 60_000), nil, "bytes=60000- -", 140_000},
		{"too much", noise(9, 200_000), nil, "-", 100_000},
		{"server without ranges", weights[:60_000], hubtest.NoRange(), "bytes=60000-", 100_000},
		{"range refused", weights[:60_000], hubtest.Status(416), "bytes=60000- -", 100_000},
		{"another range", weights[:60_000], hubtest.Header("Content-Range", "bytes 0-9/100000"), "bytes=60000- -", 100_000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, h := start(t, repository())
			partial := filepath.Join(string(h.Cache), "models--acme--tiny-embedder", "blobs", etag+".incomplete")
			if err := os.MkdirAll(filepath.Dir(partial), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(partial, test.left, 0o644); err != nil {
				t.Fatal(err)
			}
			if test.trouble != nil {
				s.Next(1, "GET", etag, test.trouble)
			}
			var ranges []string
			var small int64
			got, err := h.Pull(t.Context(), tiny, hub.Watch{Report: func(p hub.Progress) {
				if p.TotalDone > p.Total {
					t.Errorf("%+v", p)
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			whole(t, got)
			for _, r := range s.Requests() {
				if strings.HasSuffix(r.Path, etag) {
					ranges = append(ranges, defaultTo(r.Header.Get("Range"), "-"))
				}
			}
			small = got.Bytes - 100_000 - 2 // the two bytes {} are here twice and come once
			if strings.Join(ranges, " ") != test.ranges || got.Fetched != small+int64(test.fetched) {
				t.Errorf("asked for %q, fetched %d bytes of the weights", ranges, got.Fetched-small)
			}
			if _, err := os.Stat(partial); !errors.Is(err, fs.ErrNotExist) {
				t.Error("the partial file is still there")
			}
		})
	}
}

func defaultTo(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Troubles that do not pass: what the user is told, and that nothing half done can be taken for a model.
func TestPullFails(t *testing.T) {
	blob := hubtest.ETag("model.safetensors", repository().Files["model.safetensors"])
	gated, private, moved := repository(), repository(), hubtest.Repo{MovedTo: id}
	gated.Gated, private.Private = true, true
	tests := []struct {
		name  string
		repo  hubtest.Repo
		token string
		pull  hub.Name
		next  func(*hubtest.Server)
		limit int64
		code  models.Code
		want  string
	}{
		{name: "missing", pull: hub.Name{ID: "acme/none", Revision: "main"}, code: models.NotFound, want: "has no model acme/none, or it is private"},
		{name: "missing, with a token", pull: hub.Name{ID: "acme/none", Revision: "main"}, token: hubtest.Token, code: models.NotFound, want: "that the account of this token may read"},
		{name: "no such revision", pull: hub.Name{ID: id, Revision: "v2"}, code: models.NotFound, want: `has no revision "v2"`},
		{name: "private", repo: private, code: models.NotFound, want: "set HF_TOKEN"},
		{name: "gated", repo: gated, code: models.Unavailable, want: "is gated: accept its terms at http"},
		{name: "gated, not approved", repo: gated, token: hubtest.Token, code: models.Unavailable, want: "ask for access at http"},
		{name: "wrong token", token: "hf_wrong", code: models.Unavailable, want: "does not know the token"},
		{name: "disabled", next: func(s *hubtest.Server) {
			s.Next(1, "GET", "/api/", hubtest.Status(403, "X-Error-Message: Access to this resource is disabled."))
		}, code: models.Unavailable, want: "Access to this resource is disabled."},
		{name: "down", next: func(s *hubtest.Server) { s.Next(9, "GET", "/api/", hubtest.Status(502)) }, code: models.Unavailable, want: "status 502: trouble 502"},
		{name: "long rate limit", next: func(s *hubtest.Server) { s.Next(1, "GET", "/api/", hubtest.Status(429, `RateLimit: "api";r=0;t=300`)) },
			code: models.RateLimited, want: "come back in 5m0s"},
		{name: "cut every time", next: func(s *hubtest.Server) { s.Next(9, "GET", blob, hubtest.Cut(0)) }, code: models.Unavailable, want: "cannot be reached"},
		{name: "reset every time", next: func(s *hubtest.Server) { s.Next(99, "GET", blob, hubtest.Reset()) }, code: models.Unavailable, want: "cannot be reached"},
		{name: "wrong every time", next: func(s *hubtest.Server) { s.Next(9, "GET", blob, hubtest.Corrupt()) }, code: models.ProviderFailed, want: "model.safetensors did not come as it was published"},
		{name: "too long", next: func(s *hubtest.Server) {
			s.Next(1, "HEAD", "model.safetensors", hubtest.Header("X-Linked-Size", "5"))
		}, code: models.ProviderFailed, want: "longer than the 5 bytes"},
		{name: "no size", next: func(s *hubtest.Server) { s.Next(1, "HEAD", "model.safetensors", hubtest.Header("X-Linked-Size", "")) }, code: models.ProviderFailed, want: "the size of model.safetensors is missing"},
		{name: "too large", limit: 50_000, code: models.TooLarge, want: "raise the limit with --max-gb"},
		{name: "too large to be counted", next: func(s *hubtest.Server) {
			s.Next(1, "HEAD", "model.safetensors", hubtest.Header("X-Linked-Size", "9223372036854775807"))
		}, code: models.TooLarge, want: "raise the limit"},
		{name: "no hash", next: func(s *hubtest.Server) { s.Next(1, "HEAD", "config.json", hubtest.Header("ETag", `"../../x"`)) }, code: models.ProviderFailed, want: "could not be checked"},
		{name: "no commit", next: func(s *hubtest.Server) { s.Next(1, "HEAD", "config.json", hubtest.Header("X-Repo-Commit", "")) }, code: models.ProviderFailed, want: "is said to be of commit"},
		{name: "not a hub", next: func(s *hubtest.Server) { s.Next(9, "GET", "/api/", hubtest.Body("<html>")) }, code: models.Unavailable, want: "its description of"},
		{name: "no commit in the description", next: func(s *hubtest.Server) { s.Next(1, "GET", "/api/", hubtest.Body(`{"sha":"../x"}`)) }, code: models.ProviderFailed, want: "is no commit"},
		{name: "path out of the folder", next: func(s *hubtest.Server) {
			s.Next(1, "GET", "/api/", hubtest.Body(`{"sha":"`+hex.EncodeToString(make([]byte, 20))+`","siblings":[{"rfilename":"../../../config.json"}]}`))
		}, code: models.ProviderFailed, want: "outside of its folder"},
		{name: "no weights", repo: hubtest.Repo{Files: map[string][]byte{"config.json": nil, "model.onnx": nil}}, code: models.Unavailable, want: "neither model.safetensors nor pytorch_model.bin"},
		{name: "no config", repo: hubtest.Repo{Files: map[string][]byte{"model.safetensors": nil}}, code: models.Unavailable, want: "has no config.json"},
		{name: "moved in a circle", repo: moved, code: models.Unavailable, want: "more than 5 redirects"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.repo.Files == nil && test.repo.MovedTo == "" {
				test.repo = repository()
			}
			s, h := start(t, test.repo, func(o *hub.Options) { o.Token, o.MaxBytes = test.token, test.limit })
			if test.next != nil {
				test.next(s)
			}
			if test.pull.ID == "" {
				test.pull = tiny
			}
			_, err := h.Pull(t.Context(), test.pull, hub.Watch{})
			if models.CodeOf(err) != test.code || err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v (%s), want %q (%s)", err, models.CodeOf(err), test.want, test.code)
			}
			if test.token != "" && err != nil && strings.Contains(err.Error(), test.token) {
				t.Error("the error shows the token")
			}
			if err != nil && strings.Contains(err.Error(), "signature") {
				t.Error("the error shows the signed address:", err)
			}
			if list, err := h.Cache.List(); err != nil {
				t.Error(err)
			} else if len(list) > 0 && list[0].Revision == hub.Main {
				t.Error("left a model that is not whole:", list)
			}
		})
	}
}

func TestGatedAndMoved(t *testing.T) {
	repo := repository()
	repo.Gated = true
	s, h := start(t, repo, func(o *hub.Options) { o.Token = hubtest.Approved })
	s.Set("old/name", hubtest.Repo{MovedTo: id})
	got, err := h.Pull(t.Context(), hub.Name{ID: "old/name", Revision: hub.Main}, hub.Watch{})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, got)
}

// A connection that says nothing is given up, and the pull goes on after what came.
func TestSilence(t *testing.T) {
	blob := hubtest.ETag("model.safetensors", repository().Files["model.safetensors"])
	s, h := start(t, repository(), func(o *hub.Options) { o.Idle = 100 * time.Millisecond })
	s.Next(1, "GET", blob, hubtest.Stall(50_000))
	got, err := h.Pull(t.Context(), tiny, hub.Watch{})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, got)
	s.Next(9, "GET", "/api/", hubtest.Stall(0))
	if _, err := h.Pull(t.Context(), tiny, hub.Watch{}); err == nil || !strings.Contains(err.Error(), "no answer for too long") {
		t.Error(err)
	}
}

// Who gives up finds the beginning kept.
func TestCancel(t *testing.T) {
	s, h := start(t, repository())
	blob := hubtest.ETag("model.safetensors", repository().Files["model.safetensors"])
	s.Next(1, "GET", blob, hubtest.Stall(50_000))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := h.Pull(ctx, tiny, hub.Watch{Report: func(p hub.Progress) {
		if p.File == "model.safetensors" && p.Done >= 50_000 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	got, err := h.Pull(t.Context(), tiny, hub.Watch{})
	if err != nil || got.Fetched != 50_000 {
		t.Errorf("%d bytes, %v", got.Fetched, err)
	}
}

// What cannot be used is known before its weights come.
func TestCheck(t *testing.T) {
	s, h := start(t, repository())
	refused := errors.New("of another kind")
	_, err := h.Pull(t.Context(), tiny, hub.Watch{Check: func(dir string) error {
		if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
			t.Error(err)
		}
		return refused
	}})
	if !errors.Is(err, refused) {
		t.Error(err)
	}
	if _, asked := authorizations(s, s.CDN); asked != 0 {
		t.Errorf("%d large files were asked for", asked)
	}
}

func TestPullTogether(t *testing.T) {
	_, h := start(t, repository())
	var wg sync.WaitGroup
	var mu sync.Mutex
	var fetched, most int64
	for range 4 {
		wg.Go(func() {
			got, err := hub.New(h.Options).Pull(t.Context(), tiny, hub.Watch{})
			if err != nil {
				t.Error(err)
				return
			}
			whole(t, got)
			mu.Lock()
			fetched, most = fetched+got.Fetched, got.Bytes
			mu.Unlock()
		})
	}
	wg.Wait()
	if fetched > most {
		t.Errorf("%d bytes were fetched of %d", fetched, most)
	}
}

func TestOffline(t *testing.T) {
	s, h := start(t, repository())
	o := h.Options
	o.Offline = true
	if _, err := hub.New(o).Pull(t.Context(), tiny, hub.Watch{}); models.CodeOf(err) != models.Unavailable || !strings.Contains(err.Error(), "HF_HUB_OFFLINE") {
		t.Error(err)
	}
	if _, err := h.Pull(t.Context(), tiny, hub.Watch{}); err != nil {
		t.Fatal(err)
	}
	asked := len(s.Requests())
	if got, err := hub.New(o).Pull(t.Context(), tiny, hub.Watch{}); err != nil || got.Commit != repository().Commit() || len(s.Requests()) != asked {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestUnreachable(t *testing.T) {
	h := hub.New(hub.Options{Endpoint: "http://127.0.0.1:1", Cache: hub.Cache(t.TempDir()), Pause: time.Microsecond})
	if _, err := h.Pull(t.Context(), tiny, hub.Watch{}); models.CodeOf(err) != models.Unavailable || !strings.Contains(err.Error(), "cannot be reached; HF_ENDPOINT") {
		t.Error(err)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, h := start(t, repository(), func(o *hub.Options) { o.Cache = hub.Cache(file) })
	if _, err := h.Pull(t.Context(), tiny, hub.Watch{}); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Error(err)
	}
}

func TestParseName(t *testing.T) {
	good := map[string]hub.Name{
		"gpt2": {ID: "gpt2", Revision: "main"}, "a/b.c-d_e": {ID: "a/b.c-d_e", Revision: "main"}, "a/b@refs/pr/1": {ID: "a/b", Revision: "refs/pr/1"},
		"a/b@v1.0": {ID: "a/b", Revision: "v1.0"},
	}
	for text, want := range good {
		if got, err := hub.ParseName(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "/", "a/", "/b", "a/b/c", "../b", "a/..", "a--b/c", "a b", "a/b@", "a/b@../x", "a/b@/x", "a/b@x/", "a/b@x//y", "a/b.git",
		"https://huggingface.co/a/b", "a\\b", "a/b@x y", strings.Repeat("a", 200), "-a/b", "a/b?x", "a/b@..\\x", "ä/b"} {
		if got, err := hub.ParseName(text); models.CodeOf(err) != models.Invalid {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("a/b@refs/pr/1")
	f.Add("../..@..")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := hub.ParseName(text)
		if err != nil {
			return
		}
		if !filepath.IsLocal(filepath.FromSlash(n.Revision)) || strings.ContainsAny(n.ID, "\\:?#%") || strings.Contains(n.ID, "..") {
			t.Errorf("%q was accepted", text)
		}
		if back, err := hub.ParseName(n.String()); err != nil || back != n {
			t.Errorf("%q became %q", text, n)
		}
	})
}

func TestSelect(t *testing.T) {
	tests := []struct{ name, files, want string }{
		{"plain", "b.txt config.json model.safetensors", "config.json model.safetensors"},
		{"best form only", "config.json model.safetensors pytorch_model.bin tf_model.h5", "config.json model.safetensors"},
		{"old form", "config.json pytorch_model.bin flax_model.msgpack", "config.json pytorch_model.bin"},
		{"shards", "config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json pytorch_model.bin",
			"config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json"},
		{"folders of modules", "0_Transformer/config.json 0_Transformer/pytorch_model.bin 0_Transformer/vocab.txt 1_Pooling/config.json modules.json x/config.json",
			"0_Transformer/config.json 0_Transformer/vocab.txt 1_Pooling/config.json modules.json 0_Transformer/pytorch_model.bin"},
		{"deeper", "config.json model.safetensors 1_Pooling/a/config.json", "config.json model.safetensors"},
		{"other limits", "config.json model.safetensors sentence_xlm-roberta_config.json sentence_roberta_config.json LICENSE LICENSE.txt",
			"LICENSE LICENSE.txt config.json sentence_roberta_config.json sentence_xlm-roberta_config.json model.safetensors"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := hub.Select(strings.Fields(test.files))
			if strings.Join(got, " ") != test.want || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "token"), []byte("hf_kept\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(pairs ...string) hub.Options {
		return hub.Environment(func(name string) string {
			for _, pair := range pairs {
				if value, ok := strings.CutPrefix(pair, name+"="); ok {
					return value
				}
			}
			return ""
		})
	}
	tests := []struct {
		name string
		got  hub.Options
		want hub.Options
	}{
		{"home", read("HF_HOME=" + home), hub.Options{Token: "hf_kept", Cache: hub.Cache(filepath.Join(home, "hub"))}},
		{"all", read("HF_HOME="+home, "HF_TOKEN= hf_mine ", "HF_HUB_CACHE=/x", "HF_ENDPOINT=http://mirror", "HF_HUB_OFFLINE=1"),
			hub.Options{Token: "hf_mine", Cache: "/x", Endpoint: "http://mirror", Offline: true}},
		{"the user's cache", read("XDG_CACHE_HOME=/cache", "HF_HUB_OFFLINE=0"), hub.Options{Cache: hub.Cache(filepath.FromSlash("/cache/huggingface/hub"))}},
		{"token kept back", read("HF_HOME="+home, "HF_HUB_DISABLE_IMPLICIT_TOKEN=1"), hub.Options{Cache: hub.Cache(filepath.Join(home, "hub"))}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

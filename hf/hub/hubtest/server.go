package hubtest

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Repo is a model on the hub.
type Repo struct {
	Files   map[string][]byte
	Gated   bool   // only those with Approved may read it
	Private bool   // only those with Token may know of it
	MovedTo string // the id it has now
}

// Tokens that a Server knows.
const (
	Token    = "hf_test_token"    // of an account that has accepted no terms
	Approved = "hf_test_approved" // of one that has
)

// Server is a fake hub. Files named *.safetensors and *.bin are large ones: they lie on another host.
type Server struct {
	URL string // for HF_ENDPOINT
	CDN string // the other host

	mu       sync.Mutex
	repos    map[string]Repo
	requests []Request
	troubles []trouble
}

// Request is what a Server, or its other host, was asked.
type Request struct {
	Host   string
	Method string
	Path   string
	Header http.Header
}

// T is what a Server needs of a test, or of a script that runs in one.
type T interface{ Cleanup(func()) }

// New starts a hub that ends with the test.
func New(t T, repos map[string]Repo) *Server {
	s := &Server{repos: maps.Clone(repos)}
	hub, cdn := httptest.NewServer(http.HandlerFunc(s.hub)), httptest.NewServer(http.HandlerFunc(s.cdn))
	s.URL, s.CDN = hub.URL, cdn.URL
	t.Cleanup(func() {
		hub.CloseClientConnections()
		cdn.CloseClientConnections()
		hub.Close()
		cdn.Close()
	})
	return s
}

// Set makes or replaces a model, which gets another commit.
func (s *Server) Set(id string, r Repo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[id] = r
}

// Requests is what was asked so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Commit is the hash that stands for the files of a repository.
func (r Repo) Commit() string {
	h := sha1.New()
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		_, _ = fmt.Fprintf(h, "%s\x00%s\x00", name, ETag(name, r.Files[name]))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ETag is the name of a file's bytes.
func ETag(name string, content []byte) string {
	if large(name) {
		sum := sha256.Sum256(content)
		return hex.EncodeToString(sum[:])
	}
	return blobHash(content)
}

func blobHash(content []byte) string {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
	return hex.EncodeToString(sum[:])
}

func large(name string) bool {
	return path.Ext(name) == ".safetensors" || path.Ext(name) == ".bin"
}

// hub answers as the hub.
func (s *Server) hub(w http.ResponseWriter, r *http.Request) {
	if s.record(w, r) {
		return
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/api/models/"); ok {
		id, after := cutID(rest)
		if repo, ok := s.open(w, r, id, false); ok {
			describe(w, id, after, repo)
		}
		return
	}
	id, after := cutID(strings.TrimPrefix(r.URL.Path, "/"))
	after, ok := strings.CutPrefix(after, "resolve/")
	if !ok {
		fail(w, http.StatusNotFound, "", "Not found")
		return
	}
	if repo, ok := s.open(w, r, id, true); ok {
		rev, name, _ := strings.Cut(after, "/")
		s.file(w, r, repo, rev, name)
	}
}

// cutID takes the id off a path: "org/name/rest".
func cutID(p string) (id, rest string) {
	parts := strings.SplitN(p, "/", 3)
	if len(parts) < 2 {
		return p, ""
	}
	return parts[0] + "/" + parts[1], strings.Join(parts[2:], "")
}

// open finds a model, or says why it is not for this caller. Everybody may see the description of a gated model.
func (s *Server) open(w http.ResponseWriter, r *http.Request, id string, content bool) (Repo, bool) {
	s.mu.Lock()
	repo, found := s.repos[id]
	s.mu.Unlock()
	bearer, authorized := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case authorized && bearer != Token && bearer != Approved:
		w.Header().Set("X-Error-Message", "Invalid credentials in Authorization header")
		fail(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
	case repo.MovedTo != "":
		http.Redirect(w, r, strings.Replace(r.URL.Path, id, repo.MovedTo, 1), http.StatusTemporaryRedirect)
	case (!found || repo.Private) && !authorized:
		fail(w, http.StatusUnauthorized, "RepoNotFound", "Invalid username or password.")
	case !found:
		fail(w, http.StatusNotFound, "RepoNotFound", "Repository not found")
	case content && repo.Gated && !authorized:
		fail(w, http.StatusUnauthorized, "GatedRepo", "Access to model "+id+" is restricted. You must have access to it and be authenticated to access it. Please log in.")
	case content && repo.Gated && bearer != Approved:
		fail(w, http.StatusForbidden, "GatedRepo", "Access to model "+id+" is restricted and you are not in the authorized list.")
	default:
		return repo, true
	}
	return Repo{}, false
}

func fail(w http.ResponseWriter, status int, code, text string) {
	if code != "" {
		w.Header().Set("X-Error-Code", code)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text}) // a client that has gone reads nothing
}

// has tells whether a revision is one of the repository, which has a branch and a commit.
func (r Repo) has(w http.ResponseWriter, revision string) bool {
	if revision == "main" || revision == r.Commit() {
		return true
	}
	fail(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revision)
	return false
}

// describe answers the API: a model, or the tree of its files.
func describe(w http.ResponseWriter, id, after string, repo Repo) {
	kind, rev, _ := strings.Cut(after, "/")
	if rev == "" {
		rev = "main"
	}
	if !repo.has(w, rev) {
		return
	}
	siblings, tree := []any{}, []any{}
	for _, name := range slices.Sorted(maps.Keys(repo.Files)) {
		content := repo.Files[name]
		siblings = append(siblings, map[string]any{"rfilename": name})
		entry := map[string]any{"type": "file", "path": name, "size": len(content), "oid": blobHash(content)}
		if large(name) {
			entry["lfs"] = map[string]any{"oid": ETag(name, content), "size": len(content), "pointerSize": 134}
		}
		tree = append(tree, entry)
	}
	w.Header().Set("Content-Type", "application/json")
	var answer any = tree
	if kind != "tree" {
		answer = map[string]any{
			"_id": "0", "id": id, "modelId": id, "sha": repo.Commit(), "private": repo.Private, "gated": repo.Gated, "disabled": false,
			"downloads": 0, "likes": 0, "tags": []string{}, "siblings": siblings, "createdAt": "2024-01-01T00:00:00.000Z",
		}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// file answers a small file, or where a large one lies.
func (s *Server) file(w http.ResponseWriter, r *http.Request, repo Repo, rev, name string) {
	if !repo.has(w, rev) {
		return
	}
	w.Header().Set("X-Repo-Commit", repo.Commit())
	content, ok := repo.Files[name]
	if !ok {
		fail(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	if !large(name) {
		serve(w, r, name, content)
		return
	}
	w.Header().Set("ETag", `"`+blobHash(content)+`"`)
	w.Header().Set("X-Linked-Etag", `"`+ETag(name, content)+`"`)
	w.Header().Set("X-Linked-Size", fmt.Sprint(len(content)))
	http.Redirect(w, r, s.CDN+"/"+ETag(name, content)+"?signature=abc", http.StatusFound)
}

// cdn answers the bytes of a large file, to whoever has the signed address.
func (s *Server) cdn(w http.ResponseWriter, r *http.Request) {
	if s.record(w, r) {
		return
	}
	s.mu.Lock()
	repos := maps.Clone(s.repos)
	s.mu.Unlock()
	for _, repo := range repos {
		for name, content := range repo.Files {
			if large(name) && "/"+ETag(name, content) == r.URL.Path && r.URL.RawQuery == "signature=abc" {
				serve(w, r, name, content)
				return
			}
		}
	}
	http.Error(w, "AccessDenied", http.StatusForbidden)
}

// serve answers content, or the range that was asked for.
func serve(w http.ResponseWriter, r *http.Request, name string, content []byte) {
	w.Header().Set("ETag", `"`+ETag(name, content)+`"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxRedirects = 5
	maxReply     = 32 << 20 // of the description of a repository; those with thousands of files need a few
)

// send asks for what lies at an address from offset on, and follows redirects. The token goes along as long as they stay on the hub's own host; a HEAD
// request stops where they leave it, as that answer is the one that describes the file.
func (h *Hub) send(ctx context.Context, method, address string, offset int64) (*http.Response, error) {
	for range maxRedirects {
		r, err := http.NewRequestWithContext(ctx, method, address, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("User-Agent", "searchd")
		r.Header.Set("Accept-Encoding", "identity") // a packed answer could be neither resumed nor measured
		if offset > 0 {
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
		}
		if h.Token != "" && h.owns(r.URL) {
			r.Header.Set("Authorization", "Bearer "+h.Token)
		}
		reply, err := h.Client.Do(r)
		if err != nil {
			return nil, unsigned(err)
		}
		to, err := reply.Location()
		redirected := reply.StatusCode >= 300 && reply.StatusCode < 400 && reply.StatusCode != http.StatusNotModified
		if !redirected || err == nil && method == http.MethodHead && !h.owns(to) {
			return reply, nil
		}
		_ = reply.Body.Close() // nothing is read from it
		if err != nil {
			return nil, fmt.Errorf("%s: status %d: %w", r.URL.Host, reply.StatusCode, err)
		}
		address = to.String()
	}
	return nil, fmt.Errorf("more than %d redirects", maxRedirects)
}

// unsigned takes the address out of an error: that of a large file carries a signature, by which anybody could read it.
func unsigned(err error) error {
	if where, ok := errors.AsType[*url.Error](err); ok {
		return where.Err
	}
	return err
}

// owns says that an address is the hub's own.
func (h *Hub) owns(u *url.URL) bool {
	base, err := url.Parse(h.Endpoint)
	return err == nil && u.Scheme == base.Scheme && u.Host == base.Host
}

// retry calls try until it succeeds, fails for good, or has failed five times in a row without any progress.
func (h *Hub) retry(ctx context.Context, try func() (progress bool, err error)) error {
	pause := h.Pause
	for attempt := 1; ; attempt++ {
		progress, err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		after, again := retryable(err)
		if progress {
			attempt, pause = 1, h.Pause
		}
		if !again || attempt == maxAttempts {
			return err
		}
		if err := sleep(ctx, max(after, pause)); err != nil {
			return err
		}
		pause *= 2
	}
}

const maxAttempts = 5

// cause is why a request ended, where it was ended from this side.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// repo is what the hub says of a model at a revision.
type repo struct {
	Commit   string `json:"sha"`
	Siblings []struct {
		Name string `json:"rfilename"`
	} `json:"siblings"`
}

func (r *repo) names() []string {
	names := make([]string, len(r.Siblings))
	for i, s := range r.Siblings {
		names[i] = s.Name
	}
	return names
}

// describe asks for the files of a model. Their names are checked here, before anything is made of them.
func (h *Hub) describe(ctx context.Context, n Name) (r repo, err error) {
	address := fmt.Sprintf("%s/api/models/%s/revision/%s", h.Endpoint, n.ID, url.PathEscape(n.Revision))
	err = h.retry(ctx, func() (bool, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, 2*h.Idle, errSilent)
		defer cancel()
		reply, err := h.send(ctx, http.MethodGet, address, 0)
		if err != nil {
			return false, h.unreachable(cause(ctx, err))
		}
		defer func() { _ = reply.Body.Close() }() // it was only read
		if reply.StatusCode != http.StatusOK {
			return false, h.refusal(n, reply)
		}
		r = repo{}
		if err := json.NewDecoder(io.LimitReader(reply.Body, maxReply)).Decode(&r); err != nil {
			return false, h.unreachable(fmt.Errorf("its description of %s: %w", n, err))
		}
		return false, nil
	})
	if err != nil {
		return repo{}, err
	}
	if !commitHash.MatchString(r.Commit) {
		return repo{}, h.strange("%s is at %.80q, which is no commit", n, r.Commit)
	}
	for _, name := range r.names() {
		if !safePath(name) {
			return repo{}, h.strange("%s has a file named %.200q, which would lie outside of its folder", n, name)
		}
	}
	return r, nil
}

// file is what the hub says of a file: where its bytes are, and what they must be.
type file struct {
	name string
	etag string // SHA-256, or git's SHA-1 of a small file
	size int64
}

func (h *Hub) resolve(n Name, commit, name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return fmt.Sprintf("%s/%s/resolve/%s/%s", h.Endpoint, n.ID, commit, strings.Join(parts, "/"))
}

// stat asks for a file's size and hash.
func (h *Hub) stat(ctx context.Context, n Name, commit, name string) (f file, err error) {
	err = h.retry(ctx, func() (bool, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, h.Idle, errSilent)
		defer cancel()
		reply, err := h.send(ctx, http.MethodHead, h.resolve(n, commit, name), 0)
		if err != nil {
			return false, h.unreachable(cause(ctx, err))
		}
		defer func() { _ = reply.Body.Close() }() // it was only read
		if reply.StatusCode >= 400 {
			return false, h.refusal(n, reply)
		}
		f, err = h.metadata(reply, commit, name)
		return false, err
	})
	return f, err
}

// metadata reads the headers that describe a file. A file that could not be checked is not taken.
func (h *Hub) metadata(reply *http.Response, commit, name string) (file, error) {
	f := file{name: name, etag: etag(reply.Header), size: reply.ContentLength}
	if linked := reply.Header.Get("X-Linked-Size"); linked != "" {
		if _, err := fmt.Sscan(linked, &f.size); err != nil {
			return file{}, h.strange("the size of %s is %.80q", name, linked)
		}
	} else if reply.StatusCode >= 300 {
		f.size = -1 // the length is that of the redirect
	}
	switch at := reply.Header.Get("X-Repo-Commit"); {
	case at != commit:
		return file{}, h.strange("%s is said to be of commit %.80q, where %s was asked for", name, at, commit)
	case !etagHash.MatchString(f.etag):
		return file{}, h.strange("the ETag of %s is %.80q and no hash, so what would come could not be checked", name, f.etag)
	case f.size < 0:
		return file{}, h.strange("the size of %s is missing", name)
	}
	return f, nil
}

func etag(header http.Header) string {
	tag := defaultTo(header.Get("X-Linked-Etag"), header.Get("ETag"))
	return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
}

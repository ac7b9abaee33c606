package hub

import (
	"context"
	"crypto/sha1" // git's hash, by which the hub names small files
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"searchd/models"
)

// place puts a file into a snapshot, and answers the bytes that came over the network for it. grow is called with those
// that are here of late; it can be negative, where a beginning had to be thrown away.
func (h *Hub) place(ctx context.Context, n Name, commit string, f file, grow func(int64)) (int64, error) {
	unlock, err := h.lock(ctx, n, f.etag)
	if err != nil {
		return 0, err
	}
	defer unlock()
	var received int64
	if info, err := os.Stat(h.Cache.blob(n, f.etag)); err == nil && info.Size() == f.size { // of another revision, or of another process
		grow(f.size)
	} else if received, err = h.fetch(ctx, n, commit, f, grow); err != nil {
		return received, err
	}
	if err := h.Cache.link(n, commit, f.name, f.etag); err != nil {
		return received, keepFailed(h.Cache, err)
	}
	return received, nil
}

// fetch brings a blob that is not here yet. The caller holds its lock.
func (h *Hub) fetch(ctx context.Context, n Name, commit string, f file, grow func(int64)) (int64, error) {
	path := h.Cache.blob(n, f.etag)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return 0, keepFailed(h.Cache, err)
	}
	p, err := openPartial(path+".incomplete", f, grow)
	if err != nil {
		return 0, keepFailed(h.Cache, err)
	}
	err = h.retry(ctx, func() (bool, error) {
		before := p.size
		err := h.receive(ctx, n, h.resolve(n, commit, f.name), p)
		return p.size > before, err
	})
	if err != nil {
		return p.received, errors.Join(err, p.file.Close())
	}
	if err := p.keep(path); err != nil {
		return p.received, keepFailed(h.Cache, err)
	}
	return p.received, nil
}

// lock keeps two processes from fetching the same blob. It is the lock that huggingface_hub takes.
func (h *Hub) lock(ctx context.Context, n Name, etag string) (unlock func(), err error) {
	path := filepath.Join(h.Cache.locks(n), etag+".lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, keepFailed(h.Cache, err)
	}
	l := flock.New(path)
	if _, err := l.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, keepFailed(h.Cache, err)
	}
	return func() { _ = l.Unlock() }, nil // closing the file would unlock it too
}

// receive gets what is missing of a file, and checks the whole.
func (h *Hub) receive(ctx context.Context, n Name, address string, p *partial) error {
	if p.size < p.want.size || p.want.size == 0 {
		if err := h.transfer(ctx, n, address, p); err != nil {
			return err
		}
	}
	if p.size < p.want.size {
		return h.unreachable(fmt.Errorf("%s ended after %d of %d bytes", p.want.name, p.size, p.want.size))
	}
	if got := hex.EncodeToString(p.hash.Sum(nil)); got != p.want.etag {
		return h.corrupt(p, got)
	}
	return nil
}

// corrupt starts a file again, once: what an earlier pull left may be the fault.
func (h *Hub) corrupt(p *partial, got string) error {
	if err := p.reset(); err != nil {
		return keepFailed(h.Cache, err)
	}
	err := models.Errorf(models.ProviderFailed, "", "%s did not come as it was published (its hash is %.12s…, not %.12s…): something between here and %s changes it",
		p.want.name, got, p.want.etag, h.Endpoint)
	if p.corrupt {
		return err
	}
	p.corrupt = true
	return passing{error: err}
}

// transfer asks for the bytes after those that are here. A server that cannot give these gives all, from the start.
func (h *Hub) transfer(ctx context.Context, n Name, address string, p *partial) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(h.Idle, func() { cancel(errSilent) })
	defer watch.Stop()
	reply, err := h.send(ctx, http.MethodGet, address, p.size)
	if err != nil {
		return h.unreachable(cause(ctx, err))
	}
	defer func() { _ = reply.Body.Close() }() // it was only read
	switch {
	case reply.StatusCode == http.StatusPartialContent && p.continues(reply.Header):
	case reply.StatusCode == http.StatusOK || reply.StatusCode == http.StatusRequestedRangeNotSatisfiable || reply.StatusCode == http.StatusPartialContent:
		if err := p.reset(); err != nil {
			return keepFailed(h.Cache, err)
		}
		if reply.StatusCode != http.StatusOK {
			return h.unreachable(fmt.Errorf("%s: range refused", p.want.name))
		}
	default:
		return h.refusal(n, reply)
	}
	return h.copy(ctx, p, reply.Body, watch)
}

// copy stores what comes. A byte more than was announced is one too many.
func (h *Hub) copy(ctx context.Context, p *partial, from io.Reader, watch *time.Timer) error {
	buffer := make([]byte, 256<<10)
	for {
		k, err := from.Read(buffer)
		watch.Reset(h.Idle)
		if p.size+int64(k) > p.want.size {
			return h.strange("%s is longer than the %d bytes it should have", p.want.name, p.want.size)
		}
		if werr := p.write(buffer[:k]); werr != nil {
			return keepFailed(h.Cache, werr)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return h.unreachable(cause(ctx, err))
		}
	}
}

// partial is a file of which the beginning is here.
type partial struct {
	want file
	file *os.File
	hash hash.Hash
	size int64
	grow func(int64)

	received int64 // bytes that came over the network
	corrupt  bool  // it came whole and wrong before
}

// openPartial opens what an earlier attempt left, or an empty file, and hashes it.
func openPartial(path string, want file, grow func(int64)) (*partial, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	p := &partial{want: want, file: f, hash: newHash(want), grow: grow}
	info, err := f.Stat()
	if err == nil && info.Size() <= want.size {
		p.size, err = io.Copy(p.hash, f)
	} else if err == nil {
		err = f.Truncate(0) // another file's
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	p.grow(p.size)
	return p, nil
}

// newHash is the hash that a file is named by: SHA-256, or git's SHA-1, which has the length before the bytes.
func newHash(f file) hash.Hash {
	if len(f.etag) == 2*sha256.Size {
		return sha256.New()
	}
	h := sha1.New()
	_, _ = fmt.Fprintf(h, "blob %d\x00", f.size)
	return h
}

func (p *partial) write(b []byte) error {
	k, err := p.file.Write(b)
	_, _ = p.hash.Write(b[:k]) // never fails
	p.size += int64(k)
	p.received += int64(k)
	p.grow(int64(k))
	return err
}

// continues says that an answer begins where the file ends.
func (p *partial) continues(header http.Header) bool {
	var first, last int64
	_, err := fmt.Sscanf(header.Get("Content-Range"), "bytes %d-%d/", &first, &last)
	return err == nil && first == p.size
}

// reset throws away what is here.
func (p *partial) reset() error {
	p.grow(-p.size)
	p.size, p.hash = 0, newHash(p.want)
	_, err := p.file.Seek(0, io.SeekStart)
	return errors.Join(err, p.file.Truncate(0))
}

// keep makes the file last, and gives it its name.
func (p *partial) keep(path string) error {
	if err := errors.Join(p.file.Sync(), p.file.Close()); err != nil {
		return err
	}
	return os.Rename(p.file.Name(), path)
}

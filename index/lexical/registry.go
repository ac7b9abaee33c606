package lexical

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/models"
)

// Source is where indexes are filled from. Each method works on one collection.
type Source interface {
	// VectorIDs lists the chunks.
	VectorIDs(ctx context.Context, collection uint64) (*roaring64.Bitmap, error)
	// Texts calls add for these chunks; those that are gone are left out.
	Texts(ctx context.Context, ids []uint64, add func(id uint64, title, text string) error) error
}

// Registry holds the open index of each collection, and fills it in the background where it lacks something.
type Registry struct {
	dir    string
	source Source
	log    *slog.Logger

	retry time.Duration // after which an index that could not be filled is tried again: the disk was full, perhaps

	stopped context.Context
	stop    context.CancelFunc
	work    sync.WaitGroup

	mu    sync.Mutex
	slots map[uint64]*slot
}

// NewRegistry makes a registry whose indexes lie in folders below dir, named after their collections.
func NewRegistry(dir string, source Source, log *slog.Logger) *Registry {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Registry{dir: dir, source: source, log: log, slots: map[uint64]*slot{}, retry: retryAfter}
	r.stopped, r.stop = context.WithCancel(context.Background())
	return r
}

const retryAfter = 5 * time.Second

// slot is one collection's index.
type slot struct {
	name  string        // of the collection
	state atomic.Value  // a string; empty when the index is ready
	built chan struct{} // closed when the index holds all there is, or cannot

	mu     sync.Mutex // held while something is read from the source and written to the index, so that what was deleted in between does not come back
	damage error      // found when it was opened, and not asked for yet

	// Changed with both locks held, so that either is enough to read them: a search does not wait for what is written.
	shown sync.Mutex
	index *Index // nil while it has not been opened, and after it was closed
	err   error

	failed atomic.Int64 // when it did, in nanoseconds since 1970; 0 while it has not
}

// ErrGone is the answer for a collection that was deleted, or a registry that was closed.
var ErrGone = errors.New("lexical: the index is gone")

// Get waits until the index of a collection is filled, or ctx ends. What Update is about to add is not waited for: who sent
// it has not been told yet that it is found.
func (r *Registry) Get(ctx context.Context, c models.Collection) (*Index, error) {
	s := r.slot(c)
	select {
	case <-s.built:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.shown.Lock()
	defer s.shown.Unlock()
	if s.err == nil && s.index == nil {
		return nil, ErrGone
	}
	return s.index, s.err
}

// States of an index that is not ready, as they are said to people.
const (
	building   = "building"   // being filled
	rebuilding = "rebuilding" // the same, since what an earlier process kept is damaged
	failed     = "failed"     // it could not be opened or filled
)

// State says how far the index of a collection is; empty where it is ready, or was not asked for yet.
func (r *Registry) State(collection uint64) string {
	r.mu.Lock()
	s := r.slots[collection]
	r.mu.Unlock()
	if s == nil {
		return ""
	}
	return s.state.Load().(string)
}

// Degraded names the indexes that do not answer, and says why. Searches go without them, or wait.
func (r *Registry) Degraded() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for _, s := range r.slots {
		if state := s.state.Load().(string); state != "" {
			list = append(list, fmt.Sprintf("keyword index of %s: %s", s.name, state))
		}
	}
	slices.Sort(list)
	return list
}

// slot is that of a collection; the first call for it starts to fill the index, and so does one some time after that has failed.
func (r *Registry) slot(c models.Collection) *slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.slots[c.ID]
	if old := s; s == nil || r.overdue(s) {
		s = &slot{name: c.Name, built: make(chan struct{})}
		s.state.Store(building)
		r.slots[c.ID] = s
		r.work.Go(func() {
			defer close(s.built)
			if old != nil { // one can have its files at a time
				_ = old.close() // it has failed, and is filled again
			}
			err := r.fill(c.ID, s)
			if err == nil {
				s.state.Store("")
				return
			}
			s.fail(err)
			if r.stopped.Err() == nil && !errors.Is(err, ErrGone) {
				r.log.Error("keyword index not filled", "collection", c.Name, "error", err)
			}
		})
	}
	return s
}

// overdue says whether an index has failed so long ago that it is to be tried again.
func (r *Registry) overdue(s *slot) bool {
	failed := s.failed.Load()
	return failed != 0 && time.Since(time.Unix(0, failed)) >= r.retry
}

func (s *slot) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed.Store(time.Now().UnixNano())
	s.show(s.index, fmt.Errorf("fill the keyword index: %w", err))
	s.state.Store(failed)
}

// show changes what Get answers. The lock for writing is held.
func (s *slot) show(x *Index, err error) {
	s.shown.Lock()
	defer s.shown.Unlock()
	s.index, s.err = x, err
}

// Update brings the index to where a commit has brought the source: chunks that are new or have a new title, and chunks
// that are gone. It does not wait for an index that is being filled.
func (r *Registry) Update(ctx context.Context, c models.Collection, added, removed []uint64) error {
	s := r.slot(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil { // what fills it will find everything as it is now
		return s.err
	}
	if err := s.index.Delete(ctx, removed); err != nil {
		return err
	}
	return s.add(ctx, r.source, added)
}

// add reads chunks from the source into the index. The lock is held.
func (s *slot) add(ctx context.Context, source Source, ids []uint64) error {
	items := make([]Item, 0, len(ids))
	err := source.Texts(ctx, ids, func(id uint64, title, text string) error {
		items = append(items, Item{ID: id, Title: title, Text: text})
		return nil
	})
	if err != nil {
		return err
	}
	return s.index.Upsert(ctx, items)
}

const fillBatch = 1024

// fill opens an index and brings it to where the source is. A chunk's text never changes under its id (a new content gets
// new ids), so ids are all there is to compare.
func (r *Registry) fill(collection uint64, s *slot) error {
	have, want, err := r.open(collection, s)
	if err != nil {
		return err
	}
	if gone := roaring64.AndNot(have, want); !gone.IsEmpty() {
		if err := s.change(func() error { return s.index.Delete(r.stopped, gone.ToArray()) }); err != nil {
			return err
		}
	}
	want.AndNot(have)
	batch := make([]uint64, fillBatch)
	for it := want.ManyIterator(); ; {
		n := it.NextMany(batch)
		if n == 0 {
			return nil
		}
		if err := s.change(func() error { return s.add(r.stopped, r.source, batch[:n]) }); err != nil {
			return err
		}
	}
}

// change does something to the index, unless it is gone.
func (s *slot) change(do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		return ErrGone
	}
	return do()
}

// open opens an index, and says what it has and what it should have.
func (r *Registry) open(collection uint64, s *slot) (have, want *roaring64.Bitmap, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.stopped.Err() != nil {
		return nil, nil, ErrGone
	}
	path := r.path(collection)
	x, have, err := openWhole(path)
	if err != nil {
		r.log.Warn("keyword index damaged; it is made anew", "collection", collection, "error", err)
		s.state.Store(rebuilding)
		s.damage = err
		if err := os.RemoveAll(path); err != nil {
			return nil, nil, err
		}
		if x, have, err = openWhole(path); err != nil {
			return nil, nil, err
		}
	}
	s.show(x, nil)
	want, err = r.source.VectorIDs(r.stopped, collection)
	return have, want, err
}

// openWhole opens an index all of whose tables can be read.
func openWhole(path string) (*Index, *roaring64.Bitmap, error) {
	x, err := Open(path)
	if err != nil {
		return nil, nil, err
	}
	ids, err := x.IDs()
	if err != nil {
		return nil, nil, errors.Join(err, x.Close())
	}
	return x, ids, nil
}

func (r *Registry) path(collection uint64) string {
	return filepath.Join(r.dir, strconv.FormatUint(collection, 10))
}

// Damage is what was found damaged, and made anew, when the index of a collection was opened. It is answered once.
func (r *Registry) Damage(collection uint64) error {
	r.mu.Lock()
	s := r.slots[collection]
	r.mu.Unlock()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.damage
	s.damage = nil
	return found
}

// Drop closes the index of a collection that was deleted, and removes its files.
func (r *Registry) Drop(collection uint64) error {
	r.mu.Lock()
	s := r.slots[collection]
	delete(r.slots, collection)
	r.mu.Unlock()
	var err error
	if s != nil {
		err = s.close()
	}
	return errors.Join(err, os.RemoveAll(r.path(collection)))
}

// Close stops what is being filled, and closes every index.
func (r *Registry) Close() error {
	r.stop()
	r.work.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, s := range r.slots {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

func (s *slot) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.index
	s.show(nil, s.err)
	if x == nil {
		return nil
	}
	return x.Close()
}

package index

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/models"
)

// Source is where a lost index is rebuilt from. Each method works on one collection.
type Source interface {
	// Vectors calls add for every vector.
	Vectors(ctx context.Context, collection uint64, add func(id uint64, vector []float32) error) error
	// VectorIDs lists the ids that Vectors would call add for.
	VectorIDs(ctx context.Context, collection uint64) (*roaring64.Bitmap, error)
	// VectorsOf calls add for the vectors of these ids; those that are gone are left out.
	VectorsOf(ctx context.Context, collection uint64, ids []uint64, add func(id uint64, vector []float32) error) error
}

// Engines make indexes.
type Engines interface {
	// Open makes the index of a collection: empty, or as it was kept by an earlier process.
	Open(c models.Collection) (Index, error)
	// Remove deletes what was kept of a collection's index. Where nothing was, that is no error.
	Remove(collection uint64) error
}

// Open is an engine that keeps nothing.
type Open func(c models.Collection) (Index, error)

// Open calls f.
func (f Open) Open(c models.Collection) (Index, error) { return f(c) }

// Remove has nothing to do.
func (Open) Remove(uint64) error { return nil }

// State says how far an index is.
type State string

// States of an index.
const (
	Ready      State = "ready"
	Moving     State = "moving"     // complete, and being copied to the engine for many vectors, which then takes over
	Building   State = "building"   // being read; searches wait, or are answered by an exact scan
	Rebuilding State = "rebuilding" // the same, since what an earlier process kept is damaged
	Failed     State = "failed"     // it could not be opened; the next search tries again
	Closed     State = "closed"     // not opened since the start; the first search does
)

// Stated is an index that is not always ready.
type Stated interface{ State() State }

func stateOf(x Index) State {
	if s, ok := x.(Stated); ok {
		return s.State()
	}
	return Ready
}

// Registry holds the open index of each collection and builds it from the source when it is first needed.
type Registry struct {
	engines Engines
	source  Source

	mu    sync.Mutex
	slots map[uint64]*slot
}

// slot is one collection's index; its own lock keeps the building of one from holding up another.
type slot struct {
	name  string
	mu    sync.Mutex // held while the index is built
	index atomic.Pointer[Index]
	phase atomic.Value // the State while there is no index
	gone  bool
}

func (s *slot) state() State {
	if x := s.index.Load(); x != nil {
		return stateOf(*x)
	}
	return s.phase.Load().(State)
}

// NewRegistry makes a registry whose indexes are made by engines and filled from source.
func NewRegistry(engines Engines, source Source) *Registry {
	return &Registry{engines: engines, source: source, slots: map[uint64]*slot{}}
}

// ErrGone is the answer for a collection that was deleted while its index was asked for.
var ErrGone = errors.New("index: the collection is gone")

// Get is the index of a collection. It holds everything committed before the call: what is committed while it is
// built is upserted by the one who committed it, who gets the same index from here.
func (r *Registry) Get(ctx context.Context, c models.Collection) (Index, error) {
	r.mu.Lock()
	s := r.slots[c.ID]
	if s == nil {
		s = &slot{name: c.Name}
		s.phase.Store(Building)
		r.slots[c.ID] = s
	}
	r.mu.Unlock()
	if x := s.index.Load(); x != nil {
		return *x, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return nil, ErrGone
	}
	if x := s.index.Load(); x != nil {
		return *x, nil
	}
	// Whoever asks first may give up waiting; the work is for everybody and goes on.
	built, err := r.build(context.WithoutCancel(ctx), c, s)
	if err != nil {
		s.phase.Store(Failed)
		return nil, fmt.Errorf("build the index: %w", err)
	}
	s.index.Store(&built)
	return built, nil
}

// State says how far the index of a collection is.
func (r *Registry) State(c models.Collection) State {
	r.mu.Lock()
	s := r.slots[c.ID]
	r.mu.Unlock()
	switch {
	case s == nil && c.Chunks == 0:
		return Ready
	case s == nil:
		return Closed
	}
	return s.state()
}

// Degraded names the indexes that answer more slowly than they should, or not at all, and says why.
func (r *Registry) Degraded() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []string{}
	for _, s := range r.slots {
		switch state := s.state(); state {
		case Building, Rebuilding, Failed:
			list = append(list, fmt.Sprintf("index of %s: %s", s.name, state))
		}
	}
	slices.Sort(list)
	return list
}

// Restored is an index that has kept vectors from an earlier process.
type Restored interface {
	// IDs lists what the index holds.
	IDs() *roaring64.Bitmap
	// Complete is called when it holds what the source does.
	Complete()
}

func (r *Registry) build(ctx context.Context, c models.Collection, s *slot) (Index, error) {
	s.phase.Store(Building)
	built, err := r.engines.Open(c)
	if err != nil {
		return nil, err
	}
	if stateOf(built) == Rebuilding {
		s.phase.Store(Rebuilding)
	}
	f := filler{Index: built}
	restored, ok := built.(Restored)
	if ok && built.Len() > 0 {
		err = r.replay(ctx, c.ID, &f, restored.IDs())
	} else {
		err = r.source.Vectors(ctx, c.ID, f.add(ctx))
	}
	if err == nil {
		err = f.flush(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, built.Close())
	}
	if ok {
		restored.Complete()
	}
	return built, nil
}

// replay brings a restored index to where the source is. A vector never changes under its id (a new content gets new ids),
// so ids are all there is to compare.
func (r *Registry) replay(ctx context.Context, collection uint64, f *filler, have *roaring64.Bitmap) error {
	want, err := r.source.VectorIDs(ctx, collection)
	if err != nil {
		return err
	}
	if gone := roaring64.AndNot(have, want); !gone.IsEmpty() {
		if err := f.Delete(ctx, gone.ToArray()); err != nil {
			return err
		}
	}
	want.AndNot(have)
	if want.IsEmpty() {
		return nil
	}
	return r.source.VectorsOf(ctx, collection, want.ToArray(), f.add(ctx))
}

const buildBatch = 1024

// filler upserts vectors in batches.
type filler struct {
	Index
	batch []Item
}

func (f *filler) add(ctx context.Context) func(uint64, []float32) error {
	return func(id uint64, vector []float32) error {
		if f.batch = append(f.batch, Item{ID: id, Vector: vector}); len(f.batch) < buildBatch {
			return nil
		}
		return f.flush(ctx)
	}
}

func (f *filler) flush(ctx context.Context) error {
	err := f.Upsert(ctx, f.batch)
	f.batch = nil // the index may keep the vectors, not the list
	return err
}

// Drop closes the index of a collection that was deleted, and removes what was kept of it.
func (r *Registry) Drop(collection uint64) error {
	r.mu.Lock()
	s := r.slots[collection]
	delete(r.slots, collection)
	r.mu.Unlock()
	var err error
	if s != nil {
		err = s.close()
	}
	return errors.Join(err, r.engines.Remove(collection))
}

// Close closes every index.
func (r *Registry) Close() error {
	r.mu.Lock()
	slots := r.slots
	r.slots = map[uint64]*slot{}
	r.mu.Unlock()
	var errs []error
	for _, s := range slots {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

func (s *slot) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	if x := s.index.Load(); x != nil {
		return (*x).Close()
	}
	return nil
}

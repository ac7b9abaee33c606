package auto

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/index"
)

// Index is an engine for few vectors or, later, one for many.
type Index struct {
	open func() (index.Index, error)
	log  *slog.Logger

	// serving is held for reading by everybody who uses current, so that it is not closed under him.
	serving sync.RWMutex
	current index.Index

	write   sync.Mutex           // one change at a time
	kept    map[uint64][]float32 // what current holds, to fill the next engine from; nil once that serves
	missed  map[uint64][]float32 // what changed while it was filled; nil stands for a deletion
	moving  atomic.Bool
	atCount int // vectors at which to move

	stopped atomic.Bool
	moves   sync.WaitGroup
}

var (
	_ index.Index    = (*Index)(nil)
	_ index.Readable = (*Index)(nil)
	_ index.Kept     = (*Index)(nil)
)

// New makes an index that is small, which must be empty, until it has count vectors, and then what open opens.
func New(small index.Index, count int, open func() (index.Index, error), log *slog.Logger) *Index {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Index{open: open, log: log, current: small, kept: map[uint64][]float32{}, atCount: count}
}

// Upsert adds or replaces items.
func (x *Index) Upsert(ctx context.Context, items []index.Item) error {
	return x.change(func() error { return x.current.Upsert(ctx, items) }, func() {
		for _, item := range items {
			x.kept[item.ID] = item.Vector
			x.miss(item.ID, item.Vector)
		}
	})
}

// Delete removes ids.
func (x *Index) Delete(ctx context.Context, ids []uint64) error {
	return x.change(func() error { return x.current.Delete(ctx, ids) }, func() {
		for _, id := range ids {
			delete(x.kept, id)
			x.miss(id, nil)
		}
	})
}

// change does something to the engine that serves and, where that is to be replaced, keeps it in mind.
func (x *Index) change(do func() error, keep func()) error {
	x.write.Lock()
	defer x.write.Unlock()
	x.serving.RLock()
	defer x.serving.RUnlock()
	if err := do(); err != nil || x.kept == nil {
		return err
	}
	keep()
	if !x.moving.Load() && len(x.kept) >= x.atCount && !x.stopped.Load() {
		x.moving.Store(true)
		x.missed = map[uint64][]float32{}
		x.moves.Go(x.move)
	}
	return nil
}

func (x *Index) miss(id uint64, v []float32) {
	if x.moving.Load() {
		x.missed[id] = v
	}
}

// move fills the next engine and lets it serve. Where that fails, the old one goes on, until there are twice as many vectors.
func (x *Index) move() {
	next, err := x.open()
	if err == nil {
		if err = x.fill(next); err == nil {
			return
		}
		err = errors.Join(err, next.Close())
	}
	x.write.Lock()
	defer x.write.Unlock()
	x.moving.Store(false)
	x.missed = nil
	x.atCount = 2 * len(x.kept)
	if !x.stopped.Load() {
		x.log.Error("the index stays with the engine for few vectors", "vectors", len(x.kept), "error", err)
	}
}

var errStopped = errors.New("auto: the index is closed")

// fill copies everything, then what changed meanwhile, a few times; the last time it holds up the writers for it.
func (x *Index) fill(next index.Index) error {
	const rounds = 4
	x.write.Lock()
	all := maps.Clone(x.kept)
	x.write.Unlock()
	err := x.copy(next, all)
	for range rounds {
		x.write.Lock()
		missed := x.missed
		x.missed = map[uint64][]float32{}
		x.write.Unlock()
		err = errors.Join(err, x.copy(next, missed))
	}
	x.write.Lock()
	defer x.write.Unlock()
	if err = errors.Join(err, x.copy(next, x.missed)); err == nil {
		x.serve(next)
	}
	return err
}

// copy brings the next engine to what a map says.
func (x *Index) copy(next index.Index, changed map[uint64][]float32) error {
	const batch = 1024
	var items []index.Item
	var gone []uint64
	for id, v := range changed {
		if v == nil {
			gone = append(gone, id)
		} else {
			items = append(items, index.Item{ID: id, Vector: v})
		}
	}
	ctx := context.Background()
	if err := next.Delete(ctx, gone); err != nil {
		return fmt.Errorf("fill the next engine: %w", err)
	}
	for some := range slices.Chunk(items, batch) {
		if x.stopped.Load() {
			return errStopped
		}
		if err := next.Upsert(ctx, some); err != nil {
			return fmt.Errorf("fill the next engine: %w", err)
		}
	}
	return nil
}

// serve puts the next engine in the place of the old one, when no search uses that any more.
func (x *Index) serve(next index.Index) {
	x.serving.Lock()
	old := x.current
	x.current = next
	x.serving.Unlock()
	x.kept, x.missed = nil, nil
	x.moving.Store(false)
	if err := old.Close(); err != nil {
		x.log.Warn("engine not closed", "error", err)
	}
}

// Search asks the engine that serves.
func (x *Index) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	x.serving.RLock()
	defer x.serving.RUnlock()
	return x.current.Search(ctx, q)
}

// Len is the number of vectors.
func (x *Index) Len() int {
	x.serving.RLock()
	defer x.serving.RUnlock()
	return x.current.Len()
}

// IDs lists what the engine that serves holds.
func (x *Index) IDs() *roaring64.Bitmap {
	x.serving.RLock()
	defer x.serving.RUnlock()
	if r, ok := x.current.(index.Readable); ok {
		return r.IDs()
	}
	return roaring64.New()
}

// Vector asks the engine that serves.
func (x *Index) Vector(id uint64) ([]float32, error) {
	x.serving.RLock()
	defer x.serving.RUnlock()
	if r, ok := x.current.(index.Readable); ok {
		return r.Vector(id)
	}
	return nil, errUnreadable
}

var errUnreadable = errors.New("auto: the engine that serves cannot be read back")

// Damage is that of the engine that serves.
func (x *Index) Damage() error {
	return x.withFiles(func(k index.Kept) error { return k.Damage() })
}

// Verify reads back the files of the engine that serves.
func (x *Index) Verify(ctx context.Context) error {
	return x.withFiles(func(k index.Kept) error { return k.Verify(ctx) })
}

// Renew has the files of the engine that serves written again.
func (x *Index) Renew() error { return x.withFiles(func(k index.Kept) error { return k.Renew() }) }

func (x *Index) withFiles(do func(index.Kept) error) error {
	x.serving.RLock()
	defer x.serving.RUnlock()
	if k, ok := x.current.(index.Kept); ok {
		return do(k)
	}
	return nil
}

// State is that of the engine that serves, where it is not to be replaced.
func (x *Index) State() index.State {
	if x.moving.Load() {
		return index.Moving
	}
	x.serving.RLock()
	defer x.serving.RUnlock()
	if s, ok := x.current.(index.Stated); ok {
		return s.State()
	}
	return index.Ready
}

// Close ends a move that is under way, and closes the engine that serves.
func (x *Index) Close() error {
	x.stopped.Store(true)
	x.moves.Wait()
	x.serving.Lock()
	defer x.serving.Unlock()
	return x.current.Close()
}

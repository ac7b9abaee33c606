package auto

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

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
	missed  []change             // what changed while it was filled
	moving  bool
	atCount int // vectors at which to move

	stopped atomic.Bool
	moves   sync.WaitGroup
}

// change is an upsert or a deletion.
type change struct {
	items []index.Item
	gone  []uint64
}

var _ index.Index = (*Index)(nil)

// New makes an index that is small, which must be empty, until it has count vectors, and then what open opens.
func New(small index.Index, count int, open func() (index.Index, error), log *slog.Logger) *Index {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Index{open: open, log: log, current: small, kept: map[uint64][]float32{}, atCount: count}
}

// Upsert adds or replaces items.
func (x *Index) Upsert(ctx context.Context, items []index.Item) error {
	return x.change(ctx, change{items: items})
}

// Delete removes ids.
func (x *Index) Delete(ctx context.Context, ids []uint64) error {
	return x.change(ctx, change{gone: ids})
}

func (x *Index) change(ctx context.Context, c change) error {
	x.write.Lock()
	defer x.write.Unlock()
	x.serving.RLock()
	defer x.serving.RUnlock()
	if err := c.apply(ctx, x.current); err != nil || x.kept == nil {
		return err
	}
	for _, item := range c.items {
		x.kept[item.ID] = item.Vector
	}
	for _, id := range c.gone {
		delete(x.kept, id)
	}
	if x.moving {
		x.missed = append(x.missed, change{slices.Clone(c.items), slices.Clone(c.gone)})
	} else if len(x.kept) >= x.atCount && !x.stopped.Load() {
		x.moving = true
		x.moves.Go(x.move)
	}
	return nil
}

func (c change) apply(ctx context.Context, x index.Index) error {
	if err := x.Delete(ctx, c.gone); err != nil {
		return err
	}
	return x.Upsert(ctx, c.items)
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
	x.moving, x.missed = false, nil
	x.atCount = 2 * len(x.kept)
	if !x.stopped.Load() {
		x.log.Error("the index stays with the engine for few vectors", "vectors", len(x.kept), "error", err)
	}
}

var errStopped = errors.New("auto: the index is closed")

// fill copies everything, then what changed meanwhile, over and over; when that is little, it holds up the writers for it.
func (x *Index) fill(next index.Index) error {
	const batch = 1024
	ctx := context.Background()
	x.write.Lock()
	items := make([]index.Item, 0, len(x.kept))
	for id, v := range x.kept {
		items = append(items, index.Item{ID: id, Vector: v})
	}
	x.write.Unlock()
	for some := range slices.Chunk(items, batch) {
		if x.stopped.Load() {
			return errStopped
		}
		if err := next.Upsert(ctx, some); err != nil {
			return fmt.Errorf("fill the next engine: %w", err)
		}
	}
	for {
		x.write.Lock()
		missed := x.missed
		x.missed = nil
		if len(missed) <= 1 {
			defer x.write.Unlock()
			if err := applyAll(ctx, missed, next); err != nil {
				return err
			}
			return x.serve(next)
		}
		x.write.Unlock()
		if err := applyAll(ctx, missed, next); err != nil {
			return err
		}
	}
}

func applyAll(ctx context.Context, changes []change, x index.Index) error {
	for _, c := range changes {
		if err := c.apply(ctx, x); err != nil {
			return fmt.Errorf("bring the next engine up to date: %w", err)
		}
	}
	return nil
}

// serve puts the next engine in the place of the old one, when no search uses that any more.
func (x *Index) serve(next index.Index) error {
	x.serving.Lock()
	old := x.current
	x.current = next
	x.serving.Unlock()
	x.kept, x.moving = nil, false
	if err := old.Close(); err != nil {
		x.log.Warn("engine not closed", "error", err)
	}
	return nil
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

// Building says whether the engine that serves is not complete yet.
func (x *Index) Building() bool {
	x.serving.RLock()
	defer x.serving.RUnlock()
	b, ok := x.current.(interface{ Building() bool })
	return ok && b.Building()
}

// Close ends a move that is under way, and closes the engine that serves.
func (x *Index) Close() error {
	x.stopped.Store(true)
	x.moves.Wait()
	x.serving.Lock()
	defer x.serving.Unlock()
	return x.current.Close()
}

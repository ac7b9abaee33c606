package index

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Source is where a lost index is rebuilt from: it calls add for every vector of a collection.
type Source func(ctx context.Context, collection uint64, add func(id uint64, vector []float32) error) error

// Registry holds the open index of each collection and builds it from the source when it is first needed.
type Registry struct {
	open   func(dimensions int) (Index, error)
	source Source

	mu    sync.Mutex
	slots map[uint64]*slot
}

// slot is one collection's index; its own lock keeps the building of one from holding up another.
type slot struct {
	mu    sync.Mutex
	index Index
	gone  bool
}

// NewRegistry makes a registry whose indexes are made by open and filled from source.
func NewRegistry(open func(dimensions int) (Index, error), source Source) *Registry {
	return &Registry{open: open, source: source, slots: map[uint64]*slot{}}
}

// ErrGone is the answer for a collection that was deleted while its index was asked for.
var ErrGone = errors.New("index: the collection is gone")

// Get is the index of a collection. It holds everything committed before the call: what is committed while it is
// built is upserted by the one who committed it, who gets the same index from here.
func (r *Registry) Get(ctx context.Context, collection uint64, dimensions int) (Index, error) {
	r.mu.Lock()
	s := r.slots[collection]
	if s == nil {
		s = &slot{}
		r.slots[collection] = s
	}
	r.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return nil, ErrGone
	}
	if s.index == nil {
		// Whoever asks first may give up waiting; the work is for everybody and goes on.
		built, err := r.build(context.WithoutCancel(ctx), collection, dimensions)
		if err != nil {
			return nil, fmt.Errorf("build the index: %w", err)
		}
		s.index = built
	}
	return s.index, nil
}

const buildBatch = 1024

func (r *Registry) build(ctx context.Context, collection uint64, dimensions int) (Index, error) {
	built, err := r.open(dimensions)
	if err != nil {
		return nil, err
	}
	batch := make([]Item, 0, buildBatch)
	flush := func() error {
		err := built.Upsert(ctx, batch)
		batch = make([]Item, 0, buildBatch)
		return err
	}
	err = r.source(ctx, collection, func(id uint64, vector []float32) error {
		if batch = append(batch, Item{ID: id, Vector: vector}); len(batch) < buildBatch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return nil, errors.Join(err, built.Close())
	}
	return built, nil
}

// Drop closes the index of a collection that was deleted.
func (r *Registry) Drop(collection uint64) error {
	r.mu.Lock()
	s := r.slots[collection]
	delete(r.slots, collection)
	r.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.close()
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
	if s.index == nil {
		return nil
	}
	return s.index.Close()
}

package lexical

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/models"
)

// texts is a source that counts what is read from it.
type texts struct {
	mu   sync.Mutex
	of   map[uint64]string
	read int
	err  error // what VectorIDs answers, if anything
}

func (s *texts) VectorIDs(context.Context, uint64) (*roaring64.Bitmap, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := roaring64.New()
	for id := range s.of {
		ids.Add(id)
	}
	return ids, s.err
}

func (s *texts) Texts(_ context.Context, ids []uint64, add func(uint64, string, string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if text, ok := s.of[id]; ok {
			s.read++
			if err := add(id, "", text); err != nil {
				return err
			}
		}
	}
	return nil
}

var notes = models.Collection{ID: 7, Name: "notes"}

func expect(t *testing.T, r *Registry, query string, want int) {
	t.Helper()
	x, err := r.Get(t.Context(), notes)
	must(t, err)
	if got := found(t, x, query); len(got) != want {
		t.Fatalf("%q: %v, want %d hits", query, got, want)
	}
	if state := r.State(notes.ID); state != "" || len(r.Degraded()) > 0 {
		t.Errorf("state %q, degraded %v", state, r.Degraded())
	}
}

// TestRestart makes sure that what is there is not read again, that what changed meanwhile is, and that a damaged index is
// made anew.
func TestRestart(t *testing.T) {
	dir, source := t.TempDir(), &texts{of: map[uint64]string{}}
	for i := range uint64(3000) {
		source.of[i] = fmt.Sprint("comet ", vocabulary[i%25])
	}
	r := NewRegistry(dir, source, nil)
	expect(t, r, "comet.", 3000)
	source.of[5000] = "comet alone"
	must(t, r.Update(t.Context(), notes, []uint64{5000}, nil))
	delete(source.of, 5)
	must(t, r.Update(t.Context(), notes, nil, []uint64{5}))
	expect(t, r, "comet.", 3000)
	must(t, r.Close())

	source.read = 0
	delete(source.of, 6)
	source.of[5001] = "comet again"
	r = NewRegistry(dir, source, nil)
	expect(t, r, "comet.", 3000)
	if source.read != 1 {
		t.Errorf("%d texts were read again", source.read-1)
	}
	must(t, r.Close())

	files, err := filepath.Glob(filepath.Join(dir, "7", "*.zap"))
	must(t, err)
	for _, name := range files {
		must(t, os.Truncate(name, 100))
	}
	r = NewRegistry(dir, source, nil)
	expect(t, r, "comet.", 3000)
	must(t, r.Drop(notes.ID))
	if _, err := os.Stat(filepath.Join(dir, "7")); !os.IsNotExist(err) {
		t.Errorf("after Drop: %v", err)
	}
	must(t, r.Close())
}

// TestChangesWhileFilling adds and deletes while the index is filled from a source that is already ahead.
func TestChangesWhileFilling(t *testing.T) {
	source := &texts{of: map[uint64]string{}}
	for i := range uint64(5000) {
		source.of[i] = "comet"
	}
	r := NewRegistry(t.TempDir(), source, nil)
	r.slot(notes)
	for i := range uint64(50) {
		source.mu.Lock()
		delete(source.of, 100*i)
		source.of[10_000+i] = "comet"
		source.mu.Unlock()
		must(t, r.Update(t.Context(), notes, []uint64{10_000 + i}, []uint64{100 * i}))
	}
	expect(t, r, "comet.", 5000)
	must(t, r.Close())
	if _, err := r.Get(t.Context(), notes); err == nil {
		t.Error("a closed registry answers")
	}
}

// TestAFailedIndexIsTriedAgain lets the source fail for a while, as it does on a disk that is full.
func TestAFailedIndexIsTriedAgain(t *testing.T) {
	source := &texts{of: map[uint64]string{1: "comet"}, err: errors.New("the disk is full")}
	r := NewRegistry(t.TempDir(), source, nil)
	if _, err := r.Get(t.Context(), notes); err == nil || r.State(notes.ID) != failed {
		t.Fatalf("filled from a source that fails: %v, state %q", err, r.State(notes.ID))
	}
	source.mu.Lock()
	source.err = nil
	source.mu.Unlock()
	if _, err := r.Get(t.Context(), notes); err == nil {
		t.Error("tried again at once: every question would")
	}
	r.retry = 0
	expect(t, r, "comet.", 1)
	must(t, r.Close())
}

// TestSearchWhileUpdating holds an update up while it reads its texts: a search finds what was there before.
func TestSearchWhileUpdating(t *testing.T) {
	source := &texts{of: map[uint64]string{1: "comet", 2: "comet"}}
	r := NewRegistry(t.TempDir(), source, nil)
	expect(t, r, "comet.", 2)
	source.of[3] = "comet"
	source.mu.Lock()
	updated := make(chan error, 1)
	go func() { updated <- r.Update(t.Context(), notes, []uint64{3}, nil) }()
	for r.slot(notes).mu.TryLock() { // until the update has it
		r.slot(notes).mu.Unlock()
		runtime.Gosched()
	}
	expect(t, r, "comet.", 2)
	source.mu.Unlock()
	must(t, <-updated)
	expect(t, r, "comet.", 3)
	must(t, r.Close())
}

package auto_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"searchd/index"
	"searchd/index/auto"
	"searchd/index/chromem"
	"searchd/index/hnsw"
	"searchd/index/indextest"
)

func small(t *testing.T, dimensions int) index.Index {
	t.Helper()
	x, err := chromem.New(dimensions)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// The suite's indexes have a few hundred vectors, so that some tests end with one engine, some with the other.
func TestConformance(t *testing.T) {
	for _, count := range []int{1, 40, 100} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			indextest.Run(t, func(dimensions int) (index.Index, error) {
				large := func() (index.Index, error) { return hnsw.Open(t.TempDir(), dimensions, hnsw.Options{}) }
				return auto.New(small(t, dimensions), count, large, nil), nil
			})
		})
	}
}

// slow takes its time to be filled, and says when it serves.
type slow struct {
	index.Index
	searched chan struct{}
	once     sync.Once
}

func (x *slow) Upsert(ctx context.Context, items []index.Item) error {
	time.Sleep(5 * time.Millisecond)
	return x.Index.Upsert(ctx, items)
}

func (x *slow) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	x.once.Do(func() { close(x.searched) })
	return x.Index.Search(ctx, q)
}

// While the engine is replaced, every search finds what was added before it and nothing that was deleted before it.
func TestNoSearchMissesAnythingDuringTheMove(t *testing.T) {
	ctx := t.Context()
	next := &slow{Index: small(t, 2), searched: make(chan struct{})}
	x := auto.New(small(t, 2), 50, func() (index.Index, error) { return next, nil }, nil)
	r := rand.New(rand.NewPCG(1, 2))
	want, moved := map[uint64]bool{}, false
	for i := uint64(0); ; i++ {
		if err := x.Upsert(ctx, []index.Item{{ID: i, Vector: []float32{1, 0}}}); err != nil {
			t.Fatal(err)
		}
		want[i] = true
		if gone := r.Uint64N(i + 1); i%3 == 0 {
			if err := x.Delete(ctx, []uint64{gone}); err != nil {
				t.Fatal(err)
			}
			delete(want, gone)
		}
		hits, err := x.Search(ctx, index.Query{Vector: []float32{1, 0}, K: int(i) + 2})
		if err != nil || len(hits) != len(want) || x.Len() != len(want) {
			t.Fatalf("step %d: %d hits, length %d, %v; want %d", i, len(hits), x.Len(), err, len(want))
		}
		for _, h := range hits {
			if !want[h.ID] {
				t.Fatalf("step %d: found %d, which is deleted", i, h.ID)
			}
		}
		select {
		case <-next.searched:
			if state := x.State(); state != index.Ready || !moved {
				t.Fatalf("step %d: the index is %s; was it ever moving: %v", i, state, moved)
			}
			if i > 100 {
				if err := x.Close(); err != nil {
					t.Fatal(err)
				}
				return
			}
		default:
			moved = moved || x.State() == index.Moving
		}
	}
}

// An engine that cannot be opened leaves the old one in service.
func TestAFailedMove(t *testing.T) {
	tries := make(chan struct{}, 100)
	x := auto.New(small(t, 2), 4, func() (index.Index, error) {
		tries <- struct{}{}
		return nil, errors.New("no room")
	}, nil)
	for i := range uint64(40) {
		if err := x.Upsert(t.Context(), []index.Item{{ID: i, Vector: []float32{1, 0}}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	if hits, err := x.Search(t.Context(), index.Query{Vector: []float32{1, 0}, K: 50}); err != nil || len(hits) != 40 {
		t.Errorf("%d hits, %v", len(hits), err)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	if n := len(tries); n < 2 || n > 6 {
		t.Errorf("tried %d times; want one at 4 vectors, and one at each doubling", n)
	}
}

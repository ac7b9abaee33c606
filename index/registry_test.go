package index_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"searchd/index"
	"searchd/index/chromem"
)

func engine(dimensions int) (index.Index, error) { return chromem.New(dimensions) }

func TestConcurrentGetsBuildOnce(t *testing.T) {
	const n = 3000 // several batches
	var builds atomic.Int32
	r := index.NewRegistry(engine, func(_ context.Context, collection uint64, add func(uint64, []float32) error) error {
		builds.Add(1)
		for id := range uint64(n) {
			if err := add(id+collection<<32, []float32{1, 0}); err != nil {
				return err
			}
		}
		return nil
	})
	got := make([]index.Index, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			x, err := r.Get(t.Context(), 7, 2)
			if err != nil {
				t.Error(err)
			}
			got[i] = x
		})
	}
	wg.Wait()
	for _, x := range got {
		if x != got[0] {
			t.Fatal("two indexes for one collection")
		}
	}
	if builds.Load() != 1 || got[0].Len() != n {
		t.Errorf("%d builds, %d vectors; want 1 and %d", builds.Load(), got[0].Len(), n)
	}
	if other, err := r.Get(t.Context(), 8, 2); err != nil || other == got[0] {
		t.Errorf("another collection: %v, %v", other == got[0], err)
	}
}

// While one collection is built, another can be used.
func TestBuildingHoldsUpNobodyElse(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	r := index.NewRegistry(engine, func(_ context.Context, collection uint64, _ func(uint64, []float32) error) error {
		if collection == 1 {
			close(started)
			<-release
		}
		return nil
	})
	done := make(chan error)
	go func() { _, err := r.Get(t.Context(), 1, 2); done <- err }()
	<-started
	if _, err := r.Get(t.Context(), 2, 2); err != nil {
		t.Error(err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAFailedBuildIsTriedAgain(t *testing.T) {
	broken := errors.New("broken")
	var tries int
	closed := &closeCounter{}
	r := index.NewRegistry(closed.open, func(_ context.Context, _ uint64, add func(uint64, []float32) error) error {
		if tries++; tries == 1 {
			return errors.Join(add(1, []float32{1, 0}), broken)
		}
		return add(2, []float32{1, 0})
	})
	if x, err := r.Get(t.Context(), 1, 2); !errors.Is(err, broken) || x != nil {
		t.Fatalf("got %v, %v; want the source's error", x, err)
	}
	if closed.n != 1 {
		t.Errorf("the half-built index was closed %d times", closed.n)
	}
	x, err := r.Get(t.Context(), 1, 2)
	if err != nil || x.Len() != 1 {
		t.Fatalf("second try: %v", err)
	}
}

func TestAVectorOfTheWrongLengthFailsTheBuild(t *testing.T) {
	r := index.NewRegistry(engine, func(_ context.Context, _ uint64, add func(uint64, []float32) error) error {
		return add(1, []float32{1, 0, 0})
	})
	if _, err := r.Get(t.Context(), 1, 2); err == nil {
		t.Error("built from a vector of the wrong length")
	}
}

// Who asks first may give up; the others still get their index.
func TestABuildOutlivesTheOneWhoAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := index.NewRegistry(engine, func(ctx context.Context, _ uint64, add func(uint64, []float32) error) error {
		cancel()
		return errors.Join(ctx.Err(), add(1, []float32{1, 0}))
	})
	if x, err := r.Get(ctx, 1, 2); err != nil || x.Len() != 1 {
		t.Errorf("the build was cut off: %v", err)
	}
}

func TestDrop(t *testing.T) {
	closed := &closeCounter{}
	var builds int
	r := index.NewRegistry(closed.open, func(context.Context, uint64, func(uint64, []float32) error) error { builds++; return nil })
	first, err := r.Get(t.Context(), 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Drop(1), r.Drop(1), r.Drop(99)); err != nil {
		t.Fatal(err)
	}
	if closed.n != 1 {
		t.Errorf("closed %d times, want once", closed.n)
	}
	if again, err := r.Get(t.Context(), 1, 2); err != nil || again == first || builds != 2 {
		t.Errorf("after the drop: the same index %v, %d builds, %v", again == first, builds, err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil || closed.n != 2 {
		t.Errorf("closed %d indexes in all, %v; want 2", closed.n, err)
	}
}

// A collection dropped while its index is built is gone for those who wait for it too.
func TestDropWhileBuilding(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	closed := &closeCounter{}
	r := index.NewRegistry(closed.open, func(context.Context, uint64, func(uint64, []float32) error) error {
		close(started)
		<-release
		return nil
	})
	built := make(chan error)
	go func() { _, err := r.Get(t.Context(), 1, 2); built <- err }()
	<-started
	dropped := make(chan error)
	go func() { dropped <- r.Drop(1) }()
	close(release)
	if err := errors.Join(<-built, <-dropped); err != nil && !errors.Is(err, index.ErrGone) {
		t.Fatal(err)
	}
	if closed.n != 1 {
		t.Errorf("closed %d times, want once", closed.n)
	}
}

// closeCounter makes indexes and counts those that were closed.
type closeCounter struct{ n int }

func (c *closeCounter) open(dimensions int) (index.Index, error) {
	x, err := chromem.New(dimensions)
	return &counted{x, c}, err
}

type counted struct {
	index.Index
	counter *closeCounter
}

func (c *counted) Close() error {
	c.counter.n++
	return c.Index.Close()
}

func TestCompareAndAdmits(t *testing.T) {
	a, b, c := index.Hit{ID: 1, Score: 0.5}, index.Hit{ID: 2, Score: 0.5}, index.Hit{ID: 0, Score: 0.4}
	for _, test := range []struct {
		x, y index.Hit
		want int
	}{{a, a, 0}, {a, b, -1}, {b, a, 1}, {a, c, -1}, {c, a, 1}} {
		if got := index.Compare(test.x, test.y); got != test.want {
			t.Errorf("%v, %v: %d, want %d", test.x, test.y, got, test.want)
		}
	}
	if !(index.Query{}).Admits(-1) || (index.Query{MinScore: 0.5}).Admits(0.49) || !(index.Query{MinScore: 0.5}).Admits(0.5) {
		t.Error("a minimum admits what is at it or above, no minimum admits all")
	}
}

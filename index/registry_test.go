package index_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/index"
	"searchd/index/chromem"
	"searchd/models"
)

func engine(c models.Collection) (index.Index, error) { return chromem.New(c.Dimensions) }

func of(collection uint64) models.Collection { return models.Collection{ID: collection, Dimensions: 2} }

// source is a Source for indexes that keep nothing.
type source func(ctx context.Context, collection uint64, add func(uint64, []float32) error) error

func (s source) Vectors(ctx context.Context, collection uint64, add func(uint64, []float32) error) error {
	return s(ctx, collection, add)
}

func (s source) VectorIDs(ctx context.Context, collection uint64) (*roaring64.Bitmap, error) {
	ids := roaring64.New()
	err := s(ctx, collection, func(id uint64, _ []float32) error { ids.Add(id); return nil })
	return ids, err
}

func (s source) VectorsOf(ctx context.Context, collection uint64, ids []uint64, add func(uint64, []float32) error) error {
	return s(ctx, collection, func(id uint64, v []float32) error {
		if !slices.Contains(ids, id) {
			return nil
		}
		return add(id, v)
	})
}

func TestConcurrentGetsBuildOnce(t *testing.T) {
	const n = 3000 // several batches
	var builds atomic.Int32
	r := index.NewRegistry(index.Open(engine), source(func(_ context.Context, collection uint64, add func(uint64, []float32) error) error {
		builds.Add(1)
		for id := range uint64(n) {
			if err := add(id+collection<<32, []float32{1, 0}); err != nil {
				return err
			}
		}
		return nil
	}))
	got := make([]index.Index, 8)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			x, err := r.Get(t.Context(), of(7))
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
	if other, err := r.Get(t.Context(), of(8)); err != nil || other == got[0] {
		t.Errorf("another collection: %v, %v", other == got[0], err)
	}
}

// While one collection is built, another can be used.
func TestBuildingHoldsUpNobodyElse(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	r := index.NewRegistry(index.Open(engine), source(func(_ context.Context, collection uint64, _ func(uint64, []float32) error) error {
		if collection == 1 {
			close(started)
			<-release
		}
		return nil
	}))
	done := make(chan error)
	go func() { _, err := r.Get(t.Context(), of(1)); done <- err }()
	<-started
	if _, err := r.Get(t.Context(), of(2)); err != nil {
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
	r := index.NewRegistry(index.Open(closed.open), source(func(_ context.Context, _ uint64, add func(uint64, []float32) error) error {
		if tries++; tries == 1 {
			return errors.Join(add(1, []float32{1, 0}), broken)
		}
		return add(2, []float32{1, 0})
	}))
	c := models.Collection{ID: 1, Name: "notes", Dimensions: 2}
	if x, err := r.Get(t.Context(), c); !errors.Is(err, broken) || x != nil {
		t.Fatalf("got %v, %v; want the source's error", x, err)
	}
	if got := r.State(c); got != index.Failed {
		t.Errorf("after a failure: %s", got)
	}
	if got := r.Degraded(); !slices.Equal(got, []string{"index of notes: failed"}) {
		t.Errorf("degraded: %q", got)
	}
	if closed.n != 1 {
		t.Errorf("the half-built index was closed %d times", closed.n)
	}
	x, err := r.Get(t.Context(), of(1))
	if err != nil || x.Len() != 1 {
		t.Fatalf("second try: %v", err)
	}
	if state, degraded := r.State(c), r.Degraded(); state != index.Ready || len(degraded) > 0 {
		t.Errorf("after the second try: %s, degraded: %q", state, degraded)
	}
}

func TestAVectorOfTheWrongLengthFailsTheBuild(t *testing.T) {
	r := index.NewRegistry(index.Open(engine), source(func(_ context.Context, _ uint64, add func(uint64, []float32) error) error {
		return add(1, []float32{1, 0, 0})
	}))
	if _, err := r.Get(t.Context(), of(1)); err == nil {
		t.Error("built from a vector of the wrong length")
	}
}

// Who asks first may give up; the others still get their index.
func TestABuildOutlivesTheOneWhoAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := index.NewRegistry(index.Open(engine), source(func(ctx context.Context, _ uint64, add func(uint64, []float32) error) error {
		cancel()
		return errors.Join(ctx.Err(), add(1, []float32{1, 0}))
	}))
	if x, err := r.Get(ctx, of(1)); err != nil || x.Len() != 1 {
		t.Errorf("the build was cut off: %v", err)
	}
}

func TestDrop(t *testing.T) {
	closed := &closeCounter{}
	var builds int
	r := index.NewRegistry(index.Open(closed.open), source(func(context.Context, uint64, func(uint64, []float32) error) error { builds++; return nil }))
	first, err := r.Get(t.Context(), of(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Drop(1), r.Drop(1), r.Drop(99)); err != nil {
		t.Fatal(err)
	}
	if closed.n != 1 {
		t.Errorf("closed %d times, want once", closed.n)
	}
	if again, err := r.Get(t.Context(), of(1)); err != nil || again == first || builds != 2 {
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
	r := index.NewRegistry(index.Open(closed.open), source(func(context.Context, uint64, func(uint64, []float32) error) error {
		close(started)
		<-release
		return nil
	}))
	built := make(chan error)
	go func() { _, err := r.Get(t.Context(), of(1)); built <- err }()
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

// restored is an index that an earlier process has filled.
type restored struct{ index.Index }

func (restored) IDs() *roaring64.Bitmap { return roaring64.BitmapOf(1, 2, 3) }

func (restored) Complete() {}

// What was kept is brought to where the source is: vectors that have gone are deleted, new ones read, the others left alone.
func TestARestoredIndexIsBroughtUpToDate(t *testing.T) {
	open := func(c models.Collection) (index.Index, error) {
		x, err := chromem.New(c.Dimensions)
		if err != nil {
			return nil, err
		}
		kept := []float32{0, 1}
		return restored{x}, x.Upsert(t.Context(), []index.Item{{ID: 1, Vector: kept}, {ID: 2, Vector: kept}, {ID: 3, Vector: kept}})
	}
	r := index.NewRegistry(index.Open(open), source(func(_ context.Context, _ uint64, add func(uint64, []float32) error) error {
		return errors.Join(add(2, []float32{1, 0}), add(3, []float32{1, 0}), add(4, []float32{1, 0}))
	}))
	c := of(1)
	c.Chunks = 3
	if got := r.State(c); got != index.Closed {
		t.Errorf("before: %s", got)
	}
	x, err := r.Get(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.State(c); got != index.Ready {
		t.Errorf("after: %s", got)
	}
	hits, err := x.Search(t.Context(), index.Query{Vector: []float32{1, 0}, K: 9})
	want := []index.Hit{{ID: 4, Score: 1}, {ID: 2, Score: 0}, {ID: 3, Score: 0}}
	if err != nil || !slices.Equal(hits, want) {
		t.Errorf("got %v, %v; want %v", hits, err, want)
	}
}

// closeCounter makes indexes and counts those that were closed.
type closeCounter struct{ n int }

func (c *closeCounter) open(collection models.Collection) (index.Index, error) {
	x, err := chromem.New(collection.Dimensions)
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

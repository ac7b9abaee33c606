package indextest

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/index"
)

const dimensions = 24

// Run puts the engine that open makes through the suite.
func Run(t *testing.T, open func(dimensions int) (index.Index, error)) {
	tests := []struct {
		name string
		run  func(*testing.T, index.Index)
	}{
		{"empty", empty},
		{"wrong length leaves the index usable", wrongLength},
		{"ties go by id at every cut", ties},
		{"filters", filters},
		{"minimum score", minimumScore},
		{"delete", deletion},
		{"random operations against a map", random},
		{"cancelled context", cancelled},
		{"concurrent use", concurrent},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			x, err := open(dimensions)
			if err != nil {
				t.Fatal(err)
			}
			test.run(t, x)
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func empty(t *testing.T, x index.Index) {
	hits, err := x.Search(t.Context(), index.Query{Vector: axis(0), K: 10})
	if err != nil || len(hits) != 0 || x.Len() != 0 {
		t.Fatalf("empty index: %v, %v, length %d", hits, err, x.Len())
	}
	if err := x.Delete(t.Context(), []uint64{1}); err != nil {
		t.Fatal(err)
	}
	if err := x.Upsert(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := x.Delete(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

func wrongLength(t *testing.T, x index.Index) {
	ctx := t.Context()
	must(t, x.Upsert(ctx, []index.Item{{ID: 1, Vector: axis(1)}}))
	if err := x.Upsert(ctx, []index.Item{{ID: 2, Vector: axis(2)}, {ID: 3, Vector: []float32{1}}}); err == nil {
		t.Fatal("a vector of the wrong length was taken")
	}
	if _, err := x.Search(ctx, index.Query{Vector: []float32{1}, K: 1}); err == nil {
		t.Fatal("a query of the wrong length was answered")
	}
	if hits, err := x.Search(ctx, index.Query{Vector: axis(1), K: 5}); err != nil || len(hits) != 1 || hits[0].ID != 1 {
		t.Fatalf("after the refusal: %v, %v; want the one vector that was good", hits, err)
	}
}

func ties(t *testing.T, x index.Index) {
	ctx := t.Context()
	var items []index.Item
	for id := range uint64(40) {
		items = append(items, index.Item{ID: 1000 - id, Vector: axis(int(id / 10))})
	}
	must(t, x.Upsert(ctx, items))
	for k := 1; k <= 41; k++ {
		hits, err := x.Search(ctx, index.Query{Vector: blend(1, 0), K: k})
		if err != nil {
			t.Fatal(err)
		}
		want := exact(toMap(items), index.Query{Vector: blend(1, 0), K: k})
		if !slices.Equal(ids(hits), ids(want)) {
			t.Fatalf("K=%d: %v, want %v", k, ids(hits), ids(want))
		}
	}
}

func filters(t *testing.T, x index.Index) {
	ctx := t.Context()
	all := fill(t, x, rand.New(rand.NewPCG(1, 2)), 300)
	for _, share := range []int{1, 2, 5, 50, 1000} {
		allow := roaring64.New()
		for id := range all {
			if int(id)%share == 0 {
				allow.Add(id)
			}
		}
		allow.Add(1 << 40) // an id that the index does not know
		compare(t, x, all, index.Query{Vector: blend(0, 3), K: 20, Allow: allow})
	}
	hits, err := x.Search(ctx, index.Query{Vector: axis(0), K: 5, Allow: roaring64.New()})
	if err != nil || len(hits) != 0 {
		t.Fatalf("nothing is allowed, yet %v, %v", hits, err)
	}
}

func minimumScore(t *testing.T, x index.Index) {
	all := fill(t, x, rand.New(rand.NewPCG(3, 4)), 200)
	for _, score := range []float32{-0.5, -0.01, 0.01, 0.2, 0.9, 2} {
		compare(t, x, all, index.Query{Vector: blend(2, 7), K: 200, MinScore: score})
	}
}

func deletion(t *testing.T, x index.Index) {
	ctx := t.Context()
	all := fill(t, x, rand.New(rand.NewPCG(5, 6)), 50)
	must(t, x.Delete(ctx, []uint64{7, 7, 999999}))
	delete(all, 7)
	compare(t, x, all, index.Query{Vector: axis(3), K: 60})
	must(t, x.Upsert(ctx, []index.Item{{ID: 7, Vector: axis(3)}}))
	all[7] = axis(3)
	compare(t, x, all, index.Query{Vector: axis(3), K: 60})
}

func random(t *testing.T, x index.Index) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	oracle := map[uint64][]float32{}
	for range 400 {
		id := r.Uint64N(60)
		switch r.IntN(4) {
		case 0:
			must(t, x.Delete(t.Context(), []uint64{id}))
			delete(oracle, id)
		case 1:
			compare(t, x, oracle, index.Query{Vector: unit(r), K: 1 + r.IntN(70)})
		default:
			v := unit(r)
			must(t, x.Upsert(t.Context(), []index.Item{{ID: id, Vector: v}}))
			oracle[id] = v
		}
		if x.Len() != len(oracle) {
			t.Fatalf("length %d, want %d", x.Len(), len(oracle))
		}
	}
}

func cancelled(t *testing.T, x index.Index) {
	fill(t, x, rand.New(rand.NewPCG(7, 8)), 100)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if hits, err := x.Search(ctx, index.Query{Vector: axis(0), K: 10}); err == nil && len(hits) != 10 {
		t.Fatalf("a cancelled search answered %d hits and no error", len(hits))
	}
}

func concurrent(t *testing.T, x index.Index) {
	ctx := t.Context()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 9))
			for range 100 {
				id := r.Uint64N(30)
				if err := x.Upsert(ctx, []index.Item{{ID: id, Vector: unit(r)}}); err != nil {
					t.Error(err)
				}
				if _, err := x.Search(ctx, index.Query{Vector: unit(r), K: 5}); err != nil {
					t.Error(err)
				}
				if err := x.Delete(ctx, []uint64{r.Uint64N(30)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// compare holds an answer against the scan of a map. Scores may differ by rounding.
func compare(t *testing.T, x index.Index, all map[uint64][]float32, q index.Query) {
	t.Helper()
	got, err := x.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want := exact(all, q)
	if len(got) != len(want) {
		t.Fatalf("%d hits, want %d", len(got), len(want))
	}
	for i := range got {
		if math.Abs(float64(got[i].Score-want[i].Score)) > 1e-5 {
			t.Fatalf("hit %d: %v, want %v", i, got[i], want[i])
		}
		if d := dot(q.Vector, all[got[i].ID]); math.Abs(float64(d-got[i].Score)) > 1e-5 {
			t.Fatalf("hit %d: score %v, but its vector gives %v", i, got[i].Score, d)
		}
	}
	if !slices.IsSortedFunc(got, index.Compare) {
		t.Fatalf("not in order: %v", got)
	}
}

func exact(all map[uint64][]float32, q index.Query) []index.Hit {
	var hits []index.Hit
	for id, v := range all {
		if score := dot(q.Vector, v); q.Admits(score) && (q.Allow == nil || q.Allow.Contains(id)) {
			hits = append(hits, index.Hit{ID: id, Score: score})
		}
	}
	slices.SortFunc(hits, index.Compare)
	return hits[:min(q.K, len(hits))]
}

func fill(t *testing.T, x index.Index, r *rand.Rand, n int) map[uint64][]float32 {
	t.Helper()
	var items []index.Item
	for id := range uint64(n) {
		items = append(items, index.Item{ID: id, Vector: unit(r)})
	}
	must(t, x.Upsert(t.Context(), items))
	return toMap(items)
}

func toMap(items []index.Item) map[uint64][]float32 {
	m := map[uint64][]float32{}
	for _, item := range items {
		m[item.ID] = item.Vector
	}
	return m
}

func axis(i int) []float32 {
	v := make([]float32, dimensions)
	v[i%dimensions] = 1
	return v
}

// blend is the direction between two axes, nearer to the first.
func blend(i, j int) []float32 {
	v := axis(i)
	v[i%dimensions], v[j%dimensions] = 0.8, 0.6
	return v
}

func unit(r *rand.Rand) []float32 {
	v := make([]float32, dimensions)
	var sum float64
	for i := range v {
		v[i] = float32(r.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

func dot(a, b []float32) float32 {
	var sum float32
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func ids(hits []index.Hit) []uint64 {
	list := make([]uint64, len(hits))
	for i, h := range hits {
		list[i] = h.ID
	}
	return list
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

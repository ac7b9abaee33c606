package hnsw_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/index"
	"searchd/index/hnsw"
	"searchd/index/indextest"
)

const dimensions = 48

func TestConformance(t *testing.T) {
	indextest.Run(t, func(dimensions int) (index.Index, error) { return hnsw.Open(t.TempDir(), dimensions, hnsw.Options{}) })
}

// cloud makes vectors as texts give them: around some thousand subjects, which are around a few dozen fields, with copies.
type cloud struct {
	r        *rand.Rand
	subjects [][]float32
}

func newCloud(seed uint64) *cloud {
	c := &cloud{r: rand.New(rand.NewPCG(seed, 0))}
	var fields [][]float32
	for range 30 {
		fields = append(fields, c.around(nil, 1))
	}
	for range 1000 {
		c.subjects = append(c.subjects, c.around(fields[c.r.IntN(len(fields))], 1))
	}
	return c
}

func (c *cloud) around(center []float32, spread float64) []float32 {
	v := make([]float32, dimensions)
	var sum float64
	for i := range v {
		v[i] = float32(c.r.NormFloat64() * spread / math.Sqrt(dimensions))
		if center != nil {
			v[i] += center[i]
		}
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

func (c *cloud) vector() []float32 { return c.around(c.subjects[c.r.IntN(len(c.subjects))], 0.7) }

func (c *cloud) items(first, n int) []index.Item {
	items := make([]index.Item, n)
	for i := range items {
		items[i] = index.Item{ID: uint64(first+i) << 16, Vector: c.vector()}
		if i > 0 && c.r.IntN(20) == 0 {
			items[i].Vector = items[c.r.IntN(i)].Vector
		}
	}
	return items
}

func open(t testing.TB, dir string) *hnsw.Index {
	t.Helper()
	x, err := hnsw.Open(dir, dimensions, hnsw.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	return x
}

func settle(t testing.TB, x *hnsw.Index) {
	t.Helper()
	for x.Pending() > 0 {
		if t.Context().Err() != nil {
			t.Fatal("rows are still not linked")
		}
		time.Sleep(time.Millisecond)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func search(t testing.TB, x index.Index, q index.Query) []index.Hit {
	t.Helper()
	hits, err := x.Search(t.Context(), q)
	must(t, err)
	return hits
}

// recall is the share of the ten best that searches find. Equal scores stand for each other.
func recall(t testing.TB, x index.Index, c *cloud, allow *roaring64.Bitmap) float64 {
	t.Helper()
	var found, all int
	for range 200 {
		q := index.Query{Vector: c.vector(), K: 10, Allow: allow}
		hits := search(t, x, q)
		q.Exact = true
		want := search(t, x, q)
		if len(hits) != len(want) {
			t.Fatalf("%d hits, want %d", len(hits), len(want))
		}
		for _, h := range hits {
			if allow != nil && !allow.Contains(h.ID) {
				t.Fatalf("%d is not allowed", h.ID)
			}
			if h.Score >= want[len(want)-1].Score {
				found++
			}
		}
		all += len(want)
	}
	return float64(found) / float64(all)
}

func least(t testing.TB, what string, got, want float64) {
	t.Helper()
	t.Logf("%s: recall@10 %.4f", what, got)
	if got < want {
		t.Errorf("%s: recall@10 is %.4f, want at least %.4f", what, got, want)
	}
}

func TestRecall(t *testing.T) {
	if testing.Short() {
		t.Skip("measures much, and alone")
	}
	c, x := newCloud(1), open(t, t.TempDir())
	items := c.items(0, 12_000)
	for some := range slices.Chunk(items, 1000) {
		must(t, x.Upsert(t.Context(), some))
	}
	settle(t, x)
	least(t, "new", recall(t, x, c, nil), 0.985)
	for _, share := range []int{2, 10, 50} {
		allow := roaring64.New()
		for i, item := range items {
			if i%share == 0 {
				allow.Add(item.ID)
			}
		}
		least(t, fmt.Sprintf("one of %d allowed", share), recall(t, x, c, allow), 0.985)
	}
	// Half goes and comes back, in parts, as in the life of a collection.
	for round := range 4 {
		var gone []uint64
		var back []index.Item
		for i, item := range items {
			if i%8 == round {
				gone, back = append(gone, item.ID), append(back, item)
			}
		}
		must(t, x.Delete(t.Context(), gone))
		if hits := search(t, x, index.Query{Vector: back[0].Vector, K: x.Len() + 1}); len(hits) != x.Len() {
			t.Fatalf("%d hits after a deletion, want %d", len(hits), x.Len())
		}
		for _, h := range search(t, x, index.Query{Vector: back[0].Vector, K: 20}) {
			if slices.Contains(gone, h.ID) {
				t.Fatalf("%d is found after its deletion", h.ID)
			}
		}
		time.Sleep(50 * time.Millisecond) // some are repaired, others not
		must(t, x.Upsert(t.Context(), back))
		settle(t, x)
	}
	least(t, "half deleted and added again", recall(t, x, c, nil), 0.985)
}

// What a filter admits is remembered in slots, and forgotten when ids come to other slots.
// Vectors that have most in common differ by less than half of each of their values can tell.
func TestRecallOfVectorsThatAreAlike(t *testing.T) {
	if testing.Short() {
		t.Skip("measures much, and alone")
	}
	c, x := newCloud(2), open(t, t.TempDir())
	common := c.around(nil, 1)
	for _, subject := range c.subjects {
		for i := range subject {
			subject[i] += 4 * common[i]
		}
	}
	for some := range slices.Chunk(c.items(0, 8000), 1000) {
		must(t, x.Upsert(t.Context(), some))
	}
	settle(t, x)
	least(t, "alike", recall(t, x, c, nil), 0.97)
}

func TestARememberedFilter(t *testing.T) {
	if testing.Short() {
		t.Skip("measures much, and alone")
	}
	c, x := newCloud(8), open(t, t.TempDir())
	items := c.items(0, 9000)
	must(t, x.Upsert(t.Context(), items[:6000])) // half of the filter's ids are not there yet
	settle(t, x)
	allow := roaring64.New()
	for i, item := range items {
		if i%2 == 0 {
			allow.Add(item.ID)
		}
	}
	for range 3 {
		least(t, "a filter again and again", recall(t, x, c, allow), 0.985)
	}
	gone := []uint64{items[0].ID, items[2].ID, items[4].ID}
	must(t, x.Delete(t.Context(), gone))
	for _, h := range search(t, x, index.Query{Vector: items[0].Vector, K: 50, Allow: allow}) {
		if slices.Contains(gone, h.ID) {
			t.Fatalf("%d is found after its deletion", h.ID)
		}
	}
	must(t, x.Upsert(t.Context(), items[6000:]))
	settle(t, x)
	for round := range 3 {
		for i := 6000; i < len(items); i += 50 {
			hits := search(t, x, index.Query{Vector: items[i].Vector, K: 5, Allow: allow})
			if len(hits) != 5 || hits[0].Score < 0.9999 {
				t.Fatalf("round %d: %v for the vector of %d", round, hits, items[i].ID)
			}
		}
		least(t, "after more was added", recall(t, x, c, allow), 0.985)
	}
}

// Search by scan answers what a scan of the float32 vectors does, whatever is asked for.
func TestExactIsExact(t *testing.T) {
	c, x := newCloud(2), open(t, t.TempDir())
	items := c.items(0, 6000)
	must(t, x.Upsert(t.Context(), items))
	for range 30 {
		v := c.vector()
		var want []index.Hit
		for _, item := range items {
			want = append(want, index.Hit{ID: item.ID, Score: dot(v, item.Vector)})
		}
		slices.SortFunc(want, index.Compare)
		for _, k := range []int{1, 10, 700, 6000, 9000} {
			checkHits(t, search(t, x, index.Query{Vector: v, K: k, Exact: true}), want[:min(k, len(want))])
		}
		floor := want[100].Score + 1e-4
		n := slices.IndexFunc(want, func(h index.Hit) bool { return h.Score < floor })
		checkHits(t, search(t, x, index.Query{Vector: v, K: 9000, MinScore: floor}), want[:n])
	}
}

// checkHits compares ids where scores are not as good as equal: float32 sums differ in their last bits with their order.
func checkHits(t *testing.T, got, want []index.Hit) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d hits, want %d", len(got), len(want))
	}
	for i := range want {
		if math.Abs(float64(got[i].Score-want[i].Score)) > 1e-6 {
			t.Fatalf("hit %d: %v, want %v", i, got[i], want[i])
		}
	}
}

func dot(a, b []float32) float32 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return float32(sum)
}

// What was closed is there again at the next start, graph and all.
func TestSnapshot(t *testing.T) {
	dir, c := t.TempDir(), newCloud(3)
	x := open(t, dir)
	items := c.items(0, 5000)
	must(t, x.Upsert(t.Context(), items))
	settle(t, x)
	var gone []uint64
	for _, item := range items[:300] {
		gone = append(gone, item.ID)
	}
	must(t, x.Delete(t.Context(), gone))
	must(t, x.Upsert(t.Context(), c.items(5000, 100))) // perhaps not linked when it closes
	queries := make([][]float32, 50)
	var want [][]index.Hit
	for i := range queries {
		queries[i] = c.vector()
		want = append(want, search(t, x, index.Query{Vector: queries[i], K: 10, Exact: true}))
	}
	ids := x.IDs()
	must(t, x.Close())

	y := open(t, dir)
	if !ids.Equals(y.IDs()) || y.Len() != 4800 {
		t.Fatalf("%d vectors after the restart, want 4800", y.Len())
	}
	for i, v := range queries {
		if got := search(t, y, index.Query{Vector: v, K: 10, Exact: true}); !slices.Equal(got, want[i]) {
			t.Fatalf("query %d: %v, want %v", i, got, want[i])
		}
	}
	settle(t, y)
	least(t, "after a restart", recall(t, y, c, nil), 0.985)
	must(t, y.Upsert(t.Context(), c.items(6000, 200)))
	must(t, y.Close())
	if z := open(t, dir); z.Len() != 5000 {
		t.Fatalf("%d vectors after the second restart, want 5000", z.Len())
	}
}

// A damaged snapshot is left out, a damaged vector too; nothing wrong is answered.
func TestDamage(t *testing.T) {
	dir, c := t.TempDir(), newCloud(4)
	x := open(t, dir)
	must(t, x.Upsert(t.Context(), c.items(0, 3000)))
	settle(t, x)
	must(t, x.Close())
	graph, err := os.ReadFile(filepath.Join(dir, "graph"))
	must(t, err)
	vectors, err := os.ReadFile(filepath.Join(dir, "vectors.f32"))
	must(t, err)
	r := rand.New(rand.NewPCG(5, 0))
	reopen := func(graph, vectors []byte) int {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "graph"), graph, 0o600))
		must(t, os.WriteFile(filepath.Join(dir, "vectors.f32"), vectors, 0o600))
		y, err := hnsw.Open(dir, dimensions, hnsw.Options{Log: slog.New(slog.DiscardHandler)})
		must(t, err)
		defer func() { must(t, y.Close()) }()
		search(t, y, index.Query{Vector: c.vector(), K: 10})
		must(t, y.Upsert(t.Context(), c.items(9000, 10)))
		return y.Len() - 10
	}
	if n := reopen(graph, vectors); n != 3000 {
		t.Fatalf("undamaged: %d vectors", n)
	}
	for range 20 {
		broken := slices.Clone(graph)
		broken[r.IntN(len(broken))] ^= 1 << r.IntN(8)
		if n := reopen(broken, vectors); n != 0 {
			t.Fatalf("%d vectors of a damaged snapshot", n)
		}
	}
	for _, n := range []int{0, 3, 40, len(graph) / 2, len(graph) - 1} {
		if n := reopen(graph[:n], vectors); n != 0 {
			t.Fatalf("%d vectors of a snapshot that was cut off", n)
		}
	}
	broken := slices.Clone(vectors)
	for _, row := range []int{7, 8, 2999} {
		broken[row*dimensions*4+r.IntN(dimensions*4)] ^= 1 << r.IntN(8)
	}
	if n := reopen(graph, broken); n != 2997 {
		t.Errorf("%d vectors where three are damaged", n)
	}
	if n := reopen(graph, vectors[:1000*dimensions*4]); n != 1000 {
		t.Errorf("%d vectors where the file has 1000", n)
	}
}

// Searches, uploads and deletions at the same time: what was added and is never deleted is always found.
func TestConcurrentUse(t *testing.T) {
	c, x := newCloud(6), open(t, t.TempDir())
	steady := c.items(0, 3000)
	must(t, x.Upsert(t.Context(), steady))
	ctx, stop := context.WithCancel(t.Context())
	var writers, readers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			c := newCloud(uint64(10 + w))
			for round := range 6 {
				items := c.items(100_000*(w+1)+200*(round%3), 400)
				if err := x.Upsert(context.Background(), items); err != nil {
					t.Error(err)
				}
				var gone []uint64
				for _, item := range items[:300] {
					gone = append(gone, item.ID)
				}
				if err := x.Delete(context.Background(), gone); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range 2 {
		readers.Go(func() {
			for i := n; ctx.Err() == nil; i = (i + 7) % len(steady) {
				hits, err := x.Search(context.Background(), index.Query{Vector: steady[i].Vector, K: 5, Exact: n == 1})
				if err != nil || len(hits) != 5 || hits[0].Score < 0.9999 {
					t.Errorf("search for %d: %v, %v", i, hits, err)
					return
				}
			}
		})
	}
	writers.Wait()
	stop()
	readers.Wait()
	settle(t, x)
	least(t, "after concurrent use", recall(t, x, c, nil), 0.98)
}

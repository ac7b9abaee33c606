package hnsw

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"searchd/index"
	"searchd/internal/simd"
)

// What insert makes of links that choose has left is what choose makes of them with one more.
func TestInsertIsAsChoose(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	var refused, displaced, full int
	for _, dimensions := range []int{6, 1024} { // with few, many are nearer to each other than to the node; with many, lists are full
		s, chosen := someRows(t, r, dimensions)
		for range 2000 {
			var node query
			node.setRow(&s.table, 0)
			for _, slot := range r.Perm(int(s.used) - 1)[:1+r.IntN(6*degree)] {
				chosen.slots = append(chosen.slots, uint32(slot+1))
			}
			all := chosen.score(s, &node, nil)
			key := all[0]
			all = all[1:]
			slices.Sort(all)
			chosen.list = all
			before := slices.Clone(chosen.choose(s))

			chosen.list = append(slices.Clone(before), key)
			slices.Sort(chosen.list)
			want := slices.Clone(chosen.choose(s))

			chosen.list = slices.Clone(before)
			if got := chosen.insert(s, key); !slices.Equal(got, want) {
				t.Fatalf("seed %d: %x in %x makes %x; want %x", seed, key, before, got, want)
			}
			if slices.Equal(want, before) {
				refused++
			} else if len(want) <= len(before) {
				displaced++
			}
			if len(want) == degree {
				full++
			}
		}
	}
	if refused < 100 || displaced < 100 || full < 100 {
		t.Errorf("seed %d: %d were refused, %d took another's place, %d lists were full: the test did not test", seed, refused, displaced, full)
	}
}

// someRows are an index of vectors that lie anywhere.
func someRows(t *testing.T, r *rand.Rand, dimensions int) (*state, *tool) {
	x, err := Open(t.TempDir(), dimensions, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	items := make([]index.Item, 400)
	for i := range items {
		v := make([]float32, dimensions)
		for j := range v {
			v[j] = float32(r.NormFloat64())
		}
		for norm, j := math.Sqrt(float64(simd.Dot(v, v))), 0; j < len(v); j++ {
			v[j] /= float32(norm)
		}
		items[i] = index.Item{ID: uint64(i + 1), Vector: v}
	}
	if err := x.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	return x.current.Load(), &tool{walker: x.walker()}
}

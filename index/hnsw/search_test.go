package hnsw

import (
	"math/rand/v2"
	"slices"
	"testing"

	"searchd/index"
)

// The width of a walk grows with the collection, unless it was set.
func TestWidthGrows(t *testing.T) {
	x := &Index{}
	width := func(n int) int { return x.plan(&state{used: uint32(n)}, index.Query{K: 10}, n, n, nil).width }
	few := width(5000)
	for n, more := range map[int]int{100_000: 0, 200_000: widerBy, 800_000: 3 * widerBy} {
		if got := width(n); got != few+more {
			t.Errorf("%d vectors: width %d, want %d", n, got, few+more)
		}
	}
	if x.SetWidth(50); width(800_000) != 50 {
		t.Error("a width that was set is not what is taken")
	}
	if got := x.plan(&state{used: 800_000}, index.Query{K: 100}, 800_000, 800_000, nil).width; got < 100*mostFactor {
		t.Errorf("width %d for 100 hits", got)
	}
}

// A beam has the best of all that it was given, in order, and follows each of them once, the best first.
func TestBeamMerges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for limit := 1; limit < 40; limit++ {
		var b beam
		var all, went []uint64
		b.reset(limit)
		for range 20 {
			keys := make([]uint64, r.IntN(2*limit))
			for i := range keys {
				keys[i] = keyOf(r.Float32()*2-1, uint32(len(all)+i))
			}
			slices.Sort(keys)
			all = append(all, keys...)
			b.merge(keys)
			slices.Sort(all)
			want, got := all[:min(limit, len(all))], make([]uint64, len(b.keys))
			for i, key := range b.keys {
				got[i] = key &^ followed
			}
			if !slices.Equal(got, want) {
				t.Fatalf("limit %d: the beam is %x, the best are %x", limit, got, want)
			}
			next := slices.IndexFunc(want, func(key uint64) bool { return !slices.Contains(went, key) })
			key, ok := b.follow()
			if ok != (next >= 0) || ok && key != want[next] {
				t.Fatalf("limit %d: %x is followed (%v), of %x without %x", limit, key, ok, want, went)
			}
			went = append(went, key)
		}
	}
}

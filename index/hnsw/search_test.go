package hnsw

import (
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

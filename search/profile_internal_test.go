package search

import "testing"

// A leg that finds about as well keeps its weight; one that plainly does not, or does far better, counts for that.
func TestGuard(t *testing.T) {
	for ratio, want := range map[float64]float64{1: 1, 0.7: 1, 1.49: 1, 0.5: 0.5, 0.02: 0.02, 2: 4} {
		if got := guard(ratio); got != want {
			t.Errorf("guard(%v) is %v, want %v", ratio, got, want)
		}
	}
}

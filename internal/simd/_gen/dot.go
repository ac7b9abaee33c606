package main

import "github.com/mmcloughlin/avo/reg"

// dot keeps four sums, since a multiply-add takes four cycles and two can start in each.
func dot(t *target) {
	const chains = 4
	t.function("dot", "func(a, b []float32) float32")
	a, b, n := t.base("a"), t.base("b"), t.length("a")
	var sums [chains]reg.VecVirtual
	for i := range sums {
		sums[i] = t.zero()
	}
	t.each("dot", n, chains, []reg.GPVirtual{a, b}, func(i int, at place) {
		v := at.load(a)
		if at.mask != nil {
			t.VFMADD231PS(at.load(b), v, sums[i])
			return
		}
		t.VFMADD231PS(at.at(b), v, sums[i])
	})
	t.VADDPS(sums[1], sums[0], sums[0])
	t.VADDPS(sums[3], sums[2], sums[2])
	t.VADDPS(sums[2], sums[0], sums[0])
	t.Store(t.sum(sums[0]), t.ReturnIndex(0))
	t.end()
}

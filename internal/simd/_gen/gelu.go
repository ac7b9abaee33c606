package main

import "github.com/mmcloughlin/avo/reg"

// gelu is max(x, 0) − t·(T−t)·R(u); see package simd for T, t, u and R. The order of operands of the minimum and the
// maximum lets a NaN through.
func gelu(t *target) {
	t.function("gelu", "func(x []float32)")
	x, n := t.base("x"), t.length("x")
	zero, one := t.zero(), t.constant("geluConst", 0)
	limit, shrink := t.constant("geluConst", 1), t.constant("geluConst", 2)
	t.each("gelu", n, 1, []reg.GPVirtual{x}, func(_ int, at place) {
		v := at.load(x)
		size, u, rest := t.vec(), t.vec(), t.vec()
		t.VSUBPS(v, zero, size)
		t.VMAXPS(v, size, size)
		t.VMINPS(size, limit, size)
		t.VMOVAPS(size, u)
		t.VFMSUB213PS(one, shrink, u)
		q := t.horner(u, "geluCoeff", 0, 15)
		t.VSUBPS(size, limit, rest)
		t.VMULPS(rest, q, q)
		t.VMAXPS(v, zero, v)
		t.VFNMADD231PS(q, size, v)
		at.store(v, x)
	})
	t.end()
}

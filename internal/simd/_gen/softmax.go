package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// softmax emits the three passes over a row.
func softmax(t *target) {
	rowMaximum(t)
	expSum(t)
	multiply(t)
}

func rowMaximum(t *target) {
	const chains = 4
	t.function("maximum", "func(x []float32) float32")
	t.Doc("maximum" + t.suffix + " needs at least one value.")
	x, n := t.base("x"), t.length("x")
	var tops [chains]reg.VecVirtual
	first := t.vec()
	t.VBROADCASTSS(operand.Mem{Base: x}, first)
	for i := range tops {
		tops[i] = t.vec()
		t.VMOVAPS(first, tops[i])
	}
	t.each("max", n, chains, []reg.GPVirtual{x}, func(i int, at place) {
		t.VMAXPS(at.loadOr(x, first), tops[i], tops[i])
	})
	t.VMAXPS(tops[1], tops[0], tops[0])
	t.VMAXPS(tops[3], tops[2], tops[2])
	t.VMAXPS(tops[2], tops[0], tops[0])
	t.Store(t.maximum(tops[0]), t.ReturnIndex(0))
	t.end()
}

// expSum puts 2^(factor·(x−top)) in place of x and sums it. Lanes beyond the row are -Inf, and so add nothing.
func expSum(t *target) {
	t.function("expSum", "func(x []float32, factor, top float32) float32")
	x, n := t.base("x"), t.length("x")
	factor, top := t.spread("factor"), t.spread("top")
	lowest, negInf := t.constant("expConst", 0), t.constant("expConst", 1)
	sum := t.zero()
	t.each("exp", n, 1, []reg.GPVirtual{x}, func(_ int, at place) {
		v := at.loadOr(x, negInf)
		t.VSUBPS(top, v, v)
		t.VMULPS(factor, v, v)
		e := t.exp2(v, lowest)
		t.VADDPS(e, sum, sum)
		at.store(e, x)
	})
	t.Store(t.sum(sum), t.ReturnIndex(0))
	t.end()
}

// exp2 is 2^v for v ≤ 0: a polynomial for the fraction, scaled by the integer nearest to v. Below lowest, the exponent of
// the smallest normal number, it is 0.
func (t *target) exp2(v, lowest reg.VecVirtual) reg.VecVirtual {
	const notLess = 5 // true for NaN, which goes through
	whole, fraction := t.vec(), t.vec()
	if t.wide() {
		keep := t.K()
		t.VCMPPS(operand.U8(notLess), lowest, v, keep)
		t.VRNDSCALEPS(operand.U8(0), v, whole)
		t.VSUBPS(whole, v, fraction)
		p := t.horner(fraction, "exp2Coeff", 0, 7)
		t.VSCALEFPS_Z(whole, p, keep, p)
		return p
	}
	keep := t.vec()
	t.VCMPPS(operand.U8(notLess), lowest, v, keep)
	t.VROUNDPS(operand.U8(0), v, whole)
	t.VSUBPS(whole, v, fraction)
	p := t.horner(fraction, "exp2Coeff", 0, 7)
	t.VCVTPS2DQ(whole, whole)
	t.VPSLLD(operand.U8(23), whole, whole)
	t.VPADDD(whole, p, p) // adds to the exponent
	t.VANDPS(keep, p, p)
	return p
}

func multiply(t *target) {
	t.function("multiply", "func(x []float32, factor float32)")
	x, n := t.base("x"), t.length("x")
	factor := t.spread("factor")
	t.each("mul", n, 4, []reg.GPVirtual{x}, func(_ int, at place) {
		v := at.load(x)
		t.VMULPS(factor, v, v)
		at.store(v, x)
	})
	t.end()
}

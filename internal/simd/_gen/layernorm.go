package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// layerNorm makes three passes over a row that stays in the first-level cache: sum, squares about the mean, scaling.
func layerNorm(t *target) {
	t.function("addLayerNorm", "func(dst, x, residual, gamma, beta []float32, eps, inverse float32)")
	t.Doc("addLayerNorm" + t.suffix + " takes 1/len(dst) as inverse.")
	inverse := t.spread("inverse")
	mean := t.rowMean(inverse)
	factor := t.rowFactor(mean, inverse)

	dst, gamma, beta, n := t.base("dst"), t.base("gamma"), t.base("beta"), t.length("dst")
	t.each("scale", n, 1, []reg.GPVirtual{dst, gamma, beta}, func(_ int, at place) {
		v := at.load(dst)
		t.VSUBPS(mean, v, v)
		t.VMULPS(factor, v, v)
		t.VFMADD213PS(at.load(beta), at.load(gamma), v)
		at.store(v, dst)
	})
	t.end()
}

// rowMean puts x plus residual, which may be nil, into dst and returns the mean of that in every lane.
func (t *target) rowMean(inverse reg.VecVirtual) reg.VecVirtual {
	sums := t.fourZeros()
	x, dst, residual, n := t.base("x"), t.base("dst"), t.base("residual"), t.length("dst")
	t.TESTQ(residual, residual)
	t.JZ(operand.LabelRef("alone"))
	t.each("add", n, 4, []reg.GPVirtual{x, residual, dst}, func(i int, at place) {
		v := at.load(x)
		t.VADDPS(at.load(residual), v, v)
		t.VADDPS(v, sums[i], sums[i])
		at.store(v, dst)
	})
	t.JMP(operand.LabelRef("summed"))
	t.Label("alone")
	t.each("copy", n, 4, []reg.GPVirtual{x, dst}, func(i int, at place) {
		v := at.load(x)
		t.VADDPS(v, sums[i], sums[i])
		at.store(v, dst)
	})
	t.Label("summed")
	total := t.sumFour(sums)
	t.VMULSS(inverse.AsX(), total.AsX(), total.AsX())
	return t.spreadLow(total)
}

// rowFactor returns 1/√(variance+eps) in every lane. Lanes beyond the row hold the mean, and so add nothing.
func (t *target) rowFactor(mean, inverse reg.VecVirtual) reg.VecVirtual {
	squares := t.fourZeros()
	dst, n := t.base("dst"), t.length("dst")
	t.each("square", n, 4, []reg.GPVirtual{dst}, func(i int, at place) {
		v := at.loadOr(dst, mean)
		t.VSUBPS(mean, v, v)
		t.VFMADD231PS(v, v, squares[i])
	})
	total := t.sumFour(squares)
	low := total.AsX()
	eps, bits, one := t.XMM(), t.GP32(), t.XMM()
	t.Load(t.Param("eps"), eps)
	t.VFMADD213SS(eps, inverse.AsX(), low)
	t.VSQRTSS(low, low, low)
	t.MOVL(operand.U32(0x3f800000), bits) // 1
	t.VMOVD(bits, one)
	t.VDIVSS(low, one, low)
	return t.spreadLow(total)
}

func (t *target) fourZeros() [4]reg.VecVirtual {
	return [4]reg.VecVirtual{t.zero(), t.zero(), t.zero(), t.zero()}
}

func (t *target) sumFour(v [4]reg.VecVirtual) reg.VecVirtual {
	t.VADDPS(v[1], v[0], v[0])
	t.VADDPS(v[3], v[2], v[2])
	t.VADDPS(v[2], v[0], v[0])
	return t.sum(v[0])
}

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// dequantize walks over the groups and, inside each, over its vectors.
func dequantize(t *target) {
	t.function("dequantizeInt8", "func(dst []float32, q []int8, scales []float32, group int)")
	dst, q, left := t.base("dst"), t.base("q"), t.length("q")
	scales, group := t.base("scales"), t.value("group")
	scale, n := t.vec(), t.GP64()
	t.TESTQ(left, left)
	t.JZ(operand.LabelRef("done"))
	t.Label("group")
	t.MOVQ(group, n)
	t.CMPQ(n, left)
	t.CMOVQGT(left, n)
	t.SUBQ(n, left)
	t.VBROADCASTSS(operand.Mem{Base: scales}, scale)
	t.ADDQ(operand.Imm(4), scales)
	t.loop("four", n, 4*t.lanes, func() { t.expand(dst, q, scale, 4) })
	t.loop("one", n, t.lanes, func() { t.expand(dst, q, scale, 1) })
	t.expandTail(dst, q, n, scale)
	t.TESTQ(left, left)
	t.JNZ(operand.LabelRef("group"))
	t.Label("done")
	t.end()
}

// expand turns count vectors of int8 into float32 and moves both pointers on.
func (t *target) expand(dst, q reg.GPVirtual, scale reg.VecVirtual, count int) {
	for i := range count {
		v := t.vec()
		t.VPMOVSXBD(operand.Mem{Base: q, Disp: i * t.lanes}, v)
		t.VCVTDQ2PS(v, v)
		t.VMULPS(scale, v, v)
		t.VMOVUPS(v, operand.Mem{Base: dst, Disp: i * t.bytes()})
	}
	t.ADDQ(operand.I32(count*t.lanes), q)
	t.ADDQ(operand.I32(count*t.bytes()), dst)
}

// expandTail does the last n values of a group. AVX2 has no mask for bytes, so it takes them one by one.
func (t *target) expandTail(dst, q, n reg.GPVirtual, scale reg.VecVirtual) {
	if !t.wide() {
		x, word := t.XMM(), t.GP32()
		t.VXORPS(x, x, x)
		t.loop("byte", n, 1, func() {
			t.MOVBLSX(operand.Mem{Base: q}, word)
			t.VCVTSI2SSL(word, x, x)
			t.VMULSS(scale.AsX(), x, x)
			t.VMOVSS(x, operand.Mem{Base: dst})
			t.INCQ(q)
			t.ADDQ(operand.Imm(4), dst)
		})
		return
	}
	t.TESTQ(n, n)
	t.JZ(operand.LabelRef("full"))
	mask, v := t.tailMask(n), t.vec()
	t.VPMOVSXBD_Z(operand.Mem{Base: q}, mask, v)
	t.VCVTDQ2PS(v, v)
	t.VMULPS(scale, v, v)
	t.VMOVUPS(v, mask, operand.Mem{Base: dst})
	t.ADDQ(n, q)
	t.LEAQ(operand.Mem{Base: dst, Index: n, Scale: 4}, dst)
	t.Label("full")
}

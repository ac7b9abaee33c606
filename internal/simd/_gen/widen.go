package main

import "github.com/mmcloughlin/avo/operand"

// widen turns bytes into words, a cache line of bytes at a time.
func widen(t *target) {
	t.function("widen", "func(dst []int16, src []int8)")
	dst, src, n := t.base("dst"), t.base("src"), t.length("src")
	step := t.lanes * 2
	t.loop("line", n, lineBytes, func() {
		for i := range lineBytes / step {
			v := t.vec()
			t.VPMOVSXBW(operand.Mem{Base: src, Disp: i * step}, v)
			t.VMOVUPS(v, operand.Mem{Base: dst, Disp: 2 * i * step})
		}
		t.ADDQ(operand.Imm(lineBytes), src)
		t.ADDQ(operand.I32(2*lineBytes), dst)
	})
	t.end()
}

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// join puts the halves of values together that lie in two rows, as dotRows reads them.
func join(t *target) {
	t.function("join", "func(dst []int16, high, low []uint8)")
	dst, high, low, n := t.base("dst"), t.base("high"), t.base("low"), t.length("high")
	first, second, middle := t.words(15), t.words(0xf0), t.words(128)
	step := t.lanes * 2
	t.loop("line", n, lineBytes, func() {
		for i := range lineBytes / step {
			h, l := t.vec(), t.vec()
			t.VPMOVZXBW(operand.Mem{Base: high, Disp: i * step}, h)
			t.VPMOVZXBW(operand.Mem{Base: low, Disp: i * step}, l)
			a, b := t.vec(), t.vec()
			t.and(first, h, a)
			t.VPSLLW(operand.Imm(4), a, a)
			t.and(first, l, b)
			t.VPADDW(a, b, a)
			t.and(second, h, h)
			t.VPSRLW(operand.Imm(4), l, l)
			t.VPADDW(h, l, h)
			for half, v := range []reg.VecVirtual{a, h} {
				t.VPSUBW(middle, v, v)
				t.VMOVUPS(v, operand.Mem{Base: dst, Disp: 2 * valueAt(i*step, half)})
			}
		}
		t.ADDQ(operand.Imm(lineBytes), high)
		t.ADDQ(operand.Imm(lineBytes), low)
		t.ADDQ(operand.I32(4*lineBytes), dst)
	})
	t.end()
}

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// peak runs n rounds of 12 independent multiply-adds in registers: what the processor can do at most, the yardstick of the
// benchmarks. The values stay finite: each accumulator is halved and one is added.
func peak(t *target) {
	t.function("peak", "func(n int) float32")
	n := t.value("n")
	half, one, bits := t.vec(), t.vec(), t.GP32()
	for _, c := range []struct {
		v    reg.VecVirtual
		bits uint32
	}{{half, 0x3f000000}, {one, 0x3f800000}} {
		t.MOVL(operand.U32(c.bits), bits)
		t.VMOVD(bits, c.v.AsX())
		t.VBROADCASTSS(c.v.AsX(), c.v)
	}
	var sums [12]reg.VecVirtual
	for i := range sums {
		sums[i] = t.zero()
	}
	t.loop("round", n, 1, func() {
		for _, s := range sums {
			t.VFMADD213PS(one, half, s)
		}
	})
	for _, s := range sums[1:] {
		t.VADDPS(s, sums[0], sums[0])
	}
	t.Store(t.sum(sums[0]), t.ReturnIndex(0))
	t.end()
}

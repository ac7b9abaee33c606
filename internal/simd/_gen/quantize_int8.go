package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// quantizeInt8 turns groups of 64 float32 into bytes, with a scale and the byte that stands for zero.
func quantizeInt8(t *target) {
	t.function("quantizeInt8", "func(q *uint8, scales *float32, zeros *int32, stride int, x *float32, groups int)")
	q, scales, zeros, x, stride, groups := t.value("q"), t.value("scales"), t.value("zeros"), t.value("x"), t.value("stride"), t.value("groups")
	t.SHLQ(operand.Imm(2), stride)
	sign := t.vec()
	t.ones(sign)
	t.VPSRLD(operand.Imm(1), sign, sign) // all bits but the sign
	t.loop("group", groups, 1, func() {
		values := t.groupOf(x)
		half, low := t.halfRange(values, sign)
		inverse := t.groupScale(half, scales, 2)
		t.VMULSS(inverse.AsX(), low, low)
		t.VCVTTPS2DQ(low, low)
		zero := t.XMM()
		t.VPCMPEQD(zero, zero, zero)
		t.VPABSD(zero, zero) // 1
		t.VPSUBD(low, zero, zero)
		t.VMOVD(zero, operand.Mem{Base: zeros})
		t.narrowBytes(values, inverse, t.spreadLow(zero), q)
		t.ADDQ(operand.I32(4*groupValues), x)
		t.ADDQ(operand.I32(int8Stored), q)
		t.ADDQ(stride, scales)
		t.ADDQ(stride, zeros)
	})
	t.end()
}

// halfRange leaves in the lowest lanes half of how far the largest and the smallest value, or zero, are apart, which is no number where
// a value is not finite; and the smallest.
func (t *target) halfRange(values []reg.VecVirtual, sign reg.VecVirtual) (half, low reg.VecVirtual) {
	top := t.largest(values, sign)
	most, least := t.zero(), t.zero()
	for _, v := range values {
		t.VMAXPS(v, most, most)
		t.VMINPS(v, least, least)
	}
	half, low = t.maximum(most), t.reduce(least, t.VMINPS)
	part := t.XMM()
	t.VMULSS(global("quantizeConstants", 5), low, part)
	t.VMULSS(global("quantizeConstants", 5), half, half)
	t.VSUBSS(part, half, half)
	t.VSUBSS(top, top, top) // 0, but for what is not finite
	t.VADDSS(top, half, half)
	return half, low
}

// narrowBytes stores the multiples of values as bytes, offset added.
func (t *target) narrowBytes(values []reg.VecVirtual, inverse, offset reg.VecVirtual, q reg.GPVirtual) {
	for i, v := range values {
		t.VMULPS(inverse, v, v)
		t.VCVTPS2DQ(v, v)
		t.VPADDD(offset, v, v)
		if t.wide() {
			t.VPMOVDB(v, operand.Mem{Base: q, Disp: i * t.bytes() / 4})
		}
	}
	for i := 0; i < len(values) && !t.wide(); i += 4 {
		four := values[i : i+4]
		for _, pair := range [][]reg.VecVirtual{four[:2], four[2:]} {
			t.VPACKSSDW(pair[1], pair[0], pair[0])
			t.VPERMQ(operand.U8(0xd8), pair[0], pair[0]) // it packs each half of the vectors by itself
		}
		t.VPACKUSWB(four[2], four[0], four[0])
		t.VPERMQ(operand.U8(0xd8), four[0], four[0])
		t.VMOVDQU(four[0], operand.Mem{Base: q, Disp: i / 4 * t.bytes()})
	}
}

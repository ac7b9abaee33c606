package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// spareZeros are four spare values that are nothing.
const spareZeros = zeroByte * 0x01010101

// quantizeInt8 turns groups of 64 float32 into bytes, 128 added, with a scale. The spare values after them become nothing.
func quantizeInt8(t *target) {
	t.function("quantizeInt8", "func(q *uint8, scales *float32, stride int, x *float32, groups int)")
	q, scales, x, stride, groups := t.value("q"), t.value("scales"), t.value("x"), t.value("stride"), t.value("groups")
	t.SHLQ(operand.Imm(2), stride)
	sign, offset := t.vec(), t.vec()
	t.ones(sign)
	t.VPSRLD(operand.Imm(31), sign, offset)
	t.VPSLLD(operand.Imm(7), offset, offset) // 128
	t.VPSRLD(operand.Imm(1), sign, sign)     // all bits but the sign
	t.loop("group", groups, 1, func() {
		values := t.groupOf(x)
		t.narrowBytes(values, t.groupScale(t.largest(values, sign), scales, 2), offset, q)
		t.MOVL(operand.U32(spareZeros), operand.Mem{Base: q, Disp: groupValues})
		t.ADDQ(operand.I32(4*groupValues), x)
		t.ADDQ(operand.I32(int8Stored), q)
		t.ADDQ(stride, scales)
	})
	t.end()
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

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	groupValues = 64
	notLess     = 5 // the predicate of VCMPPS: true also for what is no number
)

// quantizeInt16 turns groups of 64 float32 into int16 with a scale. The group stays in registers.
func quantizeInt16(t *target) {
	t.function("quantizeInt16", "func(q *int16, scales *float32, stride int, x *float32, groups int)")
	q, scales, x, stride, groups := t.value("q"), t.value("scales"), t.value("x"), t.value("stride"), t.value("groups")
	t.SHLQ(operand.Imm(2), stride)
	sign := t.vec()
	t.ones(sign)
	t.VPSRLD(operand.Imm(1), sign, sign) // all bits but the sign
	t.loop("group", groups, 1, func() {
		values := t.groupOf(x)
		t.narrow(values, t.groupScale(t.largest(values, sign), scales, 0), q)
		t.ADDQ(operand.I32(4*groupValues), x)
		t.ADDQ(operand.I32(2*groupValues), q)
		t.ADDQ(stride, scales)
	})
	t.end()
}

// groupOf loads a group.
func (t *target) groupOf(x reg.GPVirtual) []reg.VecVirtual {
	values := make([]reg.VecVirtual, groupValues/t.lanes)
	for i := range values {
		values[i] = t.vec()
		t.VMOVUPS(operand.Mem{Base: x, Disp: i * t.bytes()}, values[i])
	}
	return values
}

func (t *target) ones(v reg.VecVirtual) {
	if t.wide() {
		t.VPTERNLOGD(operand.U8(0xff), v, v, v)
	} else {
		t.VPCMPEQD(v, v, v)
	}
}

// and is the bitwise and, which AVX-512 has under another name.
func (t *target) and(a, b, c operand.Op) {
	if t.wide() {
		t.VPANDD(a, b, c)
	} else {
		t.VPAND(a, b, c)
	}
}

// largest leaves the largest magnitude in the lowest lane. It compares bits, among which what is not finite is the largest.
func (t *target) largest(values []reg.VecVirtual, sign reg.VecVirtual) reg.VecVirtual {
	top := t.vec()
	t.and(values[0], sign, top)
	for _, v := range values[1:] {
		magnitude := t.vec()
		t.and(v, sign, magnitude)
		t.VPMAXSD(magnitude, top, top)
	}
	return t.reduce(top, func(ops ...operand.Op) { t.VPMAXSD(ops[0], ops[1], ops[2]) })
}

// groupScale stores the scale that belongs to the largest magnitude and answers, in every lane, what to multiply values
// with. Both are zero for a group of nothing. Elements first and first+1 of quantizeConstants are the largest integer and
// what it divides by.
func (t *target) groupScale(top reg.VecVirtual, scales reg.GPVirtual, first int) reg.VecVirtual {
	keep, inverse, scale := t.XMM(), t.XMM(), t.XMM()
	t.VMOVSS(global("quantizeConstants", 4), keep)
	t.VCMPSS(operand.Imm(notLess), keep, top, keep)
	t.VMOVSS(global("quantizeConstants", first), inverse)
	t.VDIVSS(top, inverse, inverse)
	t.VANDPS(keep, inverse, inverse)
	t.VMULSS(global("quantizeConstants", first+1), top, scale)
	t.VANDPS(keep, scale, scale)
	t.VMOVSS(scale, operand.Mem{Base: scales})
	return t.spreadLow(inverse)
}

// narrow stores the multiples of values as integers.
func (t *target) narrow(values []reg.VecVirtual, inverse reg.VecVirtual, q reg.GPVirtual) {
	for i, v := range values {
		t.VMULPS(inverse, v, v)
		t.VCVTPS2DQ(v, v)
		if t.wide() {
			t.VPMOVSDW(v, operand.Mem{Base: q, Disp: i * t.bytes() / 2})
		}
	}
	for i := 0; i < len(values) && !t.wide(); i += 2 {
		t.VPACKSSDW(values[i+1], values[i], values[i])
		t.VPERMQ(operand.U8(0xd8), values[i], values[i]) // it packs each half of the vectors by itself
		t.VMOVDQU(values[i], operand.Mem{Base: q, Disp: i / 2 * t.bytes()})
	}
}

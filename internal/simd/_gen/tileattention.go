package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func tileAttention(t *target) {
	tileKeys(t)
	tileValues(t)
	tileAttend(t)
}

// tileKeys transposes 16 keys of 16 pairs of values at a time.
func tileKeys(t *target) {
	t.amxFunction("tileKeys", "func(dst, key *uint16, stride, groups, blocks int)")
	dst, key, stride, blocks := t.value("dst"), t.value("key"), t.value("stride"), t.value("blocks")
	groups := t.value("groups")
	t.Label("block")
	from, left := t.GP64(), t.GP64()
	t.MOVQ(key, from)
	t.MOVQ(groups, left)
	t.Label("group")
	for r := range 16 {
		t.VMOVDQU32(operand.Mem{Base: from, Disp: r * rowBytes}, z(r))
	}
	t.transpose()
	for r := range 16 {
		t.VMOVDQU32(z(r), operand.Mem{Base: dst, Disp: r * rowBytes})
	}
	t.ADDQ(operand.I32(tileBytes), dst)
	t.ADDQ(stride, from)
	t.DECQ(left)
	t.JNZ(operand.LabelRef("group"))
	t.ADDQ(operand.I32(tileBytes), key)
	t.DECQ(blocks)
	t.JNZ(operand.LabelRef("block"))
	t.end()
}

// transpose does so with the 32-bit values of Z0 to Z15: inside quarters of registers first, then with whole quarters.
func (t *target) transpose() {
	for i := 0; i < 16; i += 2 {
		t.VPUNPCKLDQ(z(i+1), z(i), z(16+i))
		t.VPUNPCKHDQ(z(i+1), z(i), z(17+i))
	}
	for i := 0; i < 16; i += 4 {
		t.VPUNPCKLQDQ(z(18+i), z(16+i), z(i))
		t.VPUNPCKHQDQ(z(18+i), z(16+i), z(i+1))
		t.VPUNPCKLQDQ(z(19+i), z(17+i), z(i+2))
		t.VPUNPCKHQDQ(z(19+i), z(17+i), z(i+3))
	}
	const even, odd = 0x88, 0xdd
	for j := range 4 {
		t.VSHUFI32X4(operand.U8(even), z(4+j), z(j), z(16+4*j))
		t.VSHUFI32X4(operand.U8(odd), z(4+j), z(j), z(17+4*j))
		t.VSHUFI32X4(operand.U8(even), z(12+j), z(8+j), z(18+4*j))
		t.VSHUFI32X4(operand.U8(odd), z(12+j), z(8+j), z(19+4*j))
	}
	for j := range 4 {
		t.VSHUFI32X4(operand.U8(even), z(18+4*j), z(16+4*j), z(j))
		t.VSHUFI32X4(operand.U8(odd), z(18+4*j), z(16+4*j), z(8+j))
		t.VSHUFI32X4(operand.U8(even), z(19+4*j), z(17+4*j), z(4+j))
		t.VSHUFI32X4(operand.U8(odd), z(19+4*j), z(17+4*j), z(12+j))
	}
}

// tileValues puts the values of two keys next to each other. Keys beyond the text count as zero.
func tileValues(t *target) {
	t.amxFunction("tileValues", "func(dst, value *uint16, stride, groups, tokens int)")
	dst, value, tokens := t.value("dst"), t.value("value"), t.value("tokens")
	t.VMOVDQU32(operand.NewDataAddr(operand.Symbol{Name: "·tileInterleave"}, 0), z(4))
	t.VMOVDQU32(operand.NewDataAddr(operand.Symbol{Name: "·tileInterleave"}, rowBytes), z(5))
	t.Label("block")
	group, groups := t.GP64(), t.value("groups")
	t.MOVQ(value, group)
	t.Label("group")
	from, left, pairs := t.GP64(), t.GP64(), t.GP64()
	t.MOVQ(group, from)
	t.MOVQ(tokens, left)
	t.MOVQ(operand.U32(tileRows), pairs)
	t.Label("pair")
	t.VPXORD(z(0), z(0), z(0))
	t.VPXORD(z(1), z(1), z(1))
	t.CMPQ(left, operand.Imm(1))
	t.JL(operand.LabelRef("loaded"))
	t.VMOVDQU32(operand.Mem{Base: from}, z(0))
	t.JE(operand.LabelRef("loaded"))
	t.VMOVDQU32(operand.Mem{Base: from, Disp: rowBytes}, z(1))
	t.Label("loaded")
	t.VMOVDQU32(z(0), z(2))
	t.VPERMT2W(z(1), z(4), z(2))
	t.VPERMT2W(z(1), z(5), z(0))
	t.VMOVDQU32(z(2), operand.Mem{Base: dst})
	t.VMOVDQU32(z(0), operand.Mem{Base: dst, Disp: tileBytes})
	t.ADDQ(operand.Imm(rowBytes), dst)
	t.ADDQ(operand.I32(2*rowBytes), from)
	t.SUBQ(operand.Imm(2), left)
	t.DECQ(pairs)
	t.JNZ(operand.LabelRef("pair"))
	t.ADDQ(operand.I32(tileBytes), dst) // the second tile is written too
	t.ADDQ(t.value("stride"), group)
	t.DECQ(groups)
	t.JNZ(operand.LabelRef("group"))
	t.ADDQ(operand.I32(2*tileBytes), value)
	t.SUBQ(operand.Imm(blockRows), tokens)
	t.JG(operand.LabelRef("block"))
	t.end()
}

// Where the scratch of attention has what, besides the scores of 16 queries and 32 keys or their sums at the beginning.
const (
	shiftsAt = tileRows * panelBytes // the exponent that each query's are relative to
	totalsAt = shiftsAt + rowBytes   // a tile of the sums of weights
)

// Registers of constants and of the largest exponent.
const (
	scaleLanes   = 20
	exp2Lanes    = 21 // and the three after it
	lowestLanes  = 25
	largestLanes = 26
	oneLanes     = 27
)

// tileAttend takes up to 16 queries: block by block of 32 keys their scores, which become weights in the buffer of one block, then
// the weights times the values. Both kinds of work are independent from block to block, so the processor runs them side by side.
func tileAttend(t *target) {
	t.amxFunction("tileAttend", "func(context, query *uint16, stride int, keys, values, weights *uint16, groups, tokens, rows int, scale float32, bias, scratch *float32) bool")
	t.startTiles()
	t.attentionConstants()
	t.into("weights", reg.RSI)
	t.into("keys", reg.RBX)
	t.into("stride", reg.RDX)
	t.into("bias", reg.R8)
	t.into("tokens", reg.R9)
	t.into("scratch", reg.R14)
	t.Label("keys")
	t.scores()
	t.keyMasks()
	t.weighRows()
	t.ADDQ(operand.I32(tileBytes), reg.RSI)
	t.SUBQ(operand.Imm(blockRows), reg.R9)
	t.JG(operand.LabelRef("keys"))

	result := t.GP32()
	t.VBROADCASTSS(global("roughExp2Coeff", 4), z(0))
	t.VCMPPS(operand.U8(greater), z(0), z(largestLanes), reg.K1)
	t.KMOVW(reg.K1, result)
	t.TESTL(result, result)
	t.JNZ(operand.LabelRef("large"))
	t.weighValues()
	t.MOVB(operand.U8(1), reg.AL)
	t.JMP(operand.LabelRef("end"))
	t.Label("large")
	t.XORL(reg.EAX, reg.EAX)
	t.Label("end")
	t.Store(reg.AL, t.ReturnIndex(0))
	t.releaseTiles()
	t.end()
}

const greater = 14 // of VCMPPS: false for NaN

func (t *target) attentionConstants() {
	t.VBROADCASTSS(t.parameter("scale"), z(scaleLanes))
	for i := range 4 {
		t.VBROADCASTSS(global("roughExp2Coeff", i), z(exp2Lanes+i))
	}
	t.VBROADCASTSS(global("roughExp2Coeff", 5), z(oneLanes))
	t.VBROADCASTSS(global("expConst", 1), z(lowestLanes))
	t.VMOVAPS(z(lowestLanes), z(largestLanes))
}

// scores multiplies the queries with 32 keys and stores that at R14. BX moves on.
func (t *target) scores() {
	t.zeroTile(0)
	t.zeroTile(1)
	t.into("query", reg.R12)
	t.into("groups", reg.RAX)
	t.MOVQ(reg.RAX, reg.R13)
	t.SHLQ(operand.Imm(10), reg.R13)
	t.ADDQ(reg.RBX, reg.R13) // the second 16 keys
	t.Label("score")
	t.loadTile(tileAt{reg.R12, line, 0}, 4)
	t.loadTile(tileAt{reg.RBX, line, 0}, 6)
	t.multiplyTiles(4, 6, 0)
	t.loadTile(tileAt{reg.R13, line, 0}, 7)
	t.multiplyTiles(4, 7, 1)
	t.ADDQ(reg.RDX, reg.R12)
	t.ADDQ(operand.I32(tileBytes), reg.RBX)
	t.ADDQ(operand.I32(tileBytes), reg.R13)
	t.DECQ(reg.RAX)
	t.JNZ(operand.LabelRef("score"))
	t.MOVQ(reg.R13, reg.RBX)
	t.storeTile(0, tileAt{reg.R14, panelLine, 0})
	t.storeTile(1, tileAt{reg.R14, panelLine, rowBytes})
}

// keyMasks puts which of 32 keys belong to the text into K1 and K2: R9 are left.
func (t *target) keyMasks() {
	t.MOVQ(operand.U32(blockRows), reg.RCX)
	t.CMPQ(reg.R9, reg.RCX)
	t.CMOVQLT(reg.R9, reg.RCX)
	t.MOVQ(operand.U32(1), reg.RAX)
	t.SHLQ(reg.CL, reg.RAX)
	t.DECQ(reg.RAX)
	t.KMOVW(reg.EAX, reg.K1)
	t.SHRQ(operand.Imm(16), reg.RAX)
	t.KMOVW(reg.EAX, reg.K2)
}

// weighRows makes weights of the scores of one block: DI is at the scores of a row, R12 at its weights, AX at its bias, R15 at its
// shift; CX is 0 for the first block.
func (t *target) weighRows() {
	t.into("tokens", reg.RCX)
	t.SUBQ(reg.R9, reg.RCX)
	t.MOVQ(reg.R14, reg.RDI)
	t.MOVQ(reg.RSI, reg.R12)
	t.MOVQ(reg.R8, reg.RAX)
	t.LEAQ(operand.Mem{Base: reg.R14, Disp: shiftsAt}, reg.R15)
	t.into("rows", reg.R13)
	t.Label("weigh")
	t.VMOVUPS(operand.Mem{Base: reg.RDI}, z(0))
	t.VMOVUPS(operand.Mem{Base: reg.RDI, Disp: rowBytes}, z(1))
	t.addBias()
	t.TESTQ(reg.RCX, reg.RCX)
	t.JNZ(operand.LabelRef("shifted"))
	t.firstShift()
	t.Label("shifted")
	t.VBROADCASTSS(operand.Mem{Base: reg.R15}, z(2))
	for half := range 2 {
		keep := []reg.Register{reg.K1, reg.K2}[half]
		t.VFMSUB213PS(z(2), z(scaleLanes), z(half))
		t.VMAXPS(z(half), z(largestLanes), keep, z(largestLanes))
		t.roughExp2(half, 4+half, keep)
	}
	t.storeRounded(0, 1, operand.Mem{Base: reg.R12})
	t.ADDQ(operand.I32(panelBytes), reg.RDI)
	t.ADDQ(operand.Imm(rowBytes), reg.R12)
	t.ADDQ(operand.Imm(4), reg.R15)
	t.SUBQ(operand.Imm(4), reg.RAX) // the distance to the keys falls by one
	t.DECQ(reg.R13)
	t.JNZ(operand.LabelRef("weigh"))
	t.TESTQ(reg.R8, reg.R8)
	t.JZ(operand.LabelRef("weighed"))
	t.ADDQ(operand.I32(panelBytes), reg.R8)
	t.Label("weighed")
}

func (t *target) addBias() {
	t.TESTQ(reg.R8, reg.R8)
	t.JZ(operand.LabelRef("unbiased"))
	t.VMOVUPS_Z(operand.Mem{Base: reg.RAX}, reg.K1, z(2))
	t.VMOVUPS_Z(operand.Mem{Base: reg.RAX, Disp: rowBytes}, reg.K2, z(3))
	t.VADDPS(z(2), z(0), z(0))
	t.VADDPS(z(3), z(1), z(1))
	t.Label("unbiased")
}

// firstShift stores the largest exponent of a row at R15.
func (t *target) firstShift() {
	t.VMULPS(z(scaleLanes), z(0), z(2))
	t.VMULPS(z(scaleLanes), z(1), z(3))
	t.VBLENDMPS(z(2), z(lowestLanes), reg.K1, z(2))
	t.VBLENDMPS(z(3), z(lowestLanes), reg.K2, z(3))
	t.VMAXPS(z(3), z(2), z(2))
	t.VEXTRACTF64X4(operand.U8(1), z(2), reg.Y3)
	t.VMAXPS(reg.Y3, reg.Y2, reg.Y2)
	t.VEXTRACTF128(operand.U8(1), reg.Y2, reg.X3)
	t.VMAXPS(reg.X3, reg.X2, reg.X2)
	t.VMOVHLPS(reg.X2, reg.X2, reg.X3)
	t.VMAXPS(reg.X3, reg.X2, reg.X2)
	t.VMOVSHDUP(reg.X2, reg.X3)
	t.VMAXPS(reg.X3, reg.X2, reg.X2)
	t.VMOVSS(reg.X2, operand.Mem{Base: reg.R15})
}

// roughExp2 is 2^v in register v, 0 where it is not to be kept.
func (t *target) roughExp2(v, scratch int, keep reg.Register) {
	const floor = 1
	f, p := z(scratch), z(scratch+2)
	t.VREDUCEPS(operand.U8(floor), z(v), f)
	t.VMOVAPS(z(exp2Lanes+3), p)
	for i := 2; i >= 0; i-- {
		t.VFMADD213PS(z(exp2Lanes+i), f, p)
	}
	t.VSCALEFPS_Z(z(v), p, keep, z(v))
}

// weighValues multiplies the weights with the values, 32 columns at a time, and with ones, which gives their sums.
func (t *target) weighValues() {
	t.into("context", reg.RDI)
	t.into("values", reg.RBX)
	t.into("groups", reg.R13)
	t.MOVQ(reg.R13, reg.R8)
	t.SHLQ(operand.Imm(11), reg.R8) // from the values of a block to those of the next
	t.LEAQ(operand.NewDataAddr(operand.Symbol{Name: "·tileOnes"}, 0), reg.RAX)
	t.loadTile(tileAt{reg.RAX, line, 0}, 5)
	t.Label("columns")
	for _, tile := range []int{0, 2, 3} {
		t.zeroTile(tile)
	}
	t.into("weights", reg.RSI)
	t.into("tokens", reg.R9)
	t.MOVQ(reg.RBX, reg.R12)
	t.Label("sum")
	t.loadTile(tileAt{reg.RSI, line, 0}, 4)
	t.loadTile(tileAt{reg.R12, line, 0}, 6)
	t.multiplyTiles(4, 6, 2)
	t.loadTile(tileAt{reg.R12, line, tileBytes}, 7)
	t.multiplyTiles(4, 7, 3)
	t.multiplyTiles(4, 5, 0)
	t.ADDQ(operand.I32(tileBytes), reg.RSI)
	t.ADDQ(reg.R8, reg.R12)
	t.SUBQ(operand.Imm(blockRows), reg.R9)
	t.JG(operand.LabelRef("sum"))
	t.storeTile(2, tileAt{reg.R14, panelLine, 0})
	t.storeTile(3, tileAt{reg.R14, panelLine, rowBytes})
	t.storeTile(0, tileAt{reg.R14, line, totalsAt})
	t.divideRows()
	t.ADDQ(operand.I32(2*tileBytes), reg.RBX)
	t.ADDQ(reg.RDX, reg.RDI)
	t.DECQ(reg.R13)
	t.JNZ(operand.LabelRef("columns"))
}

// divideRows writes the sums at R14, divided by those of the weights, to rows at DI.
func (t *target) divideRows() {
	t.MOVQ(reg.R14, reg.RAX)
	t.LEAQ(operand.Mem{Base: reg.R14, Disp: totalsAt}, reg.R15)
	t.MOVQ(reg.RDI, reg.R12)
	t.into("rows", reg.RCX)
	t.Label("divide")
	t.VDIVPS(operand.Mem{Base: reg.R15}, z(oneLanes), z(2))
	t.VMULPS(operand.Mem{Base: reg.RAX}, z(2), z(0))
	t.VMULPS(operand.Mem{Base: reg.RAX, Disp: rowBytes}, z(2), z(1))
	t.storeRounded(0, 1, operand.Mem{Base: reg.R12})
	t.ADDQ(operand.I32(panelBytes), reg.RAX)
	t.ADDQ(operand.Imm(rowBytes), reg.R15)
	t.ADDQ(operand.Imm(rowBytes), reg.R12)
	t.DECQ(reg.RCX)
	t.JNZ(operand.LabelRef("divide"))
}

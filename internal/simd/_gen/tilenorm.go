package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tileNorm makes three passes over the sums of a row, which stay in the first-level cache: adding the row itself, squares about
// the mean, scaling. Two chains of 16 lanes each add up the halves of the groups.
func tileNorm(t *target) {
	t.amxFunction("tileNorm", "func(x *uint16, stride int, sums *float32, sumStride int, gamma, beta *float32, groups, tail, rows int, epsilon, inverse float32)")
	n := &tileNormEmitter{target: t, x: t.value("x"), sums: t.value("sums"), rows: t.value("rows"), groups: t.value("groups")}
	n.tailMasks()
	t.Label("row")
	n.mean()
	n.factor()
	n.scale()
	t.ADDQ(operand.Imm(rowBytes), n.x)
	t.ADDQ(operand.I32(panelBytes), n.sums)
	t.DECQ(n.rows)
	t.JNZ(operand.LabelRef("row"))
	t.end()
}

type tileNormEmitter struct {
	*target
	x, sums, rows, groups reg.GPVirtual
}

const (
	meanLanes   = 6
	factorLanes = 7
)

// tailMasks puts the columns of the last group into K1 and K2.
func (n *tileNormEmitter) tailMasks() {
	bits := n.GP64()
	n.into("tail", reg.RCX)
	n.MOVQ(operand.U32(1), bits)
	n.SHLQ(reg.CL, bits)
	n.DECQ(bits)
	n.KMOVW(bits.As32(), reg.K1)
	n.SHRQ(operand.Imm(16), bits)
	n.KMOVW(bits.As32(), reg.K2)
}

// each emits body for every group of a row.
func (n *tileNormEmitter) each(name string, body func(x, sums reg.GPVirtual, last bool)) {
	x, sums, left := n.GP64(), n.GP64(), n.GP64()
	n.MOVQ(n.x, x)
	n.MOVQ(n.sums, sums)
	n.MOVQ(n.groups, left)
	n.Label(name)
	n.CMPQ(left, operand.Imm(1))
	n.JE(operand.LabelRef(name + "_last"))
	body(x, sums, false)
	n.ADDQ(n.value("stride"), x)
	n.ADDQ(n.value("sumStride"), sums)
	n.DECQ(left)
	n.JMP(operand.LabelRef(name))
	n.Label(name + "_last")
	body(x, sums, true)
}

func (n *tileNormEmitter) mean() {
	n.VPXORD(z(4), z(4), z(4))
	n.VPXORD(z(5), z(5), z(5))
	n.each("add", func(x, sums reg.GPVirtual, _ bool) {
		for half := range 2 {
			own := z(2 + half)
			at := operand.Mem{Base: sums, Disp: half * rowBytes}
			n.VPMOVZXWD(operand.Mem{Base: x, Disp: half * rowBytes / 2}, own)
			n.VPSLLD(operand.Imm(16), own, own)
			n.VADDPS(at, own, own)
			n.VMOVUPS(own, at)
			n.VADDPS(own, z(4+half), z(4+half))
		}
	})
	n.VADDPS(z(5), z(4), z(4))
	n.foldLanes(4, 5)
	n.VMULSS(n.parameter("inverse"), reg.X4, reg.X4)
	n.VBROADCASTSS(reg.X4, z(meanLanes))
}

// foldLanes adds the lanes of register v into its lowest one.
func (t *target) foldLanes(v, scratch int) {
	low := []reg.VecPhysical{reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7}
	half := []reg.VecPhysical{reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7}
	t.VEXTRACTF64X4(operand.U8(1), z(v), half[scratch])
	t.VADDPS(half[scratch], half[v], half[v])
	t.VEXTRACTF128(operand.U8(1), half[v], low[scratch])
	t.VADDPS(low[scratch], low[v], low[v])
	t.VMOVHLPS(low[v], low[v], low[scratch])
	t.VADDPS(low[scratch], low[v], low[v])
	t.VMOVSHDUP(low[v], low[scratch])
	t.VADDPS(low[scratch], low[v], low[v])
}

func (n *tileNormEmitter) factor() {
	n.VPXORD(z(4), z(4), z(4))
	n.VPXORD(z(5), z(5), z(5))
	n.each("square", func(_, sums reg.GPVirtual, last bool) {
		for half := range 2 {
			off := z(2 + half)
			at := operand.Mem{Base: sums, Disp: half * rowBytes}
			n.VMOVUPS(at, off)
			n.VSUBPS(z(meanLanes), off, off)
			n.VMOVUPS(off, at)
			if last {
				n.VFMADD231PS(off, off, []reg.Register{reg.K1, reg.K2}[half], z(4+half))
			} else {
				n.VFMADD231PS(off, off, z(4+half))
			}
		}
	})
	n.VADDPS(z(5), z(4), z(4))
	n.foldLanes(4, 5)
	bits := n.GP32()
	n.VMOVSS(n.parameter("inverse"), reg.X5)
	n.VMOVSS(n.parameter("epsilon"), reg.X3)
	n.VFMADD213SS(reg.X3, reg.X5, reg.X4)
	n.VSQRTSS(reg.X4, reg.X4, reg.X4)
	n.MOVL(operand.U32(0x3f800000), bits) // 1
	n.VMOVD(bits, reg.X5)
	n.VDIVSS(reg.X4, reg.X5, reg.X4)
	n.VBROADCASTSS(reg.X4, z(factorLanes))
}

func (n *tileNormEmitter) scale() {
	gamma, beta := n.value("gamma"), n.value("beta")
	n.each("scale", func(x, sums reg.GPVirtual, _ bool) {
		for half := range 2 {
			v := z(half)
			n.VMULPS(operand.Mem{Base: sums, Disp: half * rowBytes}, z(factorLanes), v)
			n.VMOVUPS(operand.Mem{Base: gamma, Disp: half * rowBytes}, z(2))
			n.VFMADD213PS(operand.Mem{Base: beta, Disp: half * rowBytes}, z(2), v)
		}
		n.storeRounded(0, 1, operand.Mem{Base: x})
		n.ADDQ(operand.I32(panelBytes), gamma)
		n.ADDQ(operand.I32(panelBytes), beta)
	})
}

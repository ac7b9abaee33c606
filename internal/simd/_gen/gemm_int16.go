package main

import (
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	pairBytes   = 4  // two values of a row, or four of int8
	groupPairs  = 32 // in a group of values that share a scale
	weightBytes = 64 // pairs of weights of the panel's 32 columns

	panelAhead = 3072 // bytes of weights between those that are read and those that are fetched, in the next panel at the end of one
)

// gemmInt16 is gemm for int16: where that multiplies one value of a row with one row of the panel, this multiplies two and
// adds the products as integers. Weights are widened as they are read: the panels of a small model are more than a cache takes, and
// what a few rows wait for is memory. At the end of each group the sums become float32, are scaled, and are added to c. AVX-512
// VNNI multiplies and adds in one instruction, AVX2 in two.
func gemmInt16(t *target) {
	t.function("gemmInt16", "func(c *float32, ldc int, a *int16, aScales *float32, aStride int, panel *int8, scales, bias *float32, m, groups int)")
	g := &int16Emitter{integerEmitter{gemmEmitter{target: t, rows: 12}}}
	if !t.wide() {
		g.rows = 6
	}
	g.c, g.a, g.m = t.value("c"), t.value("a"), t.value("m")
	g.ldc, g.lda = t.value("ldc"), t.value("groups")
	t.SHLQ(operand.Imm(2), g.ldc)
	t.SHLQ(operand.Imm(7), g.lda)
	g.dispatch(func(rows int) { g.block(rows, g.group) })
}

type int16Emitter struct{ integerEmitter }

// group multiplies a group of each row with its part of the panel.
func (g *int16Emitter) group(rows int, at groupPlace) [][2]reg.VecVirtual {
	sums, steps := g.zeroSums(rows), g.GP64()
	g.MOVQ(operand.U32(groupPairs), steps)
	g.loop(string(label("rows%d_pairs", rows)), steps, unroll, func() {
		for i := range unroll {
			g.step(sums, at.rows, at.panel, i)
		}
		g.ADDQ(operand.I32(unroll*weightBytes), at.panel)
		for _, p := range at.rows {
			g.ADDQ(operand.I32(unroll*pairBytes), p)
		}
	})
	return sums
}

// integerEmitter is what products of integers have in common, whatever their width: sums of a group that are exact, and
// scales.
type integerEmitter struct{ gemmEmitter }

// groupPlace are pointers into a group: of the rows, as at wants them, and of their scales, of the panel and of its scales.
type groupPlace struct {
	rows                     []reg.GPVirtual
	rowScales, panel, scales reg.GPVirtual
}

// block computes rows outputs rows and goes on with the next block. The sums of a group are those that group makes, which
// also moves the pointers of rows and panel on.
func (g *integerEmitter) block(rows int, group func(rows int, at groupPlace) [][2]reg.VecVirtual) {
	scales := g.rowScales()
	g.startRows(rows)
	at, groups := groupPlace{rowScales: scales, panel: g.value("panel"), scales: g.value("scales")}, g.value("groups")
	at.rows = g.rowPointers(rows)
	g.loop(string(label("rows%d_group", rows)), groups, 1, func() {
		g.scaleSums(group(rows, at), scales, at.scales)
	})
	g.LEAQ(operand.Mem{Base: at.rows[(rows-1)/3]}, g.a) // it stands at the end of its row
	for range (rows - 1) % 3 {
		g.ADDQ(g.lda, g.a)
	}
	g.nextRows(rows, 1)
	g.SUBQ(operand.Imm(uint64(rows)), g.m)
	g.JNZ(operand.LabelRef("next"))
	g.end()
}

// rowScales points at the first group's scale of the block's first row.
func (g *integerEmitter) rowScales() reg.GPVirtual {
	scales, done := g.value("aScales"), g.value("m")
	g.SUBQ(g.m, done)
	g.LEAQ(operand.Mem{Base: scales, Index: done, Scale: 4}, scales)
	return scales
}

// startRows sets the rows of c to the bias.
func (g *integerEmitter) startRows(rows int) {
	bias, low, high := g.value("bias"), g.vec(), g.vec()
	g.VMOVUPS(operand.Mem{Base: bias}, low)
	g.VMOVUPS(operand.Mem{Base: bias, Disp: g.bytes()}, high)
	for range rows {
		g.VMOVUPS(low, operand.Mem{Base: g.c})
		g.VMOVUPS(high, operand.Mem{Base: g.c, Disp: g.bytes()})
		g.ADDQ(g.ldc, g.c)
	}
	g.nextRows(rows, -1)
}

// nextRows moves c on by the rows of a block, or back.
func (g *integerEmitter) nextRows(rows, direction int) {
	skip := g.GP64()
	g.IMUL3Q(operand.U32(uint32(rows)), g.ldc, skip)
	if direction > 0 {
		g.ADDQ(skip, g.c)
	} else {
		g.SUBQ(skip, g.c)
	}
}

func (g *integerEmitter) zeroSums(rows int) [][2]reg.VecVirtual {
	sums := make([][2]reg.VecVirtual, rows)
	for i := range sums {
		sums[i] = [2]reg.VecVirtual{g.vec(), g.vec()}
		for _, s := range sums[i] {
			g.VXORPS(s, s, s)
		}
	}
	return sums
}

// step adds the products of two values of each row with two rows of the weights.
func (g *int16Emitter) step(sums [][2]reg.VecVirtual, pointers []reg.GPVirtual, panel reg.GPVirtual, i int) {
	low, high, values := g.vec(), g.vec(), g.vec()
	g.PREFETCHT0(operand.Mem{Base: panel, Disp: i*weightBytes + panelAhead})
	g.VPMOVSXBW(operand.Mem{Base: panel, Disp: i * weightBytes}, low)
	g.VPMOVSXBW(operand.Mem{Base: panel, Disp: i*weightBytes + g.bytes()/2}, high)
	for row, s := range sums {
		g.VPBROADCASTD(g.at(pointers, row, pairBytes*i), values)
		if g.wide() {
			g.addProducts("VPDPWSSD", low, values, s[0])
			g.addProducts("VPDPWSSD", high, values, s[1])
			continue
		}
		products := g.vec()
		g.VPMADDWD(low, values, products)
		g.VPADDD(products, s[0], s[0])
		g.VPMADDWD(high, values, values)
		g.VPADDD(values, s[1], s[1])
	}
}

// scaleSums adds the sums of a group to c, and moves both kinds of scales on to the next group.
func (g *integerEmitter) scaleSums(sums [][2]reg.VecVirtual, scales, panelScales reg.GPVirtual) {
	var columns [2]reg.VecVirtual
	for half := range columns {
		columns[half] = g.vec()
		g.VMOVUPS(operand.Mem{Base: panelScales, Disp: half * g.bytes()}, columns[half])
	}
	for row, s := range sums {
		scale := g.vec()
		g.VBROADCASTSS(operand.Mem{Base: scales, Disp: 4 * row}, scale)
		for half := range s {
			product := g.vec()
			g.VMULPS(columns[half], scale, product)
			g.VCVTDQ2PS(s[half], s[half])
			g.VFMADD213PS(operand.Mem{Base: g.c, Disp: half * g.bytes()}, product, s[half])
			g.VMOVUPS(s[half], operand.Mem{Base: g.c, Disp: half * g.bytes()})
		}
		g.ADDQ(g.ldc, g.c)
	}
	g.nextRows(len(sums), -1)
	g.ADDQ(operand.I32(panelBytes), panelScales)
	stride := g.value("aStride")
	g.LEAQ(operand.Mem{Base: scales, Index: stride, Scale: 4}, scales)
}

// addProducts is VPDPWSSD, for pairs of int16, or VPDPBUSD, for four of int8. avo knows neither.
func (g *integerEmitter) addProducts(opcode string, weights, values, sums operand.Op) {
	operands := []operand.Op{weights, values, sums}
	g.Instruction(&ir.Instruction{
		Opcode: opcode, Operands: operands, Inputs: operands, Outputs: operands[2:], ISA: []string{"AVX512VNNI"},
	})
}

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	panelBytes = 128 // one row of a panel
	unroll     = 4   // steps of k between two tests of the counter
)

// gemm multiplies rows of a with two vectors of columns: a whole panel for AVX-512, half of one for AVX2. It keeps a block
// of rows × 2 accumulators in registers, as many as there are registers for.
func gemm(t *target) {
	t.function("gemm", "func(c *float32, ldc int, a *float32, lda int, panel, bias *float32, m, k int)")
	g := &gemmEmitter{target: t, rows: 12}
	if !t.wide() {
		g.rows = 6
	}
	g.c, g.a, g.m = t.value("c"), t.value("a"), t.value("m")
	g.ldc, g.lda = t.value("ldc"), t.value("lda")
	t.SHLQ(operand.Imm(2), g.ldc)
	t.SHLQ(operand.Imm(2), g.lda)
	g.dispatch(g.block)
}

// dispatch takes the rows block by block. Each size of a block has code of its own, which goes on at the label next.
func (g *gemmEmitter) dispatch(block func(rows int)) {
	g.Label("next")
	chosen := g.chooseRows()
	for rows := g.rows; rows > 0; rows-- {
		g.CMPQ(chosen, operand.Imm(uint64(rows)))
		g.JEQ(label("rows%d", rows))
	}
	g.end() // m was 0
	for rows := g.rows; rows > 0; rows-- {
		g.Label(string(label("rows%d", rows)))
		block(rows)
	}
}

type gemmEmitter struct {
	*target
	rows     int // of the largest block
	c, a, m  reg.GPVirtual
	ldc, lda reg.GPVirtual // in bytes
}

// chooseRows computes the number of rows of the next block. Cutting full blocks until few rows are left would end with
// blocks of too few accumulators to hide the latency of a multiply-add, so the last three blocks share the rows.
func (g *gemmEmitter) chooseRows() reg.GPVirtual {
	block, chosen := g.GP64(), operand.LabelRef("chosen")
	g.MOVQ(g.m, block)
	g.CMPQ(block, operand.Imm(uint64(g.rows)))
	g.JLE(chosen)
	g.INCQ(block)
	g.SHRQ(operand.Imm(1), block)
	g.CMPQ(block, operand.Imm(uint64(g.rows)))
	g.JLE(chosen)
	g.MOVQ(operand.U32(uint32(g.rows-1)), block)
	g.CMPQ(g.m, operand.Imm(uint64(3*g.rows)))
	g.JLT(chosen)
	g.MOVQ(operand.U32(uint32(g.rows)), block)
	g.Label("chosen")
	return block
}

// block computes rows outputs rows and goes on with the next block.
func (g *gemmEmitter) block(rows int) {
	sums := g.startSums(rows)
	panel, steps := g.value("panel"), g.value("k")
	pointers := g.rowPointers(rows)
	g.loop(string(label("rows%d_unrolled", rows)), steps, unroll, func() {
		for i := range unroll {
			g.step(sums, pointers, panel, i)
		}
		g.advance(pointers, panel, unroll)
	})
	g.loop(string(label("rows%d_single", rows)), steps, 1, func() {
		g.step(sums, pointers, panel, 0)
		g.advance(pointers, panel, 1)
	})
	for _, s := range sums {
		g.VMOVUPS(s[0], operand.Mem{Base: g.c})
		g.VMOVUPS(s[1], operand.Mem{Base: g.c, Disp: g.bytes()})
		g.ADDQ(g.ldc, g.c)
	}
	skip := g.GP64()
	g.IMUL3Q(operand.U32(uint32(rows)), g.lda, skip)
	g.ADDQ(skip, g.a)
	g.SUBQ(operand.Imm(uint64(rows)), g.m)
	g.JNZ(operand.LabelRef("next"))
	g.end()
}

func (g *gemmEmitter) startSums(rows int) [][2]reg.VecVirtual {
	bias := g.value("bias")
	sums := make([][2]reg.VecVirtual, rows)
	for i := range sums {
		for half := range sums[i] {
			sums[i][half] = g.vec()
			g.VMOVUPS(operand.Mem{Base: bias, Disp: half * g.bytes()}, sums[i][half])
		}
	}
	return sums
}

// rowPointers holds every third row of the block; the two after it are one and two strides away.
func (g *gemmEmitter) rowPointers(rows int) []reg.GPVirtual {
	stride := g.GP64()
	if rows > 3 {
		g.LEAQ(operand.Mem{Base: g.lda, Index: g.lda, Scale: 2}, stride)
	}
	var pointers []reg.GPVirtual
	for i := 0; i < rows; i += 3 {
		p := g.GP64()
		if i == 0 {
			g.MOVQ(g.a, p)
		} else {
			g.LEAQ(operand.Mem{Base: pointers[len(pointers)-1], Index: stride, Scale: 1}, p)
		}
		pointers = append(pointers, p)
	}
	return pointers
}

// step adds the products of one value of each row with one row of the panel.
func (g *gemmEmitter) step(sums [][2]reg.VecVirtual, pointers []reg.GPVirtual, panel reg.GPVirtual, i int) {
	low, high, value := g.vec(), g.vec(), g.vec()
	g.VMOVUPS(operand.Mem{Base: panel, Disp: i * panelBytes}, low)
	g.VMOVUPS(operand.Mem{Base: panel, Disp: i*panelBytes + g.bytes()}, high)
	for row, s := range sums {
		g.VBROADCASTSS(g.at(pointers, row, 4*i), value)
		g.VFMADD231PS(low, value, s[0])
		g.VFMADD231PS(high, value, s[1])
	}
}

// at is what lies some bytes after the pointer of a row.
func (g *gemmEmitter) at(pointers []reg.GPVirtual, row, bytes int) operand.Mem {
	at := operand.Mem{Base: pointers[row/3], Disp: bytes}
	if row%3 > 0 {
		at = at.Idx(g.lda, uint8(row%3))
	}
	return at
}

func (g *gemmEmitter) advance(pointers []reg.GPVirtual, panel reg.GPVirtual, steps int) {
	g.ADDQ(operand.I32(steps*panelBytes), panel)
	for _, p := range pointers {
		g.ADDQ(operand.I32(4*steps), p)
	}
}

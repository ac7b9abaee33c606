package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	lineBytes = 64 // of a cache line, and what a step takes of a row
	ahead     = 4  // rows between the one that is read and the one that is fetched

	farAhead = 1536 // bytes between them where rows are contiguous: what lies behind the last is no fault to fetch
)

// dotRows and dotBlock widen the row's bytes to words, multiply them with the query's and add the products of neighbours
// into doublewords.
func dotRows(t *target) {
	scattered(t)
	contiguous(t)
}

// scattered reads rows from anywhere: while it works on one, those that come after it are on their way from memory.
func scattered(t *target) {
	t.function("dotRows", "func(out []int32, query []int16, rows []*int8)")
	out, rows, left := t.base("out"), t.base("rows"), t.length("out")
	row, next, last := t.GP64(), t.GP64(), t.GP64()
	t.TESTQ(left, left)
	t.JZ(operand.LabelRef("end"))
	t.LEAQ(operand.Mem{Base: rows, Disp: -8, Index: t.length("rows"), Scale: 8}, last)
	t.fetchFirst(rows, last)
	t.Label("row")
	t.LEAQ(operand.Mem{Base: rows, Disp: 8 * ahead}, next)
	t.CMPQ(next, last)
	t.CMOVQGT(last, next)
	t.MOVQ(operand.Mem{Base: next}, next)
	t.MOVQ(operand.Mem{Base: rows}, row)
	t.dotRow("scattered", row, next, out)
	t.ADDQ(operand.Imm(8), rows)
	t.DECQ(left)
	t.JNZ(operand.LabelRef("row"))
	t.Label("end")
	t.end()
}

// fetchFirst asks for the first rows.
func (t *target) fetchFirst(rows, last reg.GPVirtual) {
	for i := range ahead {
		row, n := t.GP64(), t.length("query")
		t.LEAQ(operand.Mem{Base: rows, Disp: 8 * i}, row)
		t.CMPQ(row, last)
		t.CMOVQGT(last, row)
		t.MOVQ(operand.Mem{Base: row}, row)
		t.loop(string(label("first%d", i)), n, lineBytes, func() {
			t.PREFETCHT0(operand.Mem{Base: row})
			t.ADDQ(operand.Imm(lineBytes), row)
		})
	}
}

// contiguous reads one row after the other. The processor foresees that, but stops at the end of each page, and begins slowly.
func contiguous(t *target) {
	t.function("dotBlock", "func(out []int32, query []int16, block []int8)")
	out, row, left := t.base("out"), t.base("block"), t.length("out")
	t.TESTQ(left, left)
	t.JZ(operand.LabelRef("end"))
	t.Label("row")
	t.dotRow("contiguous", row, nil, out)
	t.DECQ(left)
	t.JNZ(operand.LabelRef("row"))
	t.Label("end")
	t.end()
}

// dotRow stores the product of the query and a row at out, moves both on, and fetches what lies at next or, if that is not given,
// some way behind.
func (t *target) dotRow(name string, row, next, out reg.Register) {
	var sums [4]reg.VecVirtual
	for i := range sums {
		sums[i] = t.zero()
	}
	query, n := t.base("query"), t.length("query")
	step := t.lanes * 2 // values of 16 bits in a vector
	t.loop(name, n, lineBytes, func() {
		if next != nil {
			t.PREFETCHT0(operand.Mem{Base: next})
			t.ADDQ(operand.Imm(lineBytes), next)
		} else {
			t.PREFETCHT0(operand.Mem{Base: row, Disp: farAhead})
		}
		for i := range lineBytes / step {
			v := t.vec()
			t.VPMOVSXBW(operand.Mem{Base: row, Disp: i * step}, v)
			t.VPMADDWD(operand.Mem{Base: query, Disp: 2 * i * step}, v, v)
			t.VPADDD(v, sums[i], sums[i])
		}
		t.ADDQ(operand.Imm(lineBytes), row)
		t.ADDQ(operand.I32(2*lineBytes), query)
	})
	t.addInts(sums[1], sums[0])
	t.addInts(sums[3], sums[2])
	t.addInts(sums[2], sums[0])
	t.VMOVD(t.sumInts(sums[0]), operand.Mem{Base: out})
	t.ADDQ(operand.Imm(4), out)
}

func (t *target) addInts(from, to reg.VecVirtual) { t.VPADDD(from, to, to) }

// sumInts adds the lanes of v into its lowest one.
func (t *target) sumInts(v reg.VecVirtual) reg.Register { return t.reduce(v, t.VPADDD).AsX() }

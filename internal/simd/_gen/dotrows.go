package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	lineBytes = 64 // of a cache line, and what a step takes of a row
	groupSize = 64 // values of a row whose first and second half share bytes
	ahead     = 8  // rows between the one that is read and the one that is fetched

	farAhead = 1536 // bytes between them where rows are contiguous: what lies behind the last is no fault to fetch
)

// dotRows and dotBlock widen the row's bytes to words, take them apart, multiply the values with the query's and add the products
// of neighbours into doublewords.
func dotRows(t *target) {
	scattered(t)
	contiguous(t)
}

// scattered reads rows from anywhere: while it works on one, those that come after it are on their way from memory.
func scattered(t *target) {
	t.function("dotRows", "func(out []int32, query []int16, rows []*uint8)")
	out, rows, left := t.base("out"), t.base("rows"), t.length("out")
	row, next, last := t.GP64(), t.GP64(), t.GP64()
	t.TESTQ(left, left)
	t.JZ(operand.LabelRef("end"))
	t.LEAQ(operand.Mem{Base: rows, Disp: -8, Index: t.length("rows"), Scale: 8}, last)
	t.fetchFirst(rows, last)
	low := t.words(15)
	t.Label("row")
	t.LEAQ(operand.Mem{Base: rows, Disp: 8 * ahead}, next)
	t.CMPQ(next, last)
	t.CMOVQGT(last, next)
	t.MOVQ(operand.Mem{Base: next}, next)
	t.MOVQ(operand.Mem{Base: rows}, row)
	t.dotRow("scattered", row, next, out, low)
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
		t.loop(string(label("first%d", i)), n, 2*lineBytes, func() {
			t.PREFETCHT0(operand.Mem{Base: row})
			t.ADDQ(operand.Imm(lineBytes), row)
		})
	}
}

// contiguous reads one row after the other. The processor foresees that, but stops at the end of each page, and begins slowly.
func contiguous(t *target) {
	t.function("dotBlock", "func(out []int32, query []int16, block []uint8)")
	out, row, left := t.base("out"), t.base("block"), t.length("out")
	t.TESTQ(left, left)
	t.JZ(operand.LabelRef("end"))
	low := t.words(15)
	t.Label("row")
	t.dotRow("contiguous", row, nil, out, low)
	t.DECQ(left)
	t.JNZ(operand.LabelRef("row"))
	t.Label("end")
	t.end()
}

// dotRow stores the product of the query and a row at out, moves both on, and fetches what lies at next or, if that is not given,
// some way behind.
func (t *target) dotRow(name string, row, next, out reg.Register, low reg.VecVirtual) {
	var sums [4]reg.VecVirtual
	for i := range sums {
		sums[i] = t.zero()
	}
	query, n := t.base("query"), t.length("query")
	step := t.lanes * 2 // bytes of a row that fill a vector with words
	t.loop(name, n, 2*lineBytes, func() {
		if next != nil {
			t.PREFETCHT0(operand.Mem{Base: next})
			t.ADDQ(operand.Imm(lineBytes), next)
		} else {
			t.PREFETCHT0(operand.Mem{Base: row, Disp: farAhead})
		}
		for i := range lineBytes / step {
			first, second := t.vec(), t.vec()
			t.VPMOVZXBW(operand.Mem{Base: row, Disp: i * step}, second)
			t.and(low, second, first)
			t.VPSRLW(operand.Imm(4), second, second)
			for half, v := range []reg.VecVirtual{first, second} {
				t.VPMADDWD(operand.Mem{Base: query, Disp: 2 * valueAt(i*step, half)}, v, v)
				sum := sums[(2*i+half)%len(sums)]
				t.VPADDD(v, sum, sum)
			}
		}
		t.ADDQ(operand.Imm(lineBytes), row)
		t.ADDQ(operand.I32(4*lineBytes), query)
	})
	t.addInts(sums[1], sums[0])
	t.addInts(sums[3], sums[2])
	t.addInts(sums[2], sums[0])
	t.VMOVD(t.sumInts(sums[0]), operand.Mem{Base: out})
	t.ADDQ(operand.Imm(4), out)
}

// valueAt is which value of a row stands in the lower or the upper half of a byte.
func valueAt(position, half int) int {
	group := groupSize / 2 // bytes
	return position/group*groupSize + position%group + half*group
}

// words fills a vector with a 16-bit value.
func (t *target) words(value uint16) reg.VecVirtual {
	bits, x := t.GP32(), t.XMM()
	t.MOVL(operand.U32(uint32(value)|uint32(value)<<16), bits)
	t.VMOVD(bits, x)
	return t.spreadLow(x)
}

func (t *target) addInts(from, to reg.VecVirtual) { t.VPADDD(from, to, to) }

// sumInts adds the lanes of v into its lowest one.
func (t *target) sumInts(v reg.VecVirtual) reg.Register { return t.reduce(v, t.VPADDD).AsX() }

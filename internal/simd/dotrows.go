package simd

import (
	"math"
	"unsafe"
)

// RowStep is what the lengths of DotRows and DotBlock are multiples of: the bytes of a cache line.
const RowStep = 64

// DotRows puts the inner product of query and rows[i] into out[i]. The rows, each as long as query, may lie anywhere: while
// one is multiplied, the four after it are fetched. Sums are kept in int32: with |row| ≤ 127, values of query up to
// MaxQueryValue(len(query)) cannot overflow. It panics if there are not as many rows as places in out, or len(query) is no
// multiple of RowStep. That a row is long enough cannot be checked: it is the caller's duty.
func DotRows(out []int32, query []int16, rows []*int8) {
	if len(out) != len(rows) || len(query)%RowStep != 0 {
		panic("simd: DotRows: lengths do not fit")
	}
	switch {
	case hasAVX512:
		dotRowsAVX512(out, query, rows)
	case hasAVX2:
		dotRowsAVX2(out, query, rows)
	default:
		for i, row := range rows {
			out[i] = dotInt8(query, unsafe.Slice(row, len(query)))
		}
	}
}

// DotBlock is DotRows for len(out) rows that lie one after the other in block. It panics if block is not that long.
func DotBlock(out []int32, query []int16, block []int8) {
	if len(block) != len(out)*len(query) || len(query)%RowStep != 0 {
		panic("simd: DotBlock: lengths do not fit")
	}
	switch {
	case hasAVX512:
		dotBlockAVX512(out, query, block)
	case hasAVX2:
		dotBlockAVX2(out, query, block)
	default:
		for i := range out {
			out[i] = dotInt8(query, block[i*len(query):][:len(query)])
		}
	}
}

// MaxQueryValue is the largest absolute value with which the product of n values and a row cannot overflow.
func MaxQueryValue(n int) int { return min(math.MaxInt16, math.MaxInt32/(128*max(n, 1))) }

func dotInt8(a []int16, b []int8) int32 {
	b = b[:len(a)]
	var sum int32
	for i, v := range a {
		sum += int32(v) * int32(b[i])
	}
	return sum
}

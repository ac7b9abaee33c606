package simd

import (
	"math"
	"unsafe"
)

// A row is half of each of a vector's int8 values, as Split makes it: of every 64 values, 32 bytes hold the first 32 in their lower
// and the others in their upper four bits.

// RowStep is what the lengths of vectors in rows are multiples of: the values whose halves fill a cache line.
const RowStep = 128

const groupSize = 64

// DotRows puts the inner product of query and rows[i] into out[i]. The rows, with as many values from 0 to 15 as query, may lie
// anywhere: while one is multiplied, the eight after it are fetched. Sums are kept in int32: values of query up to
// MaxQueryValue(len(query)) cannot overflow. It panics if there are not as many rows as places in out, or len(query) is no
// multiple of RowStep. That a row is long enough cannot be checked: it is the caller's duty.
func DotRows(out []int32, query []int16, rows []*uint8) {
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
			out[i] = dotRow(query, unsafe.Slice(row, len(query)/2))
		}
	}
}

// DotBlock is DotRows for len(out) rows that lie one after the other in block. It panics if block is not that long.
func DotBlock(out []int32, query []int16, block []uint8) {
	if len(block) != len(out)*len(query)/2 || len(query)%RowStep != 0 {
		panic("simd: DotBlock: lengths do not fit")
	}
	switch {
	case hasAVX512:
		dotBlockAVX512(out, query, block)
	case hasAVX2:
		dotBlockAVX2(out, query, block)
	default:
		for i := range out {
			out[i] = dotRow(query, block[i*len(query)/2:][:len(query)/2])
		}
	}
}

// MaxQueryValue is the largest absolute value with which the product of n values and a row cannot overflow.
func MaxQueryValue(n int) int { return min(math.MaxInt16, math.MaxInt32/(16*max(n, 1))) }

func dotRow(query []int16, row []uint8) int32 {
	var sum int32
	for len(row) > 0 {
		first, second := query[:groupSize/2], query[groupSize/2:groupSize]
		for i, both := range row[:groupSize/2] {
			sum += int32(first[i])*int32(both&15) + int32(second[i])*int32(both>>4)
		}
		query, row = query[groupSize:], row[groupSize/2:]
	}
	return sum
}

// Split makes rows of the upper and the lower four bits of a vector's values, after 128 was added to each: a value is
// 16·high + low − 128. It panics if the rows are not half as long as the vector, or that is no multiple of RowStep.
func Split(high, low []uint8, vector []int8) {
	if len(high) != len(low) || 2*len(high) != len(vector) || len(vector)%RowStep != 0 {
		panic("simd: Split: lengths do not fit")
	}
	for at := 0; at < len(vector); at += groupSize {
		for i := range groupSize / 2 {
			first, second := uint8(vector[at+i])^0x80, uint8(vector[at+i+groupSize/2])^0x80
			high[at/2+i], low[at/2+i] = first>>4|second&0xf0, first&15|second<<4
		}
	}
}

// Join undoes Split, and makes the vector a query of DotRows. It panics where that would.
func Join(vector []int16, high, low []uint8) {
	if len(high) != len(low) || 2*len(high) != len(vector) || len(vector)%RowStep != 0 {
		panic("simd: Join: lengths do not fit")
	}
	switch {
	case hasAVX512:
		joinAVX512(vector, high, low)
	case hasAVX2:
		joinAVX2(vector, high, low)
	default:
		for at := 0; at < len(vector); at += groupSize {
			for i := range groupSize / 2 {
				h, l := int16(high[at/2+i]), int16(low[at/2+i])
				vector[at+i] = h&15<<4 + l&15 - 128
				vector[at+i+groupSize/2] = h&0xf0 + l>>4 - 128
			}
		}
	}
}

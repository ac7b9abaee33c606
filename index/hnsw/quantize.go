package hnsw

import (
	"errors"
	"hash/crc32"
	"math"
	"unsafe"

	"searchd/internal/simd"
)

var errNotFinite = errors.New("hnsw: a vector has a value that is not finite")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// quantize writes v as int8 to row, the largest value as ±127, so that each vector has a step of its own and no value is cut.
func quantize(row []int8, v []float32) (scale float32, m meta, err error) {
	var top float32
	for _, x := range v {
		top = max(top, float32(math.Abs(float64(x))))
	}
	clear(row[len(v):])
	scale, m.sum = top/127, crc32.Checksum(bytesOf(v), castagnoli)
	var inverse float32
	if scale > 0 {
		inverse = 1 / scale
	}
	var sum float64
	for i, x := range v {
		row[i] = int8(math.RoundToEven(float64(x * inverse)))
		d := float64(x) - float64(row[i])*float64(scale)
		sum += d * d
	}
	m.err = math.Nextafter32(float32(math.Sqrt(sum)), math.MaxFloat32)
	if math.IsNaN(sum) || math.IsInf(float64(top), 0) || inverse > math.MaxFloat32 {
		return 0, meta{}, errNotFinite
	}
	return scale, m, nil
}

func bytesOf(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// query is a vector to compare rows with, in 16 bits: next to the rows' error that of the query vanishes.
type query struct {
	words []int16
	sum   int64 // of words
	scale float32
	norm  float32 // of the float32 vector, or the int8 one
	err   float32 // length of the difference to it
}

// set makes v the query.
func (q *query) set(v []float32, stride int) {
	if q.words == nil {
		q.words = make([]int16, stride)
	}
	var top float32
	for _, x := range v {
		top = max(top, float32(math.Abs(float64(x))))
	}
	q.scale = top / float32(simd.MaxQueryValue(stride))
	var inverse float32
	if q.scale > 0 {
		inverse = 1 / q.scale
	}
	var sum, norm float64
	q.sum = 0
	for i, x := range v {
		q.words[i] = int16(math.RoundToEven(float64(x * inverse)))
		q.sum += int64(q.words[i])
		d := float64(x) - float64(q.words[i])*float64(q.scale)
		sum, norm = sum+d*d, norm+float64(x)*float64(x)
	}
	q.err, q.norm = float32(math.Sqrt(sum)), float32(math.Sqrt(norm))
}

// setRow makes the int8 vector of a slot the query, as it is.
func (q *query) setRow(t *table, slot uint32) {
	if q.words == nil {
		q.words = make([]int16, t.stride)
	}
	high, low := t.rows(slot)
	simd.Join(q.words, high, low)
	q.scale, q.sum = t.scale(slot), 0
	var squares int32
	for _, word := range q.words {
		q.sum += int64(word)
		squares += int32(word) * int32(word)
	}
	q.norm = q.scale * float32(math.Sqrt(float64(squares)))
}

// A value of a row is 16·high + low − 128 steps, as simd.Split says.

// score is the product with an int8 vector, from those with both halves of its row.
func (q *query) score(high, low int32, scale float32) float32 {
	return float32(16*int64(high)+int64(low)-128*q.sum) * (q.scale * scale)
}

// estimate is the product from the upper half alone, with 7.5 for each value of the lower one.
func (q *query) estimate(high int32, scale float32) float32 {
	return float32(32*int64(high)-241*q.sum) * (q.scale / 2 * scale)
}

// promises says whether a score can well be better than that of worst, by the estimate, which is as good as never more than four
// deviations below it. A lower half, all of whose values are as frequent, has a deviation of 4.61 steps.
func (q *query) promises(high int32, scale float32, worst uint64) bool {
	return worst == math.MaxUint64 || q.estimate(high, scale)+4*4.61*q.norm*scale >= scoreOf(worst)
}

// doubt is how far an estimate can be from the score, for each unit of a row's scale.
func (q *query) doubt() float32 {
	var sum int64
	for _, word := range q.words {
		sum += int64(max(word, -word))
	}
	return 7.5 * float32(sum) * q.scale
}

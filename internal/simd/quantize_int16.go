package simd

import "math"

// The largest quantised activation, and the largest value of a group that counts as nothing: dividing by it would overflow.
const (
	int16Top  = 32767
	int16Tiny = 1e-30
)

// quantizeConstants are what the kernels divide by and compare with.
var quantizeConstants = [...]float32{int16Top, 1.0 / int16Top, int16Tiny}

// QuantizeInt16 turns a row of activations into row i of a, which has groups of 64 values with a scale each:
//
//	x[t] ≈ a.Values[i][t]·scale of its group, with |value| ≤ 32767 at the group's largest
//
// What is missing from the last group counts as zero. A group with a value that is not finite gets a scale that is not
// finite, so that whatever is multiplied with it shows it. All levels give the same bits. It panics if the row does not fit.
func (a Int16Rows) QuantizeInt16(i int, x []float32) {
	groups := Int16Groups(len(x))
	values := a.Values[i*groups*Int16Group:][:groups*Int16Group]
	scales := a.Scales[i:]
	if i >= a.Stride || groups > 0 && len(scales) <= (groups-1)*a.Stride {
		panic("simd: QuantizeInt16: there is no such row")
	}
	whole := len(x) / Int16Group
	switch {
	case whole == 0:
	case hasAVX512:
		quantizeInt16AVX512(&values[0], &scales[0], a.Stride, &x[0], whole)
	case hasAVX2:
		quantizeInt16AVX2(&values[0], &scales[0], a.Stride, &x[0], whole)
	default:
		for g := range whole {
			scales[g*a.Stride] = quantizeInt16((*[Int16Group]int16)(values[g*Int16Group:]), x[g*Int16Group:][:Int16Group])
		}
	}
	if whole < groups {
		var last [Int16Group]float32
		copy(last[:], x[whole*Int16Group:])
		scales[whole*a.Stride] = quantizeInt16((*[Int16Group]int16)(values[whole*Int16Group:]), last[:])
	}
}

// quantizeInt16 quantises one group and returns its scale. The largest magnitude is found among the bits, where what is not
// finite is the largest of all.
func quantizeInt16(q *[Int16Group]int16, x []float32) float32 {
	var bits uint32
	for _, v := range x {
		bits = max(bits, math.Float32bits(v)&^(1<<31))
	}
	top := math.Float32frombits(bits)
	if top < int16Tiny {
		clear(q[:])
		return 0
	}
	inverse := quantizeConstants[0] / top
	for t, v := range x {
		q[t] = int16(math.RoundToEven(float64(v * inverse)))
	}
	return top * quantizeConstants[1]
}

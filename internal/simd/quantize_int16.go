package simd

import "math"

// The largest quantised activations, and the largest value of a group that counts as nothing: dividing by it would overflow.
const (
	int16Top  = 32767
	int8Top   = 127 // on each side of the middle
	tinyGroup = 1e-30
)

// quantizeConstants are what the kernels divide by and compare with.
var quantizeConstants = [...]float32{int16Top, 1.0 / int16Top, int8Top, 1.0 / int8Top, tinyGroup, 0.5}

// Quantize turns activations into values of row i of a, from group first on, with a scale for each 64:
//
//	x[t] ≈ value of x[t] · scale of its group, with |value| ≤ 32767 at the group's largest
//
// What is missing from the last group counts as zero. A group with a value that is not finite gets a scale that is not
// finite, so that whatever is multiplied with it shows it. All levels give the same bits. It panics if x does not fit.
func (a Int16Rows) Quantize(i, first int, x []float32) {
	groups, whole := Int16Groups(len(x)), len(x)/Int16Group
	if i < 0 || i >= a.Stride || first < 0 || first+groups > a.Groups {
		panic("simd: Quantize: the values do not fit into the row")
	}
	if groups == 0 {
		return
	}
	values, scales := a.Values[(i*a.Groups+first)*Int16Group:][:groups*Int16Group], a.Scales[first*a.Stride+i:]
	scales = scales[:(groups-1)*a.Stride+1]
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
	if top < tinyGroup {
		clear(q[:])
		return 0
	}
	inverse := quantizeConstants[0] / top
	for t, v := range x {
		q[t] = int16(math.RoundToEven(float64(v * inverse)))
	}
	return top * quantizeConstants[1]
}

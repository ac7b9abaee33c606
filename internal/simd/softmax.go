package simd

import "math"

// expConst holds the exponent below which 2^v is taken for 0, that of the smallest normal number, and what fills the lanes
// beyond a row.
var expConst = [2]float32{-126, float32(math.Inf(-1))}

// exp2Coeff approximates 2^f for |f| ≤ 0.5 in powers of f, the constant first, which is exact: the minimax polynomial for
// the relative error, 2e-9, as _gen/fit derives it. What remains is the rounding of float32.
var exp2Coeff = [7]float32{
	1, 0.693147203, 0.240226479, 0.0555033247, 0.00961843736, 0.00133988744, 0.000153533619,
}

// Softmax replaces x by exp(scale·(x−max x)), divided by their sum. scale is positive.
//
// The exponents are at most zero, so nothing overflows; weights below 2^-126 are 0. A value of -Inf, as a mask writes it,
// gives 0, also in a row that has nothing else. NaN or +Inf in x makes the row NaN. The absolute error of a weight is below
// 4e-7 (measured up to 257 values).
func Softmax(x []float32, scale float32) {
	if len(x) == 0 {
		return
	}
	top := rowMaximum(x)
	if math.IsInf(float64(top), -1) {
		top = 0 // exp(-Inf-0) is 0 for all
	}
	sum := rowExpSum(x, scale*math.Log2E, top)
	if sum != 0 {
		rowMultiply(x, 1/sum)
	}
}

func rowMaximum(x []float32) float32 {
	switch {
	case hasAVX512:
		return maximumAVX512(x)
	case hasAVX2:
		return maximumAVX2(x)
	}
	return maximum(x)
}

func rowExpSum(x []float32, factor, top float32) float32 {
	switch {
	case hasAVX512:
		return expSumAVX512(x, factor, top)
	case hasAVX2:
		return expSumAVX2(x, factor, top)
	}
	return expSum(x, factor, top)
}

func rowMultiply(x []float32, factor float32) {
	switch {
	case hasAVX512:
		multiplyAVX512(x, factor)
	case hasAVX2:
		multiplyAVX2(x, factor)
	default:
		multiply(x, factor)
	}
}

// maximum is the largest of x, which is not empty.
func maximum(x []float32) float32 {
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	return top
}

// expSum replaces x by 2^(factor·(x−top)) and returns the sum of that.
func expSum(x []float32, factor, top float32) float32 {
	var sum float64 // one chain of float32 would lose digits that the assembly's lanes keep
	for i, v := range x {
		x[i] = exp2((v - top) * factor)
		sum += float64(x[i])
	}
	return float32(sum)
}

// exp2 is 2^v for v ≤ 0. A NaN goes through.
func exp2(v float32) float32 {
	if v < expConst[0] {
		return 0
	}
	whole := int32(v - 0.5) // to the nearest, since v is not positive
	f := v - float32(whole)
	p := exp2Coeff[len(exp2Coeff)-1]
	for i := len(exp2Coeff) - 2; i >= 0; i-- {
		p = p*f + exp2Coeff[i]
	}
	return p * math.Float32frombits(uint32(whole+127)<<23)
}

func multiply(x []float32, factor float32) {
	for i := range x {
		x[i] *= factor
	}
}

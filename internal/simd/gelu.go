package simd

// geluConst holds 1, the limit T beyond which GELU is taken for 0 or x, and the 2/T that maps [0, T] onto [-1, 1].
var geluConst = [3]float32{1, 5.5, 2 / 5.5}

// geluCoeff approximates Φ(−t)/(T−t) in powers of u = 2t/T−1, the constant first. The polynomial is the minimax one for
// the error of t·Φ(−t), 1.23e-7, as _gen/fit derives it. The factor T−t makes both ends exact: GELU(x) is 0 below -T and x
// above T.
var geluCoeff = [15]float32{
	0.00108355431, -0.00801028784, 0.0263744074, -0.0488284671, 0.0500407012,
	-0.0143837982, -0.0330749571, 0.0463600531, -0.0129297044, -0.0256419485,
	0.0227887489, 0.00496203095, -0.0108525065, 8.96725349e-05, 0.00202481418,
}

// GELU applies x·Φ(x) to each value in place, Φ being the distribution function of the standard normal: the exact, erf
// form of the activation, not the tanh one.
//
// It is computed as max(x, 0) − t·Φ(−t) with t = |x|, a form without cancellation for small x. The absolute error is below
// 4e-7 for |x| ≤ 5.5, and beyond that 0 above and at most 1.1e-7 below. -Inf gives 0, NaN gives NaN.
func GELU(x []float32) {
	switch {
	case hasAVX512:
		geluAVX512(x)
	case hasAVX2:
		geluAVX2(x)
	default:
		gelu(x)
	}
}

func gelu(x []float32) {
	one, limit, shrink := geluConst[0], geluConst[1], geluConst[2]
	for i, v := range x {
		t := min(max(v, -v), limit)
		u := t*shrink - one
		q := geluCoeff[len(geluCoeff)-1]
		for j := len(geluCoeff) - 2; j >= 0; j-- {
			q = q*u + geluCoeff[j]
		}
		x[i] = max(v, 0) - t*(q*(limit-t))
	}
}

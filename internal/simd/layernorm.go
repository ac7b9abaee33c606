package simd

import "math"

// AddLayerNorm normalises one row, x plus residual, to mean 0 and variance 1, and then scales and shifts it:
//
//	dst = (s−mean(s)) / √(var(s)+eps) · gamma + beta,  s = x + residual
//
// A nil residual counts as zero. dst may be x or residual itself, but must not overlap them otherwise. It panics unless all
// slices have the length of dst. The variance comes from a second pass over the row, which does not cancel when the mean is
// large.
func AddLayerNorm(dst, x, residual, gamma, beta []float32, eps float32) {
	n := len(dst)
	if len(x) != n || residual != nil && len(residual) != n || len(gamma) != n || len(beta) != n {
		panic("simd: AddLayerNorm: lengths differ")
	}
	if n == 0 {
		return
	}
	switch {
	case hasAVX512:
		addLayerNormAVX512(dst, x, residual, gamma, beta, eps, 1/float32(n))
	case hasAVX2:
		addLayerNormAVX2(dst, x, residual, gamma, beta, eps, 1/float32(n))
	default:
		addLayerNorm(dst, x, residual, gamma, beta, eps)
	}
}

func addLayerNorm(dst, x, residual, gamma, beta []float32, eps float32) {
	mean := float32(addRows(dst, x, residual) / float64(len(dst)))
	var squares float64
	for _, v := range dst {
		squares += float64((v - mean) * (v - mean))
	}
	factor := float32(1 / math.Sqrt(squares/float64(len(dst))+float64(eps)))
	for i, v := range dst {
		dst[i] = (v-mean)*factor*gamma[i] + beta[i]
	}
}

// addRows sets dst to x plus residual and returns the sum of that.
func addRows(dst, x, residual []float32) float64 {
	var sum float64
	copy(dst, x)
	for i, v := range residual {
		dst[i] += v
	}
	for _, v := range dst {
		sum += float64(v)
	}
	return sum
}

package simd

// Dot is the inner product of a and b. It panics if their lengths differ.
//
// The products are summed in float32 in several interleaved chains, whose number depends on the level: results of two
// levels agree to a few units in the last place of Σ|aᵢbᵢ|.
func Dot(a, b []float32) float32 {
	if len(a) != len(b) {
		panic("simd: Dot: lengths differ")
	}
	switch {
	case hasAVX512:
		return dotAVX512(a, b)
	case hasAVX2:
		return dotAVX2(a, b)
	}
	return dot(a, b)
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}

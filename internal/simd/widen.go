package simd

// Widen makes a query of DotRows out of a row. It panics if the lengths differ or are no multiple of RowStep.
func Widen(dst []int16, src []int8) {
	if len(dst) != len(src) || len(src)%RowStep != 0 {
		panic("simd: Widen: lengths do not fit")
	}
	switch {
	case hasAVX512:
		widenAVX512(dst, src)
	case hasAVX2:
		widenAVX2(dst, src)
	default:
		for i, v := range src {
			dst[i] = int16(v)
		}
	}
}

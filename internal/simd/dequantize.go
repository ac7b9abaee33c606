package simd

// DequantizeInt8 turns quantised weights back into float32: dst[i] = q[i]·scales[i/group]. It panics unless dst and q have
// one length, group is positive and scales covers them; the last group may be short.
func DequantizeInt8(dst []float32, q []int8, scales []float32, group int) {
	if len(dst) != len(q) || group <= 0 || len(scales) < (len(q)+group-1)/group {
		panic("simd: DequantizeInt8: dst, q and scales do not fit together")
	}
	switch {
	case hasAVX512:
		dequantizeInt8AVX512(dst, q, scales, group)
	case hasAVX2:
		dequantizeInt8AVX2(dst, q, scales, group)
	default:
		dequantizeInt8(dst, q, scales, group)
	}
}

func dequantizeInt8(dst []float32, q []int8, scales []float32, group int) {
	for i := 0; i < len(q); i += group {
		end := min(i+group, len(q))
		scale := scales[i/group]
		for j, v := range q[i:end] {
			dst[i+j] = float32(v) * scale
		}
	}
}

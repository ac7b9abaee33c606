package inproc

import (
	"math"
)

// unit is v at length 1. A vector of zeros stays as it is.
func unit(v []float32) []float32 {
	n := math.Sqrt(dot(v, v))
	if n == 0 {
		return v
	}
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(float64(x) / n)
	}
	return out
}

func dot(a, b []float32) float64 {
	var sum float32
	for i, x := range a {
		sum += x * b[i]
	}
	return float64(sum)
}

package encoder

import (
	"fmt"
	"math"

	"searchd/internal/simd"
)

// activation finds a function by the name that config.json has for it. It works in place.
func activation(name string) (func([]float32), error) {
	switch name {
	case "gelu":
		return simd.GELU, nil
	case "relu":
		return relu, nil
	case "tanh":
		return tanh, nil
	case "identity":
		return func([]float32) {}, nil
	}
	return nil, fmt.Errorf("activation %.100q is not supported; \"gelu\", \"relu\", \"tanh\" and \"identity\" are", name)
}

func relu(x []float32) {
	for i, v := range x {
		x[i] = max(v, 0)
	}
}

func tanh(x []float32) {
	for i, v := range x {
		x[i] = float32(math.Tanh(float64(v)))
	}
}

package encoder

import (
	"fmt"

	"searchd/hf/safetensors"
)

// Dense is a layer that works on the vector of a whole text: y = f(W·x + b).
type Dense struct {
	in, out    int
	parameters int64
	linear     linear
	activation func([]float32)
}

// NewDense reads the weights of a layer from in to out values: name.weight and, if it has a bias, name.bias. The activations
// are "identity", "tanh", "relu" and "gelu".
func NewDense(file *safetensors.File, name string, in, out int, bias bool, activation string) (*Dense, error) {
	d, err := newDense(weights{file: file}, name, in, out, bias, activation)
	if err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	return d, nil
}

func newDense(w weights, name string, in, out int, biased bool, function string) (*Dense, error) {
	m, err := w.matrix(name+".weight", out, in)
	if err != nil {
		return nil, err
	}
	bias, parameters := make([]float32, out), out*in
	if biased {
		parameters += out
		if bias, err = w.floats(name+".bias", out); err != nil {
			return nil, err
		}
	}
	f, err := activation(function)
	if err != nil {
		return nil, err
	}
	return &Dense{in, out, int64(parameters), packFloats(&m, bias, rounded(1, out), dimension{1, in, in}), f}, nil
}

// Head is the classification head of a checkpoint: with it, Encode makes a logit for each of config.Classes.
func Head(config Config, file *safetensors.File) (Output, error) {
	out := Output{Pooling: CLS}
	w, err := newWeights(config, file)
	if err != nil {
		return out, fmt.Errorf("encoder: %w", err)
	}
	width := config.Hidden
	for i, layer := range w.head {
		if i == len(w.head)-1 {
			width = len(config.Classes())
		}
		d, err := newDense(w.of(layer.name), layer.name, config.Hidden, width, true, layer.activation)
		if err != nil {
			return out, fmt.Errorf("encoder: the head of %.100q: %w", config.Architectures, err)
		}
		out.Dense = append(out.Dense, d)
	}
	return out, nil
}

// apply writes the layer's output to y, which has room for whole panels.
func (d *Dense) apply(y, x []float32) {
	for i := range d.linear.panelCount() {
		d.linear.panel(i, y, rows{floats: x}, 1)
	}
	d.activation(y[:d.out])
}

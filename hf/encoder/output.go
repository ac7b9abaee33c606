package encoder

import "fmt"

// Output says what Encode makes of the hidden states of a text: a vector of its own, or the logits of its classes.
type Output struct {
	Pooling   Pooling
	Dense     []*Dense // applied in order to what pooling gives
	Normalize bool     // to unit length, at the end
}

// Dimensions is the length of what Encode makes with m for each text.
func (o *Output) Dimensions(m *Model) int {
	if n := len(o.Dense); n > 0 {
		return o.Dense[n-1].out
	}
	return m.config.Hidden
}

// Parameters is the number of weights.
func (o *Output) Parameters() int64 {
	n := int64(0)
	for _, d := range o.Dense {
		n += d.parameters
	}
	return n
}

// Check makes sure that each part takes what the one before it makes.
func (o *Output) Check(m *Model) error {
	if o.Pooling > Last {
		return fmt.Errorf("encoder: %v is not known", o.Pooling)
	}
	width := m.config.Hidden
	for i, d := range o.Dense {
		if d.in != width {
			return fmt.Errorf("encoder: dense layer %d takes %d values, but gets %d", i, d.in, width)
		}
		width = d.out
	}
	return nil
}

// fit makes room for the vectors between the parts.
func (o *Output) fit(ws *Workspace) {
	for _, d := range o.Dense {
		grow(&ws.vector, roundUp(max(d.in, d.out)))
		grow(&ws.next, roundUp(max(d.in, d.out)))
	}
}

// vector writes the outcome for the text of rows begin to end to dst.
func (o *Output) vector(dst []float32, ws *Workspace, begin, end int) {
	if len(o.Dense) == 0 {
		o.Pooling.pool(dst, ws, begin, end)
	} else {
		o.Pooling.pool(ws.vector[:ws.model.config.Hidden], ws, begin, end)
		for _, d := range o.Dense {
			d.apply(ws.next, ws.vector)
			ws.vector, ws.next = ws.next, ws.vector
		}
		copy(dst, ws.vector)
	}
	if o.Normalize {
		normalize(dst)
	}
}

// finite tells whether all values are numbers.
func finite(v []float32) bool {
	for _, x := range v {
		if x-x != 0 {
			return false
		}
	}
	return true
}

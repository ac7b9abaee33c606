package encoder

import (
	"fmt"
	"math"
)

// Pooling makes one vector of the vectors of a text's tokens.
type Pooling uint8

const (
	Mean Pooling = iota // the mean over all tokens
	CLS                 // the first token
)

func (p Pooling) String() string {
	switch p {
	case Mean:
		return "mean"
	case CLS:
		return "cls"
	}
	return fmt.Sprintf("Pooling(%d)", uint8(p))
}

// Output says what Encode makes of the hidden states.
type Output struct {
	Pooling   Pooling
	Normalize bool // to unit length
}

// vector writes the vector of the text of rows begin to end to dst.
func (o Output) vector(dst []float32, ws *Workspace, begin, end int) {
	copy(dst, ws.Row(begin))
	if o.Pooling == Mean {
		mean(dst, ws, begin, end)
	}
	if o.Normalize {
		normalize(dst)
	}
}

// mean expects the first row in dst.
func mean(dst []float32, ws *Workspace, begin, end int) {
	for i := begin + 1; i < end; i++ {
		for j, v := range ws.Row(i) {
			dst[j] += v
		}
	}
	count := float32(end - begin)
	for j := range dst {
		dst[j] /= count
	}
}

// normalize gives v unit length; a vector of nothing but zeros stays as it is.
func normalize(v []float32) {
	squares := 0.0
	for _, x := range v {
		squares += float64(x) * float64(x)
	}
	length := max(float32(math.Sqrt(squares)), 1e-12)
	for i := range v {
		v[i] /= length
	}
}

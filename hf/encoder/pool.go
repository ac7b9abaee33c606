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
	Max                 // the largest of each value over all tokens
	Last                // the last token
)

func (p Pooling) String() string {
	switch p {
	case Mean:
		return "mean"
	case CLS:
		return "cls"
	case Max:
		return "max"
	case Last:
		return "lasttoken"
	}
	return fmt.Sprintf("Pooling(%d)", uint8(p))
}

// pool writes the vector of the text of rows begin to end to dst.
func (p Pooling) pool(dst []float32, ws *Workspace, begin, end int) {
	switch p {
	case Mean:
		mean(dst, ws, begin, end)
	case CLS:
		copy(dst, ws.Row(begin))
	case Max:
		largest(dst, ws, begin, end)
	case Last:
		copy(dst, ws.Row(end-1))
	}
}

func mean(dst []float32, ws *Workspace, begin, end int) {
	copy(dst, ws.Row(begin))
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

func largest(dst []float32, ws *Workspace, begin, end int) {
	copy(dst, ws.Row(begin))
	for i := begin + 1; i < end; i++ {
		for j, v := range ws.Row(i) {
			dst[j] = max(dst[j], v)
		}
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

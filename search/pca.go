package search

import (
	"context"
	"math"
)

// plane is where the two directions lie in which vectors differ most: their principal components.
type plane struct {
	mean  []float64
	axes  [2][]float64 // of unit length, at right angles
	share [2]float64   // of the variance
}

const (
	planeSteps     = 300   // of the power method, for each axis
	planeTolerance = 1e-12 // of the cosine between two steps
)

// principal finds the plane of vectors of one length, of which there is at least one. The covariance is summed up, n·d²/2
// products for n vectors of d dimensions, and its first two eigenvectors are found by the power method with deflation (Hotelling,
// 1933). Where two eigenvalues are nearly equal, the axes may be any in between: the plane shows as much either way.
func principal(ctx context.Context, vectors [][]float32) (plane, error) {
	d := len(vectors[0])
	p := plane{mean: meanOf(vectors)}
	covariance := make([]float64, d*d)
	v := make([]float64, d)
	for _, row := range vectors {
		if err := ctx.Err(); err != nil {
			return plane{}, err
		}
		for i := range v {
			v[i] = float64(row[i]) - p.mean[i]
		}
		for i, x := range v {
			sums, rest := covariance[i*d+i:(i+1)*d], v[i:]
			for j, y := range rest {
				sums[j] += x * y
			}
		}
	}
	variance := mirror(covariance, d)
	for i := range p.axes {
		var value float64
		p.axes[i], value = strongest(covariance, d, p.axes[:i])
		if variance > 0 {
			p.share[i] = min(1, value/variance)
		}
	}
	return p, nil
}

func meanOf(vectors [][]float32) []float64 {
	mean := make([]float64, len(vectors[0]))
	for _, v := range vectors {
		for i, x := range v {
			mean[i] += float64(x) / float64(len(vectors))
		}
	}
	return mean
}

// mirror fills the lower half of a symmetric matrix, and answers the sum of its diagonal.
func mirror(m []float64, d int) (trace float64) {
	for i := range d {
		trace += m[i*d+i]
		for j := range i {
			m[i*d+j] = m[j*d+i]
		}
	}
	return trace
}

// strongest is the eigenvector with the largest eigenvalue at right angles to those before, and that value. Its largest
// component is positive, so that the same vectors give the same picture. It is all zero where nothing is left.
func strongest(m []float64, d int, before [][]float64) ([]float64, float64) {
	axis, next := make([]float64, d), make([]float64, d)
	for i := range axis {
		axis[i] = 1 + float64(i%7)/7 // any start that is at right angles to nothing in particular
	}
	reject(axis, before)
	normalize(axis)
	var value float64
	for range planeSteps {
		for i := range next {
			next[i] = inner(m[i*d:(i+1)*d], axis)
		}
		reject(next, before)
		value = normalize(next)
		if value < 1e-12 {
			return make([]float64, d), 0
		}
		same := inner(axis, next)
		axis, next = next, axis
		if 1-same < planeTolerance {
			break
		}
	}
	largest := 0
	for i, x := range axis {
		if math.Abs(x) > math.Abs(axis[largest]) {
			largest = i
		}
	}
	if axis[largest] < 0 {
		for i := range axis {
			axis[i] = -axis[i]
		}
	}
	return axis, value
}

// reject takes from v what lies along the others.
func reject(v []float64, others [][]float64) {
	for _, o := range others {
		along := inner(v, o)
		for i := range v {
			v[i] -= along * o[i]
		}
	}
}

// normalize makes v a vector of unit length and answers what its length was.
func normalize(v []float64) float64 {
	length := math.Sqrt(inner(v, v))
	if length > 0 {
		for i := range v {
			v[i] /= length
		}
	}
	return length
}

func inner(a, b []float64) (sum float64) {
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}

// of is where a vector lies on the plane.
func (p plane) of(v []float32) Place {
	var at [2]float64
	for i, x := range v {
		centred := float64(x) - p.mean[i]
		at[0] += centred * p.axes[0][i]
		at[1] += centred * p.axes[1][i]
	}
	return Place{at[0], at[1]}
}

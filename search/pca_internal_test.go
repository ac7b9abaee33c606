package search

import (
	"math"
	"math/rand/v2"
	"testing"
)

// stretched are points spread by so much along the axes of a random basis, which is answered too.
func stretched(r *rand.Rand, n int, spread []float64) ([][]float32, [][]float64) {
	d := len(spread)
	basis := make([][]float64, 0, d)
	for range d {
		b := make([]float64, d)
		for i := range b {
			b[i] = r.NormFloat64()
		}
		reject(b, basis)
		normalize(b)
		basis = append(basis, b)
	}
	points := make([][]float32, n)
	for i := range points {
		points[i] = make([]float32, d)
		for axis, b := range basis {
			along := r.NormFloat64() * spread[axis]
			for j, x := range b {
				points[i][j] += float32(along*x) + 5
			}
		}
	}
	return points, basis
}

func TestPrincipalFindsTheAxesOfLargestVariance(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	points, basis := stretched(r, 3000, []float64{1, 0.5, 4, 0.1, 2.5, 1, 0.2, 0.3})
	p, err := principal(t.Context(), points)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range [][]float64{basis[2], basis[4]} {
		if along := math.Abs(inner(p.axes[i], b)); along < 0.99 {
			t.Errorf("axis %d is %.3f along the one of largest variance", i, along)
		}
	}
	if off := math.Abs(inner(p.axes[0], p.axes[1])); off > 1e-9 {
		t.Errorf("the axes are not at right angles: %g", off)
	}
	total, along := 0.0, [2]float64{}
	for _, v := range points {
		at := p.of(v)
		along[0], along[1] = along[0]+at.X*at.X, along[1]+at.Y*at.Y
		for i, x := range v {
			total += (float64(x) - p.mean[i]) * (float64(x) - p.mean[i])
		}
	}
	for i, share := range p.share {
		if math.Abs(share-along[i]/total) > 1e-6 {
			t.Errorf("axis %d is said to show %.6f of the variance, and shows %.6f", i, share, along[i]/total)
		}
	}
	for range 1000 { // no direction shows more
		u := make([]float64, len(basis))
		for i := range u {
			u[i] = r.NormFloat64()
		}
		normalize(u)
		if v := variance(points, p.mean, u); v > p.share[0]*total*(1+1e-9) {
			t.Fatalf("a direction shows %f, the first axis %f", v, p.share[0]*total)
		}
		reject(u, p.axes[:1])
		normalize(u)
		if v := variance(points, p.mean, u); v > p.share[1]*total*(1+1e-9) {
			t.Fatalf("a direction at right angles to the first axis shows %f, the second axis %f", v, p.share[1]*total)
		}
	}
}

func variance(points [][]float32, mean, u []float64) (sum float64) {
	for _, v := range points {
		along := 0.0
		for i, x := range v {
			along += (float64(x) - mean[i]) * u[i]
		}
		sum += along * along
	}
	return sum
}

func TestPrincipalOfFewVectors(t *testing.T) {
	for name, points := range map[string][][]float32{
		"one": {{1, 2, 3}}, "the same twice": {{1, 2, 3}, {1, 2, 3}}, "a line": {{0, 0, 0}, {1, 1, 1}, {2, 2, 2}},
	} {
		p, err := principal(t.Context(), points)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range points {
			if at := p.of(v); math.IsNaN(at.X) || math.IsNaN(at.Y) || math.Abs(at.Y) > 1e-6 {
				t.Errorf("%s: %v lies at %v", name, v, at)
			}
		}
		if name == "a line" && math.Abs(p.share[0]-1) > 1e-9 {
			t.Errorf("a line is shown to %v by one axis", p.share[0])
		}
	}
}

func BenchmarkPrincipal(b *testing.B) {
	points := make([][]float32, DefaultMapSample)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range points {
		points[i] = make([]float32, 384)
		for j := range points[i] {
			points[i][j] = float32(r.NormFloat64())
		}
	}
	for b.Loop() {
		if _, err := principal(b.Context(), points); err != nil {
			b.Fatal(err)
		}
	}
}

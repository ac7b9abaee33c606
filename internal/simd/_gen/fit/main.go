// Command fit derives the polynomial coefficients of package simd and prints them, with the error they leave before any
// rounding to float32. Run it in the folder above with
//
//	go run ./fit
//
// It approaches the minimax polynomial by Lawson's method: least squares on a Chebyshev grid, where points with a large
// error gain weight from round to round.
package main

import (
	"fmt"
	"math"
)

// problem asks for the polynomial P of a degree with factor(t)·P(u) ≈ target(t) on [low, high], where u runs from -1 to 1
// as t runs from low to high, and an error at t counts weight(t) times.
type problem struct {
	name                   string
	low, high              float64
	degree                 int
	target, factor, weight func(t float64) float64
}

func main() {
	const limit = 5.5
	show(problem{
		name: "geluCoeff: Φ(−t) = (5.5−t)·R(u), u = 2t/5.5−1", low: 0, high: limit, degree: 14,
		target: func(t float64) float64 { return math.Erfc(t/math.Sqrt2) / 2 },
		factor: func(t float64) float64 { return limit - t },
		weight: func(t float64) float64 { return t },
	})
	show(problem{
		name: "roughGELUCoeff: Φ(−t) = R(u), u = 2t/3.75−1", low: 0, high: 3.75, degree: 6,
		target: func(t float64) float64 { return math.Erfc(t/math.Sqrt2) / 2 },
		factor: func(float64) float64 { return 1 },
		weight: func(t float64) float64 { return t },
	})
	show(problem{
		name: "roughExp2Coeff: 2^f = P(u), u = 2f−1", low: 0, high: 1, degree: 3,
		target: math.Exp2,
		factor: func(float64) float64 { return 1 },
		weight: func(f float64) float64 { return math.Exp2(-f) },
	})
	show(problem{
		name: "exp2Coeff from the second on: 2^f = 1 + f·P(u), u = 2f", low: -0.5, high: 0.5, degree: 5,
		target: func(f float64) float64 { return math.Exp2(f) - 1 },
		factor: func(f float64) float64 { return f },
		weight: func(f float64) float64 { return math.Exp2(-f) },
	})
}

func show(p problem) {
	coeff, worst := p.fit()
	fmt.Printf("%s (largest error %.2e)\n", p.name, worst)
	power := 1.0
	for _, c := range coeff {
		fmt.Printf("\tin u %-16.9g in %g·u %.9g\n", c, (p.high-p.low)/2, c*power)
		power *= 2 / (p.high - p.low)
	}
	if p.low == 0 {
		fmt.Printf("\tin powers of the variable itself %.9g\n", shifted(coeff, 2/p.high))
	}
}

// shifted turns a polynomial in u = scale·t−1 into one in t, by Horner's scheme.
func shifted(coeff []float64, scale float64) []float64 {
	out := make([]float64, len(coeff))
	for i := len(coeff) - 1; i >= 0; i-- {
		for j := len(out) - 1; j > 0; j-- {
			out[j] = out[j-1]*scale - out[j]
		}
		out[0] = coeff[i] - out[0]
	}
	return out
}

// fit returns the coefficients of P in powers of u and the largest weighted error.
func (p problem) fit() (coeff []float64, worst float64) {
	const points, rounds = 3000, 400
	grid := make([]sample, points)
	for i := range grid {
		grid[i] = p.sample(math.Cos((float64(i) + 0.5) * math.Pi / points))
	}
	worst = math.Inf(1)
	for range rounds {
		c := leastSquares(grid, p.degree+1)
		most := 0.0
		for i := range grid {
			grid[i].err = math.Abs(grid[i].residual(c))
			most = max(most, grid[i].err)
		}
		if most < worst {
			coeff, worst = c, most
		}
		for i := range grid {
			grid[i].lawson *= grid[i].err/most + 1e-3
		}
	}
	return powers(coeff), worst
}

// sample is one equation: Σ c[j]·basis[j] = value.
type sample struct {
	basis       []float64
	value       float64
	lawson, err float64
}

func (p problem) sample(u float64) sample {
	t := p.low + (u+1)/2*(p.high-p.low)
	s := sample{value: p.target(t) * p.weight(t), lawson: 1}
	for j := range p.degree + 1 {
		s.basis = append(s.basis, chebyshev(j, u)*p.factor(t)*p.weight(t))
	}
	return s
}

func chebyshev(j int, u float64) float64 { return math.Cos(float64(j) * math.Acos(u)) }

func (s sample) residual(c []float64) float64 {
	r := -s.value
	for j, v := range c {
		r += v * s.basis[j]
	}
	return r
}

// leastSquares solves the weighted normal equations by Gaussian elimination with pivoting.
func leastSquares(grid []sample, n int) []float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n+1)
		for _, s := range grid {
			for j := range n {
				m[i][j] += s.lawson * s.basis[i] * s.basis[j]
			}
			m[i][n] += s.lawson * s.basis[i] * s.value
		}
	}
	return solve(m)
}

func solve(m [][]float64) []float64 {
	n := len(m)
	for col := range n {
		best := col
		for i := col + 1; i < n; i++ {
			if math.Abs(m[i][col]) > math.Abs(m[best][col]) {
				best = i
			}
		}
		m[col], m[best] = m[best], m[col]
		for i := range n {
			if i == col {
				continue
			}
			f := m[i][col] / m[col][col]
			for j := col; j <= n; j++ {
				m[i][j] -= f * m[col][j]
			}
		}
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = m[i][n] / m[i][i]
	}
	return x
}

// powers turns a sum of Chebyshev polynomials into one of powers of u, by T₁ = u and Tⱼ₊₁ = 2u·Tⱼ − Tⱼ₋₁.
func powers(c []float64) []float64 {
	out := make([]float64, len(c))
	before, now := make([]float64, len(c)), make([]float64, len(c))
	now[0] = 1
	for j, v := range c {
		for i := range out {
			out[i] += v * now[i]
		}
		next := make([]float64, len(c))
		for i := range len(c) - 1 {
			next[i+1] = 2 * now[i]
			if j == 0 {
				next[i+1] = now[i]
			}
		}
		for i := range next {
			next[i] -= before[i]
		}
		before, now = now, next
	}
	return out
}

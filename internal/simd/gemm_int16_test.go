package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// integerProduct is one call of GemmInt16 with its operands.
type integerProduct struct {
	m, ldc       int
	c            []float32
	a            Int16Rows
	panel        []int8
	scales, bias []float32
}

func (p integerProduct) run() {
	GemmInt16(p.c, p.ldc, p.a, p.panel, p.scales, p.bias, p.m)
}

// exact is one output, and the sum of the magnitudes of what was added up for it.
func (p integerProduct) exact(i, j int) (value, size float64) {
	value = float64(p.bias[j])
	size = math.Abs(value)
	for g := range p.a.Groups {
		sum := 0
		for t := range Int16Group {
			at := g*Int16Group + t
			sum += int(p.a.Values[i*p.a.Groups*Int16Group+at]) * int(p.panel[at/2*2*PanelWidth+2*j+at%2])
		}
		term := float64(sum) * float64(p.a.Scales[g*p.a.Stride+i]) * float64(p.scales[g*PanelWidth+j])
		value += term
		size += math.Abs(term)
	}
	return value, size
}

func (p integerProduct) check(t *testing.T) {
	t.Helper()
	for i := range p.m {
		for j := range PanelWidth {
			want, size := p.exact(i, j)
			if got := float64(p.c[i*p.ldc+j]); !(math.Abs(got-want) <= size*ulp*float64(p.a.Groups+4)) {
				t.Fatalf("m=%d groups=%d ldc=%d: c[%d][%d] = %v, want %v", p.m, p.a.Groups, p.ldc, i, j, got, want)
			}
		}
		for j := PanelWidth; j < p.ldc && i < p.m-1; j++ {
			if p.c[i*p.ldc+j] != canary {
				t.Fatalf("m=%d groups=%d ldc=%d: wrote between rows, at column %d", p.m, p.a.Groups, p.ldc, j)
			}
		}
	}
}

// fillIntegers fills activations and weights with values of all sizes, and now and then with the largest there are.
func (p integerProduct) fillIntegers(r *rand.Rand) {
	extreme := r.IntN(4) == 0
	for i := range p.a.Values {
		p.a.Values[i] = int16(r.IntN(1<<16) - 1<<15)
		if extreme {
			p.a.Values[i] = math.MinInt16
		}
	}
	for i := range p.panel {
		p.panel[i] = int8(r.IntN(255) - 127)
		if extreme {
			p.panel[i] = -127
		}
	}
	fillNormal(p.a.Scales, r, 1e-4)
	fillNormal(p.scales, r, 1e-2)
	fillNormal(p.bias, r, 1)
}

func TestGemmInt16(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		values, panels := newArena(t, 100*24*Int16Group, int16(0)), newArena(t, 24*Int16Group*PanelWidth, int8(0))
		scales, rowScales := newArena(t, 24*PanelWidth, canary), newArena(t, 24*104, canary)
		cs, biases := newArena(t, 8192, canary), newArena(t, 1024, canary)
		const edge = -1 // against the guard page that follows
		test := func(m, groups int) {
			p := integerProduct{m: m, ldc: PanelWidth + groups%4}
			p.c = cs.cut(max(0, (m-1)*p.ldc+PanelWidth)*min(m, 1), edge)
			p.a = Int16Rows{Groups: groups, Values: values.place(m*groups*Int16Group, edge), Stride: m + groups%3}
			p.a.Scales = rowScales.place(max(0, (groups-1)*p.a.Stride+m)*min(groups, 1), edge)
			p.panel = panels.place(groups*Int16Group*PanelWidth, edge)
			p.scales, p.bias = scales.place(groups*PanelWidth, edge), biases.place(PanelWidth, edge)
			p.fillIntegers(r)
			p.run()
			p.check(t)
			cs.check(t)
		}
		for m := range 40 {
			for groups := range 4 {
				test(m, groups)
			}
		}
		test(100, 6)
		test(13, 24)
	})
}

// TestGemmInt16Levels holds that a row's result has the same bits whatever the other rows are and whichever assembly
// computes it.
func TestGemmInt16Levels(t *testing.T) {
	r := newRand()
	const rows, groups = 30, 6
	p := integerProduct{
		m: rows, ldc: PanelWidth, c: make([]float32, rows*PanelWidth),
		a:     Int16Rows{groups, rows, make([]int16, rows*groups*Int16Group), make([]float32, rows*groups)},
		panel: make([]int8, groups*Int16Group*PanelWidth), scales: make([]float32, groups*PanelWidth), bias: make([]float32, PanelWidth),
	}
	p.fillIntegers(r)
	var first []float32
	for _, level := range Levels() {
		if level == LevelGo && first != nil {
			continue // whose multiply-adds may round twice
		}
		setLevel(t, level)
		for m := 1; m <= rows; m++ {
			p.m = m
			p.c = make([]float32, rows*PanelWidth)
			p.run()
			for i := range m {
				alone := p
				alone.m, alone.c = 1, make([]float32, PanelWidth)
				alone.a = p.a.From(i)
				alone.run()
				sameBits(t, fmt.Sprintf("%s: row %d of %d", level, i, m), p.c[i*PanelWidth:][:PanelWidth], alone.c)
			}
		}
		if first == nil {
			first = p.c
		}
		sameBits(t, level, p.c, first)
	}
}

func TestQuantizeInt16(t *testing.T) {
	r := newRand()
	eachLevel(t, func(t *testing.T) {
		xs, qs := newArena(t, 1024, canary), newArena(t, 4096, int16(77))
		eachPlace(func(n, offset int) {
			groups := Int16Groups(n)
			x := xs.place(n, offset)
			fillNormal(x, r, math.Pow(10, float64(r.IntN(20)-10)))
			for i := range x {
				if i/Int16Group%3 == 1 {
					x[i] = 0 // a group of nothing
				}
			}
			rows := Int16Rows{Groups: groups, Stride: 2, Values: qs.cut(groups*Int16Group, -1-offset), Scales: make([]float32, 2*groups)}
			rows.Quantize(0, 0, x)
			checkQuantized(t, rows, x)
			qs.check(t)
		})
	})
}

func checkQuantized(t *testing.T, rows Int16Rows, x []float32) {
	t.Helper()
	var want [Int16Group]int16
	for g := range Int16Groups(len(x)) {
		var group [Int16Group]float32
		copy(group[:], x[g*Int16Group:])
		scale := quantizeInt16(&want, group[:])
		if rows.Scales[g*rows.Stride] != scale {
			t.Fatalf("n=%d group %d: scale %v, want %v", len(x), g, rows.Scales[g*rows.Stride], scale)
		}
		for i, q := range rows.Values[g*Int16Group:][:Int16Group] {
			off := math.Abs(float64(q)*float64(scale) - float64(group[i]))
			if q != want[i] || q == math.MinInt16 || off > 0.51*float64(scale) {
				t.Fatalf("n=%d: value %d, %v, became %d of %v; want %d", len(x), g*Int16Group+i, group[i], q, scale, want[i])
			}
		}
	}
}

// TestQuantizeInt16Special holds that what is not finite is not lost, and that the smallest and largest values do no harm.
func TestQuantizeInt16Special(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachLevel(t, func(t *testing.T) {
		for _, special := range []float32{inf, -inf, nan, -nan, math.MaxFloat32, 1e-29, 1e-31, math.SmallestNonzeroFloat32} {
			x := make([]float32, 2*Int16Group)
			x[70], x[80] = special, -special/2
			rows := Int16Rows{2, 1, make([]int16, len(x)), make([]float32, 2)}
			rows.Quantize(0, 0, x)
			scale := rows.Scales[1]
			finite := scale-scale == 0
			if finite != (special-special == 0) || rows.Scales[0] != 0 {
				t.Errorf("%v: scales %v", special, rows.Scales)
			}
			if back := float64(rows.Values[70]) * float64(scale); finite && math.Abs(back-float64(special)) > math.Abs(float64(special))*1e-4+tinyGroup {
				t.Errorf("%v became %v", special, back)
			}
		}
	})
}

func TestPackInt16(t *testing.T) {
	for _, shape := range []struct{ n, k int }{{32, 64}, {5, 3}, {32, 130}} {
		w := make([]int8, shape.n*shape.k)
		for i := range w {
			w[i] = int8(i * 7)
		}
		panel := make([]int8, PanelWidth*Int16Group*Int16Groups(shape.k))
		panel[0] = 99
		PackInt16(panel, w, shape.k)
		sum := 0
		for at, v := range panel {
			t2, j := at/(2*PanelWidth)*2+at%2, at%(2*PanelWidth)/2
			want := int8(0)
			if j < shape.n && t2 < shape.k {
				want = w[j*shape.k+t2]
			}
			if v != want {
				t.Fatalf("%v: output %d, input %d: %d, want %d", shape, j, t2, v, want)
			}
			sum++
		}
		if sum != len(panel) {
			t.Fatal("not all of the panel was looked at")
		}
	}
}

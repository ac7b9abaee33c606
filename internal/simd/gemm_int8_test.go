package simd

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// byteProduct is one call of GemmInt8 with its operands.
type byteProduct struct {
	m, ldc       int
	c            []float32
	a            Int8Rows
	panel        []int8
	starts       []int32
	scales, bias []float32
}

func (p byteProduct) run() {
	GemmInt8(p.c, p.ldc, p.a, p.panel, p.starts, p.scales, p.bias, p.m)
}

// fill fills activations and weights with values of all sizes, and now and then with the largest there are.
func (p byteProduct) fill(r *rand.Rand) {
	activation, weight := uint8(0), int8(-127)
	extreme := r.IntN(4) == 0
	if extreme && r.IntN(2) == 0 {
		activation = 255
	}
	for i := range p.a.Zeros {
		p.a.Zeros[i] = int32(r.IntN(256))
		if extreme {
			p.a.Zeros[i] = int32(255 - activation)
		}
	}
	for i := range p.a.Values {
		p.a.Values[i] = uint8(r.IntN(256))
		if extreme {
			p.a.Values[i] = activation
		}
	}
	for i := range p.panel {
		p.panel[i] = int8(r.IntN(255) - 127)
		if extreme {
			p.panel[i] = weight
		}
	}
	p.fillStarts()
	fillNormal(p.a.Scales, r, 1e-2)
	fillNormal(p.scales, r, 1e-2)
	fillNormal(p.bias, r, 1)
}

// fillStarts makes of the panel what PackInt8 makes of the weights.
func (p byteProduct) fillStarts() {
	for i := range p.starts {
		g, j := i/PanelWidth, i%PanelWidth
		sum := 0
		for t := range Int8Stored {
			sum += int(p.weight(g, t, j))
		}
		p.starts[i] = int32(-sum & 0xffff)
	}
}

func (p byteProduct) weight(g, t, j int) int8 {
	return p.panel[g*Int8Stored*PanelWidth+t/4*4*PanelWidth+4*j+t%4]
}

// want is one output, computed with exact numbers: each multiply-add is rounded once.
func (p byteProduct) want(i, j int) float32 {
	value := p.bias[j]
	for g := range p.a.Groups {
		sum := 0
		for t := range Int8Stored {
			sum += (int(p.a.Values[(i*p.a.Groups+g)*Int8Stored+t]) - int(p.a.Zeros[g*p.a.Stride+i])) * int(p.weight(g, t, j))
		}
		scale := p.a.Scales[g*p.a.Stride+i] * p.scales[g*PanelWidth+j]
		exact := new(big.Float).SetPrec(2000).SetInt64(int64(sum))
		exact.Mul(exact, big.NewFloat(float64(scale)))
		value, _ = exact.Add(exact, big.NewFloat(float64(value))).Float32()
	}
	return value
}

func (p byteProduct) check(t *testing.T) {
	t.Helper()
	for i := range p.m {
		for j := range PanelWidth {
			if got, want := p.c[i*p.ldc+j], p.want(i, j); got != want {
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

// Every implementation gives exactly the numbers that the sums, each rounded once, come to, and touches nothing else.
func TestGemmInt8(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		values, panels := newArena(t, 100*24*Int8Stored, uint8(0)), newArena(t, 24*Int8Stored*PanelWidth, int8(0))
		scales, rowScales, starts := newArena(t, 24*PanelWidth, canary), newArena(t, 24*104, canary), newArena(t, 24*PanelWidth, int32(0))
		zeros := newArena(t, 24*104, int32(0))
		cs, biases := newArena(t, 8192, canary), newArena(t, 1024, canary)
		test := func(m, groups, place int) {
			p := byteProduct{m: m, ldc: PanelWidth + groups%4}
			p.c = cs.cut(max(0, (m-1)*p.ldc+PanelWidth)*min(m, 1), place)
			p.a = Int8Rows{Groups: groups, Values: values.place(m*groups*Int8Stored, place), Stride: m + groups%3}
			p.a.Scales = rowScales.place(max(0, (groups-1)*p.a.Stride+m)*min(groups, 1), place)
			p.a.Zeros = zeros.place(len(p.a.Scales), place)
			p.panel, p.starts = panels.place(groups*Int8Stored*PanelWidth, place), starts.place(groups*PanelWidth, place)
			p.scales, p.bias = scales.place(groups*PanelWidth, place), biases.place(PanelWidth, place)
			p.fill(r)
			p.run()
			p.check(t)
			cs.check(t)
		}
		for _, place := range []int{-1, 0} { // against the guard page that follows, and the one before
			for m := range 40 {
				for groups := range 3 {
					test(m, groups, place)
				}
			}
		}
		test(100, 6, -1)
		test(13, 24, -1)
	})
}

// A row's result does not depend on the rows beside it.
func TestGemmInt8Rows(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const rows, groups = 30, 3
		p := byteProduct{
			m: rows, ldc: PanelWidth,
			a:     NewInt8Rows(rows, groups*Int8Group, nil),
			panel: make([]int8, groups*Int8Stored*PanelWidth), starts: make([]int32, groups*PanelWidth), scales: make([]float32, groups*PanelWidth), bias: make([]float32, PanelWidth),
		}
		p.fill(newRand())
		for m := 1; m <= rows; m++ {
			p.m, p.c = m, make([]float32, rows*PanelWidth)
			p.run()
			for i := range m {
				alone := p
				alone.m, alone.c, alone.a = 1, make([]float32, PanelWidth), p.a.From(i)
				alone.run()
				sameBits(t, fmt.Sprintf("row %d of %d", i, m), p.c[i*PanelWidth:][:PanelWidth], alone.c)
			}
		}
	})
}

// FuzzGemmInt8 compares the implementations with exact numbers on values that quantising has made, wide ones among them.
func FuzzGemmInt8(f *testing.F) {
	f.Add(uint64(1), uint8(12), uint8(100), uint8(3), uint8(70))
	f.Add(uint64(2), uint8(1), uint8(64), uint8(255), uint8(0))
	f.Add(uint64(3), uint8(30), uint8(1), uint8(0), uint8(200))
	f.Fuzz(func(t *testing.T, seed uint64, m, k, wide, large uint8) {
		if k == 0 || m == 0 || m > 40 {
			return
		}
		r := rand.New(rand.NewPCG(seed, 1))
		groups := Int8Groups(int(k))
		p := byteProduct{
			m: int(m), ldc: PanelWidth,
			a:     NewInt8Rows(int(m), int(k), nil),
			panel: make([]int8, groups*Int8Stored*PanelWidth), starts: make([]int32, groups*PanelWidth), scales: make([]float32, groups*PanelWidth), bias: make([]float32, PanelWidth),
		}
		for range groups {
			p.a.Wide = append(p.a.Wide, int8(wide)%Int8Group)
		}
		fillNormal(p.scales, r, 1e-2)
		fillNormal(p.bias, r, 1)
		weights := make([]int8, PanelWidth*int(k))
		for i := range weights {
			weights[i] = int8(r.IntN(255) - 127)
		}
		PackInt8(p.panel, p.starts, weights, int(k), p.a.Wide)
		x := make([]float32, k)
		for i := range p.m {
			fillNormal(x, r, math.Pow(2, float64(r.IntN(20)-10)))
			x[int(wide)%len(x)] *= float32(large)
			for _, level := range Levels() {
				setLevel(t, level)
				rows := NewInt8Rows(1, int(k), p.a.Wide)
				before := slices.Clone(x)
				rows.Quantize(0, 0, x)
				if !slices.Equal(x, before) {
					t.Fatal("quantising changed the values")
				}
				if level == Levels()[0] {
					copy(p.a.Values[i*groups*Int8Stored:], rows.Values)
					for g, s := range rows.Scales {
						p.a.Scales[g*p.a.Stride+i], p.a.Zeros[g*p.a.Stride+i] = s, rows.Zeros[g]
					}
				}
				checkInt8(t, rows, x)
			}
		}
		for _, level := range Levels() {
			setLevel(t, level)
			p.c = make([]float32, p.m*PanelWidth)
			p.run()
			p.check(t)
		}
	})
}

func TestQuantizeInt8(t *testing.T) {
	r := newRand()
	eachLevel(t, func(t *testing.T) {
		xs, qs := newArena(t, 1024, canary), newArena(t, 4096, uint8(77))
		eachPlace(func(n, offset int) {
			groups := Int8Groups(n)
			x := xs.place(n, offset)
			fillNormal(x, r, math.Pow(10, float64(r.IntN(20)-10)))
			for i := range x {
				if i/Int8Group%3 == 1 {
					x[i] = 0 // a group of nothing
				}
			}
			rows := NewInt8Rows(2, n, nil)
			rows.Values = qs.cut(groups*Int8Stored, -1-offset)
			rows.Quantize(0, 0, x)
			checkInt8(t, rows, x)
			qs.check(t)
		})
	})
}

// Wide values of long rows, and of parts of rows, are found in their groups.
func TestQuantizeInt8Wide(t *testing.T) {
	r := newRand()
	eachLevel(t, func(t *testing.T) {
		for _, groups := range []int{1, 16, 17, 40} {
			rows := NewInt8Rows(3, groups*Int8Group, nil)
			x := make([]float32, groups*Int8Group)
			fillNormal(x, r, 1)
			for g := range groups {
				rows.Wide = append(rows.Wide, int8(r.IntN(Int8Group+1)-1))
				if at := rows.Wide[g]; at >= 0 {
					x[g*Int8Group+int(at)] *= 20
				}
			}
			first := min(5, groups-1)
			rows.Quantize(2, 0, x[:first*Int8Group])
			rows.Quantize(2, first, x[first*Int8Group:])
			checkInt8(t, rows.From(2), x)
		}
	})
}

// checkInt8 holds that each value is within half a step, that no more of the steps are left over than must be, and that all levels give
// the same bytes.
func checkInt8(t *testing.T, rows Int8Rows, x []float32) {
	t.Helper()
	for g := range rows.Groups {
		var group, narrow [Int8Group]float32
		copy(group[:], x[g*Int8Group:])
		narrow = group
		at := rows.Wide.of(g)
		if at >= 0 {
			narrow[at] /= 5
		}
		half := slices.Max(append(narrow[:], 0))/2 - slices.Min(append(narrow[:], 0))/2
		scale, zero, q := rows.Scales[g*rows.Stride], int(rows.Zeros[g*rows.Stride]), rows.Values[g*Int8Stored:][:Int8Stored]
		if want := half * quantizeConstants[3]; scale != want && half >= tinyGroup {
			t.Fatalf("group %d of %d: scale %v, want %v", g, rows.Groups, scale, want)
		}
		for i, v := range group {
			got := int(q[i]) - zero
			if i == at {
				for _, part := range q[Int8Group:] {
					got += int(part) - zero
				}
			} else if want := quantizeInt8Value(v, half); got != want {
				t.Fatalf("group %d of %d: value %d, %v, became %d; want %d", g, rows.Groups, i, v, got, want)
			}
			if off := math.Abs(float64(got)*float64(scale) - float64(v)); off > 0.501*float64(scale)+tinyGroup {
				t.Fatalf("group %d of %d: value %d, %v, became %d of %v", g, rows.Groups, i, v, got, scale)
			}
		}
	}
}

func quantizeInt8Value(v, half float32) int {
	if half < tinyGroup {
		return 0
	}
	return int(math.RoundToEven(float64(v * (quantizeConstants[2] / half))))
}

// What is not finite is not lost, and the smallest and largest values do no harm, wide or not.
func TestQuantizeInt8Special(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachLevel(t, func(t *testing.T) {
		for _, special := range []float32{inf, -inf, nan, -nan, math.MaxFloat32, -math.MaxFloat32, 1e-29, 1e-31, math.SmallestNonzeroFloat32} {
			for _, wide := range []Wide{nil, {-1, -1}, {3, 6}, {3, 16}} {
				x := make([]float32, 2*Int8Group)
				x[70], x[80] = special, -special/2
				rows := NewInt8Rows(1, 2*Int8Group, wide)
				rows.Quantize(0, 0, x)
				scale := rows.Scales[1]
				finite := scale-scale == 0
				if finite != (special-special == 0) || rows.Scales[0] != 0 {
					t.Errorf("%v, wide %v: scales %v", special, wide, rows.Scales)
				}
				if finite {
					checkInt8(t, rows, x)
				}
			}
		}
	})
}

func TestPackInt8(t *testing.T) {
	for _, shape := range []struct {
		n, k int
		wide Wide
	}{{32, 64, nil}, {5, 3, Wide{2}}, {7, 3, Wide{40}}, {32, 130, Wide{63, -1, 1}}} {
		w := make([]int8, shape.n*shape.k)
		for i := range w {
			w[i] = int8(i*7%256 - 128)
		}
		groups := Int8Groups(shape.k)
		p := byteProduct{panel: make([]int8, PanelWidth*Int8Stored*groups), starts: make([]int32, PanelWidth*groups)}
		p.panel[0], p.starts[0] = 99, 99
		PackInt8(p.panel, p.starts, w, shape.k, shape.wide)
		for g := range groups {
			for t2 := range Int8Stored {
				for j := range PanelWidth {
					in := g*Int8Group + t2
					if t2 >= Int8Group {
						in = g*Int8Group + shape.wide.of(g)
					}
					want := int8(0)
					if j < shape.n && in < shape.k && in >= g*Int8Group {
						want = max(-127, w[j*shape.k+in])
					}
					if v := p.weight(g, t2, j); v != want {
						t.Fatalf("%v: output %d, group %d, value %d: %d, want %d", shape, j, g, t2, v, want)
					}
				}
			}
		}
		got := append([]int32(nil), p.starts...)
		p.fillStarts()
		for i, v := range got {
			if v != p.starts[i] {
				t.Fatalf("%v: sum %d starts at %d, want %d", shape, i, v, p.starts[i])
			}
		}
	}
}

// The plain multiply-add rounds once, also where float64 has to round before.
func TestMultiplyAdd(t *testing.T) {
	r := newRand()
	for range 200_000 {
		a, b := float64(r.IntN(1<<21)-1<<20), float64(float32(r.NormFloat64()))
		c := float32(math.Ldexp(r.NormFloat64(), r.IntN(80)-40))
		if r.IntN(2) == 0 { // what is near the middle between two
			c = math.Float32frombits(math.Float32bits(c) &^ 0xfff)
			a = math.Trunc(a / 1024)
		}
		exact := new(big.Float).SetPrec(2000).SetFloat64(a * b)
		want, _ := exact.Add(exact, big.NewFloat(float64(c))).Float32()
		if got := multiplyAdd(a*b, c); got != want {
			t.Fatalf("%v*%v + %v = %v, want %v", a, b, c, got, want)
		}
	}
	// 2^24+1 lies half way between two float32, and the rest, which float64 loses, is above that.
	if got := multiplyAdd(math.Ldexp(1, -30), 1<<24); got != 1<<24 {
		t.Error(got)
	}
	if got := multiplyAdd(1+math.Ldexp(1, -40), 1<<24); got != 1<<24+2 {
		t.Error(got)
	}
}

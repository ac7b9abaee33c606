package simd

import (
	"math"
)

const (
	// Int8Group is how many values of a row share a scale in the operands of GemmInt8.
	Int8Group = 64
	// Int8Stored is how many bytes a group takes: its values, and spareInt8 more for the one that is wide.
	Int8Stored = Int8Group + spareInt8

	spareInt8 = 4
)

// Int8Groups is the number of groups that a row of k values falls into.
func Int8Groups(k int) int { return (k + Int8Group - 1) / Int8Group }

// A Wide value of a group may be five times as large as the scale allows the others: it is kept in five parts, its own and the
// spare ones, and each part is multiplied with the same weight. So one value that is always far larger than its neighbours does
// not take their precision. A Wide names that value's place in each group, 0 to 63, or -1; where it is nil there is none.
type Wide []int8

func (w Wide) of(group int) int {
	if w == nil {
		return -1
	}
	return int(w[group])
}

// PackInt8 lays 32 rows of k quantised weights (outputs × inputs) out as a panel for GemmInt8: for each four inputs, the 32
// outputs' four weights, one after the other; at the end of a group come four times the weight of its wide value. starts becomes,
// for each group, minus the sum of each output's weights, in the lower half of the int32: it has room there. A weight of -128 counts as -127. Rows that are missing and the rest of the last group are zero. It panics
// unless panel holds 32·68·Int8Groups(k) values, starts 32·Int8Groups(k), and there are whole rows of w, at most 32.
func PackInt8(panel []int8, starts []int32, w []int8, k int, wide Wide) {
	groups := Int8Groups(k)
	if k <= 0 || len(w)%k != 0 || len(w) > PanelWidth*k || len(panel) != PanelWidth*Int8Stored*groups || len(starts) != PanelWidth*groups {
		panic("simd: PackInt8: panel, starts and w do not fit together")
	}
	clear(panel)
	clear(starts)
	for j := 0; len(w) > 0; j++ {
		for g := range groups {
			row := w[g*Int8Group : min((g+1)*Int8Group, k)]
			to, start := panel[g*Int8Stored*PanelWidth:], &starts[g*PanelWidth+j]
			var sum int16
			put := func(t int, v int8) {
				v = max(-math.MaxInt8, v)
				to[t/4*4*PanelWidth+4*j+t%4] = v
				sum += int16(v)
			}
			for t, v := range row {
				put(t, v)
			}
			if at := wide.of(g); at >= 0 && at < len(row) {
				for t := range spareInt8 {
					put(Int8Group+t, row[at])
				}
			}
			*start = int32(uint16(-sum))
		}
		w = w[k:]
	}
}

// Int8Rows are rows of activations as Quantize makes them: Groups·68 bytes each, one row after the other, and, group by group, their
// scales and the bytes that stand for zero: those of row i and group g are Scales[g*Stride+i] and Zeros[g*Stride+i]. The panels
// they are multiplied with have the same wide values.
type Int8Rows struct {
	Groups, Stride int
	Values         []uint8
	Scales         []float32
	Zeros          []int32
	Wide           Wide
}

// NewInt8Rows makes n rows of values.
func NewInt8Rows(n, values int, wide Wide) Int8Rows {
	groups := Int8Groups(values)
	return Int8Rows{groups, n, make([]uint8, n*groups*Int8Stored), make([]float32, n*groups), make([]int32, n*groups), wide}
}

// From leaves out the rows before row i.
func (a Int8Rows) From(i int) Int8Rows {
	return Int8Rows{a.Groups, a.Stride, a.Values[i*a.Groups*Int8Stored:], a.Scales[min(i, len(a.Scales)):], a.Zeros[min(i, len(a.Zeros)):], a.Wide}
}

// GemmInt8 multiplies m rows of activations with one panel of weights, both of them integers with a scale a group:
//
//	c[i*ldc+j] = bias[j] + Σ a.Scales[g*a.Stride+i]·scales[g*32+j]·(Σ (a.Values[i][t]-zero)·w[j][t] over t in group g)   over g, for j < 32
//
// where zero is a.Zeros[g*a.Stride+i]. starts is what PackInt8 made beside the panel. The inner sums are exact, the outer one is a chain of multiply-adds in the order
// of g that starts at bias. So an output does not depend on m or on the neighbouring rows, and every implementation gives
// the same bits. It needs |w| ≤ 127, and zeros from 0 to 255. All 32 columns are written; c must not
// overlap the inputs.
//
// It panics if a slice is shorter than these indices need.
func GemmInt8(c []float32, ldc int, a Int8Rows, panel []int8, starts []int32, scales, bias []float32, m int) {
	if m <= 0 {
		return
	}
	checkGemmInt8(c, ldc, a, panel, starts, scales, bias, m)
	groups := a.Groups
	switch {
	case groups == 0:
		copyRows(c, ldc, bias[:PanelWidth], m)
	case hasVNNI:
		gemmInt8AVX512(&c[0], ldc, &a.Values[0], &a.Scales[0], &a.Zeros[0], a.Stride, &panel[0], &starts[0], &scales[0], &bias[0], m, groups)
	case hasAVX2:
		const half = PanelWidth / 2
		gemmInt8AVX2(&c[0], ldc, &a.Values[0], &a.Scales[0], &a.Zeros[0], a.Stride, &panel[0], &starts[0], &scales[0], &bias[0], m, groups)
		gemmInt8AVX2(&c[half], ldc, &a.Values[0], &a.Scales[0], &a.Zeros[0], a.Stride, &panel[4*half], &starts[half], &scales[half], &bias[half], m, groups)
	default:
		gemmInt8(c, ldc, a, panel, scales, bias, m)
	}
}

func checkGemmInt8(c []float32, ldc int, a Int8Rows, panel []int8, starts []int32, scales, bias []float32, m int) {
	groups := a.Groups
	switch {
	case groups < 0 || len(a.Values) < m*groups*Int8Stored:
		panic("simd: GemmInt8: a is too short for m rows")
	case a.Stride < m || groups > 0 && len(a.Scales) < (groups-1)*a.Stride+m:
		panic("simd: GemmInt8: a has too few scales for m rows")
	case len(a.Zeros) < len(a.Scales):
		panic("simd: GemmInt8: a has fewer zeros than scales")
	case ldc < PanelWidth || len(c) < (m-1)*ldc+PanelWidth:
		panic("simd: GemmInt8: c is too short for m rows of 32 values, ldc apart")
	case len(panel) < groups*Int8Stored*PanelWidth || len(starts) < groups*PanelWidth || len(scales) < groups*PanelWidth:
		panic("simd: GemmInt8: panel, its starts or its scales are too short")
	case len(bias) < PanelWidth:
		panic("simd: GemmInt8: bias has fewer than 32 values")
	}
}

func gemmInt8(c []float32, ldc int, a Int8Rows, panel []int8, scales, bias []float32, m int) {
	groups := a.Groups
	copyRows(c, ldc, bias[:PanelWidth], m)
	for i := range m {
		row := c[i*ldc:][:PanelWidth]
		for g := range groups {
			var sums [PanelWidth]int32
			addInt8Products(&sums, a.Values[(i*groups+g)*Int8Stored:][:Int8Stored], a.Zeros[g*a.Stride+i], panel[g*Int8Stored*PanelWidth:])
			scale := a.Scales[g*a.Stride+i]
			for j, s := range scales[g*PanelWidth:][:PanelWidth] {
				row[j] = multiplyAdd(float64(sums[j])*float64(scale*s), row[j])
			}
		}
	}
}

// addInt8Products adds to the 32 sums the products of a group of one row with a panel.
func addInt8Products(sums *[PanelWidth]int32, a []uint8, zero int32, panel []int8) {
	for t := 0; t < len(a); t += 4 {
		a0, a1, a2, a3 := int32(a[t])-zero, int32(a[t+1])-zero, int32(a[t+2])-zero, int32(a[t+3])-zero
		p := (*[4 * PanelWidth]int8)(panel[t*PanelWidth:])
		for j := range sums {
			sums[j] += a0*int32(p[4*j]) + a1*int32(p[4*j+1]) + a2*int32(p[4*j+2]) + a3*int32(p[4*j+3])
		}
	}
}

// multiplyAdd adds a product that float64 holds exactly, and rounds once, as a fused instruction does. The sum in float64 may
// be rounded already: if so it is made odd, so that it cannot lie half way between two float32.
func multiplyAdd(product float64, c float32) float32 {
	to := float64(c)
	sum := product + to
	// What the sum has lost.
	back := sum - product
	lost := (product - (sum - back)) + (to - back)
	if bits := math.Float64bits(sum); lost != 0 && lost-lost == 0 && bits&1 == 0 {
		if (lost > 0) == (sum > 0) {
			bits++
		} else {
			bits--
		}
		sum = math.Float64frombits(bits)
	}
	return float32(sum)
}

package simd

import "unsafe"

// Int16Group is how many values of a row share a scale in the operands of GemmInt16.
const Int16Group = 64

// Int16Groups is the number of groups that a row of k values falls into; its last group is filled up with zeros.
func Int16Groups(k int) int { return (k + Int16Group - 1) / Int16Group }

// PackInt16 lays 32 rows of k quantised weights (outputs × inputs) out as a panel for GemmInt16: for each two inputs, the
// 32 outputs' pairs of weights, one after the other. Rows that are missing and the rest of the last group are zero. It panics
// unless panel holds 32·64·Int16Groups(k) values and there are whole rows of w, at most 32.
func PackInt16(panel, w []int8, k int) {
	if k <= 0 || len(w)%k != 0 || len(w) > PanelWidth*k || len(panel) != PanelWidth*Int16Group*Int16Groups(k) {
		panic("simd: PackInt16: panel and w do not fit together")
	}
	clear(panel)
	for j := 0; len(w) > 0; j++ {
		for t, v := range w[:k] {
			panel[t/2*2*PanelWidth+2*j+t%2] = v
		}
		w = w[k:]
	}
}

// Int16Rows are rows of activations as Quantize makes them: Groups·64 values each, one row after the other, and their scales
// group by group: that of row i and group g is Scales[g*Stride+i].
type Int16Rows struct {
	Groups, Stride int
	Values         []int16
	Scales         []float32
}

// From leaves out the rows before row i.
func (a Int16Rows) From(i int) Int16Rows {
	return Int16Rows{a.Groups, a.Stride, a.Values[i*a.Groups*Int16Group:], a.Scales[min(i, len(a.Scales)):]}
}

// GemmInt16 multiplies m rows of activations with one panel of weights, both of them integers with a scale a group:
//
//	c[i*ldc+j] = bias[j] + Σ a.Scales[g*a.Stride+i]·scales[g*32+j]·(Σ a.Values[i][t]·w[j][t] over t in group g)   over g, for j < 32
//
// The inner sums are exact, the outer one is a chain of multiply-adds in the order of g that starts at bias. So an output
// does not depend on m or on the neighbouring rows, and AVX-512 and AVX2 give the same bits. It needs |w| ≤ 127: 64 products
// with any int16 then fit into an int32. All 32 columns are written; c must not overlap the inputs.
//
// It panics if a slice is shorter than these indices need.
func GemmInt16(c []float32, ldc int, a Int16Rows, panel []int8, scales, bias []float32, m int) {
	if m <= 0 {
		return
	}
	checkGemmInt16(c, ldc, a, panel, scales, bias, m)
	groups := a.Groups
	switch {
	case hasVNNI:
		gemmInt16AVX512(&c[0], ldc, unsafe.SliceData(a.Values), unsafe.SliceData(a.Scales), a.Stride, unsafe.SliceData(panel), unsafe.SliceData(scales), &bias[0], m, groups)
	case hasAVX2:
		const half = PanelWidth / 2
		gemmInt16AVX2(&c[0], ldc, unsafe.SliceData(a.Values), unsafe.SliceData(a.Scales), a.Stride, unsafe.SliceData(panel), unsafe.SliceData(scales), &bias[0], m, groups)
		if groups == 0 {
			copyRows(c[half:], ldc, bias[half:PanelWidth], m)
			return
		}
		gemmInt16AVX2(&c[half], ldc, &a.Values[0], &a.Scales[0], a.Stride, &panel[2*half], &scales[half], &bias[half], m, groups)
	default:
		gemmInt16(c, ldc, a, panel, scales, bias, m)
	}
}

func copyRows(c []float32, ldc int, row []float32, m int) {
	for i := range m {
		copy(c[i*ldc:], row)
	}
}

func checkGemmInt16(c []float32, ldc int, a Int16Rows, panel []int8, scales, bias []float32, m int) {
	groups := a.Groups
	switch {
	case groups < 0 || len(a.Values) < m*groups*Int16Group:
		panic("simd: GemmInt16: a is too short for m rows")
	case a.Stride < m || groups > 0 && len(a.Scales) < (groups-1)*a.Stride+m:
		panic("simd: GemmInt16: a has too few scales for m rows")
	case ldc < PanelWidth || len(c) < (m-1)*ldc+PanelWidth:
		panic("simd: GemmInt16: c is too short for m rows of 32 values, ldc apart")
	case len(panel) < groups*Int16Group*PanelWidth || len(scales) < groups*PanelWidth:
		panic("simd: GemmInt16: panel or its scales are too short")
	case len(bias) < PanelWidth:
		panic("simd: GemmInt16: bias has fewer than 32 values")
	}
}

func gemmInt16(c []float32, ldc int, a Int16Rows, panel []int8, scales, bias []float32, m int) {
	groups := a.Groups
	copyRows(c, ldc, bias[:PanelWidth], m)
	for i := range m {
		row := c[i*ldc:][:PanelWidth]
		for g := range groups {
			var sums [PanelWidth]int32
			addProducts(&sums, a.Values[(i*groups+g)*Int16Group:][:Int16Group], panel[g*Int16Group*PanelWidth:])
			scale := a.Scales[g*a.Stride+i]
			for j, s := range scales[g*PanelWidth:][:PanelWidth] {
				row[j] = float32(float64(sums[j])*float64(scale*s) + float64(row[j]))
			}
		}
	}
}

// addProducts adds to the 32 sums the products of a group of one row with a panel.
func addProducts(sums *[PanelWidth]int32, a []int16, panel []int8) {
	for t := 0; t < len(a); t += 2 {
		low, high := int32(a[t]), int32(a[t+1])
		p := (*[2 * PanelWidth]int8)(panel[t*PanelWidth:])
		for j := range sums {
			sums[j] += low*int32(p[2*j]) + high*int32(p[2*j+1])
		}
	}
}

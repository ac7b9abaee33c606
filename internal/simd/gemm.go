package simd

import "unsafe"

// PanelWidth is the number of columns of a panel.
const PanelWidth = 32

// PanelsLen is the length of n×k weights packed by PackPanels: a whole number of panels.
func PanelsLen(n, k int) int {
	return (n + PanelWidth - 1) / PanelWidth * PanelWidth * k
}

// PackPanels lays w, n rows of k values as a linear layer stores them (outputs × inputs), out for GemmPanel: as
// ceil(n/32) panels of k rows of 32 values, each panel the transpose of 32 rows of w. Columns beyond n are zero. It
// panics unless dst holds PanelsLen(n, k) values and w holds n*k.
func PackPanels(dst, w []float32, n, k int) {
	if n < 0 || k < 0 || len(w) < n*k || len(dst) < PanelsLen(n, k) {
		panic("simd: PackPanels: dst or w is too short")
	}
	for first := 0; first < n; first += PanelWidth {
		packPanel(dst[first*k:(first+PanelWidth)*k], w[first*k:n*k], k)
	}
}

// packPanel transposes the first rows of w, up to 32 of them, into one panel.
func packPanel(panel, w []float32, k int) {
	clear(panel)
	for j := 0; j < PanelWidth && len(w) >= k && k > 0; j++ {
		for t, v := range w[:k] {
			panel[t*PanelWidth+j] = v
		}
		w = w[k:]
	}
}

// GemmPanel multiplies m rows of a with one panel, the inner loop of every linear layer:
//
//	c[i*ldc+j] = bias[j] + Σ a[i*lda+t]·panel[t*32+j]   over t < k, for i < m and j < 32
//
// A nil bias counts as zero. All 32 columns are written, also those that pad the last panel, so ldc is at least 32. c must
// not overlap the inputs.
//
// Each output is one chain of multiply-adds in the order of t that starts at bias: it does not depend on m or on the
// neighbouring rows, so a text gets the same vector in any batch. AVX-512 and AVX2 give the same bits. Plain Go gives
// them too where the compiler fuses multiply-adds (arm64, GOAMD64=v3); elsewhere it rounds each product as well.
//
// It panics if a slice is shorter than these indices need.
func GemmPanel(c []float32, ldc int, a []float32, lda int, panel, bias []float32, m, k int) {
	if m <= 0 {
		return
	}
	checkGemm(c, ldc, a, lda, panel, bias, m, k)
	if bias == nil {
		bias = noBias[:]
	}
	switch {
	case hasAVX512:
		gemmAVX512(&c[0], ldc, unsafe.SliceData(a), lda, unsafe.SliceData(panel), &bias[0], m, k)
	case hasAVX2:
		const half = PanelWidth / 2
		gemmAVX2(&c[0], ldc, unsafe.SliceData(a), lda, unsafe.SliceData(panel), &bias[0], m, k)
		if k == 0 {
			panel = noBias[:] // of which nothing is read
		}
		gemmAVX2(&c[half], ldc, unsafe.SliceData(a), lda, &panel[half], &bias[half], m, k)
	default:
		gemmPanel(c, ldc, a, lda, panel, bias, m, k)
	}
}

var noBias [PanelWidth]float32

func checkGemm(c []float32, ldc int, a []float32, lda int, panel, bias []float32, m, k int) {
	switch {
	case k < 0 || lda < k || len(a) < (m-1)*lda+k:
		panic("simd: GemmPanel: a is too short for m rows of k values, lda apart")
	case ldc < PanelWidth || len(c) < (m-1)*ldc+PanelWidth:
		panic("simd: GemmPanel: c is too short for m rows of 32 values, ldc apart")
	case len(panel) < k*PanelWidth:
		panic("simd: GemmPanel: panel is too short for k rows of 32 values")
	case bias != nil && len(bias) < PanelWidth:
		panic("simd: GemmPanel: bias has fewer than 32 values")
	}
}

func gemmPanel(c []float32, ldc int, a []float32, lda int, panel, bias []float32, m, k int) {
	for i := range m {
		row := c[i*ldc:][:PanelWidth]
		copy(row, bias)
		for j := 0; j < PanelWidth; j += 8 {
			gemmRow8((*[8]float32)(row[j:]), a[i*lda:][:k], panel[:k*PanelWidth], j)
		}
	}
}

// gemmRow8 adds to eight outputs, kept in registers, the products of one row of a with columns j to j+7 of the panel.
func gemmRow8(c *[8]float32, a, panel []float32, j int) {
	s0, s1, s2, s3, s4, s5, s6, s7 := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	for t, v := range a {
		p := (*[8]float32)(panel[t*PanelWidth+j:])
		s0 += v * p[0]
		s1 += v * p[1]
		s2 += v * p[2]
		s3 += v * p[3]
		s4 += v * p[4]
		s5 += v * p[5]
		s6 += v * p[6]
		s7 += v * p[7]
	}
	c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7] = s0, s1, s2, s3, s4, s5, s6, s7
}

package simd

import "math"

// TileNorm is a LayerNorm over rows in groups.
type TileNorm struct {
	Gamma, Beta []float32 // one a column, rounded up to whole groups with zeros
	Columns     int       // of use
	Epsilon     float32
}

// Add sets rows rows of x to the norm of themselves plus the sums, which it overwrites. x and sums start with the first of
// those rows; the groups of x are stride rows apart, those of the sums sumStride. Columns beyond the norm's are zero in both,
// and stay so.
func (n *TileNorm) Add(x []BFloat16, stride int, sums []float32, sumStride, rows int) {
	groups := len(n.Gamma) / PanelWidth
	if rows <= 0 {
		return
	}
	if len(n.Gamma)%PanelWidth != 0 || len(n.Beta) != len(n.Gamma) || n.Columns > len(n.Gamma) || n.Columns <= len(n.Gamma)-PanelWidth ||
		len(x) < ((groups-1)*stride+rows)*PanelWidth || len(sums) < ((groups-1)*sumStride+rows)*PanelWidth {
		panic("simd: TileNorm: x or sums is too short, or the norm is not in whole groups")
	}
	if hasAMX {
		tileNorm(n, x, stride, sums, sumStride, rows)
		return
	}
	for i := range rows {
		n.row(x[i*PanelWidth:], stride, sums[i*PanelWidth:], sumStride)
	}
}

// row keeps 16 sums for the first half of each group and 16 for the second, as vectors do.
func (n *TileNorm) row(x []BFloat16, stride int, sums []float32, sumStride int) {
	inverse := 1 / float32(n.Columns)
	var total, squares [PanelWidth]float32
	for j := range n.Gamma {
		s := &sums[j/PanelWidth*sumStride*PanelWidth+j%PanelWidth]
		*s += x[j/PanelWidth*stride*PanelWidth+j%PanelWidth].Float32()
		total[j%PanelWidth] += *s
	}
	mean := halvesSum(total) * inverse
	for j := range n.Columns {
		s := &sums[j/PanelWidth*sumStride*PanelWidth+j%PanelWidth]
		*s -= mean
		squares[j%PanelWidth] = fma(*s, *s, squares[j%PanelWidth])
	}
	variance := fma(halvesSum(squares), inverse, n.Epsilon)
	factor := 1 / float32(math.Sqrt(float64(variance)))
	for j := range n.Columns {
		s := sums[j/PanelWidth*sumStride*PanelWidth+j%PanelWidth]
		x[j/PanelWidth*stride*PanelWidth+j%PanelWidth] = RoundBFloat16(fma(s*factor, n.Gamma[j], n.Beta[j]))
	}
}

func halvesSum(v [PanelWidth]float32) float32 {
	var sums [TileRows]float32
	for i := range sums {
		sums[i] = v[i] + v[i+TileRows]
	}
	return lanesSum(sums)
}

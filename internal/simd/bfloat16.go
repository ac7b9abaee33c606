package simd

import "math"

// BFloat16 is the upper half of a float32: its range, with eight bits of precision.
type BFloat16 uint16

// RoundBFloat16 is the nearest bfloat16, of two the even one. As the processor has it, denormals become zero.
func RoundBFloat16(v float32) BFloat16 {
	const quiet = 1 << 6
	bits := math.Float32bits(v)
	switch {
	case v != v:
		return BFloat16(bits>>16) | quiet
	case bits&0x7f800000 == 0:
		return BFloat16(bits >> 16 & 0x8000)
	}
	return BFloat16((bits + 0x7fff + bits>>16&1) >> 16)
}

// Float32 is the same value.
func (b BFloat16) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }

// A matrix of bfloat16 goes in groups of 32 columns: value j of row i is at (j/32·stride + i)·32 + j%32, where stride is the
// number of rows of a group. So any 16 rows of a group are a tile of 1 KB as they lie, and the outputs of a panel are one
// region. The sums before they are rounded lie in the same way, as float32.

// TileRows is the number of rows of a tile. The functions for tiles may write up to 15 rows beyond those they are asked for.
const TileRows = 16

// Stride is the number of rows that a group should have for so many rows of use. It leaves room for what is written beyond
// them, and spreads the groups of a row over the sets of the nearest cache.
func Stride(rows int) int { return (rows+2*TileRows+63)/64*64 + 32 }

// NarrowRow writes a row to its groups, of which dst starts with its place in the first; what is left of the last is zero.
func NarrowRow(dst []BFloat16, stride int, row []float32) {
	for len(row) > 0 {
		group := dst[:PanelWidth]
		n := min(len(row), PanelWidth)
		for i, v := range row[:n] {
			group[i] = RoundBFloat16(v)
		}
		clear(group[n:])
		row = row[n:]
		if len(row) > 0 {
			dst = dst[stride*PanelWidth:]
		}
	}
}

// WidenRow reads a row from its groups.
func WidenRow(row []float32, src []BFloat16, stride int) {
	for len(row) > 0 {
		n := min(len(row), PanelWidth)
		for i, v := range src[:n] {
			row[i] = v.Float32()
		}
		row = row[n:]
		if len(row) > 0 {
			src = src[stride*PanelWidth:]
		}
	}
}

// PackTiles lays 32 rows of w, k of every ldw values, out as a panel for TileGemm: for each 32 values along k two tiles, of 16
// columns each, whose rows hold the values of two steps for each column. k is a multiple of 32.
func PackTiles(dst []BFloat16, w []float32, ldw, k int) {
	if k%PanelWidth != 0 || len(dst) < k*PanelWidth || len(w) < (PanelWidth-1)*ldw+k {
		panic("simd: PackTiles: dst or w does not fit")
	}
	for j := range PanelWidth {
		for t, v := range w[j*ldw:][:k] {
			tile, pair := t/PanelWidth*2+j/TileRows, t%PanelWidth/2
			dst[tile*tileValues+pair*PanelWidth+j%TileRows*2+t%2] = RoundBFloat16(v)
		}
	}
}

const tileValues = TileRows * PanelWidth

// tileDot adds to 16 sums of a row the products of 32 of its values with a tile, in the order of TDPBF16PS: a chain for the
// even values and one for the odd ones, then both together to the sum. A product of two bfloat16 is exact, so it does not
// matter whether it is fused with the addition. Denormals, which the processor takes for zero, differ only where a whole
// sum is below 2^-126.
func tileDot(sums *[TileRows]float32, a *[PanelWidth]float32, tile *[tileValues]BFloat16) {
	for c := 0; c < TileRows; c += 4 {
		var e0, e1, e2, e3, o0, o1, o2, o3 float32
		for p := range TileRows {
			even, odd := a[2*p], a[2*p+1]
			b := (*[8]BFloat16)(tile[p*PanelWidth+2*c:])
			e0 += even * b[0].Float32()
			o0 += odd * b[1].Float32()
			e1 += even * b[2].Float32()
			o1 += odd * b[3].Float32()
			e2 += even * b[4].Float32()
			o2 += odd * b[5].Float32()
			e3 += even * b[6].Float32()
			o3 += odd * b[7].Float32()
		}
		sums[c] += e0 + o0
		sums[c+1] += e1 + o1
		sums[c+2] += e2 + o2
		sums[c+3] += e3 + o3
	}
}

// fma is a·b+c rounded once, but for one case in 2^29: the sum is rounded to float64 before.
func fma(a, b, c float32) float32 { return float32(float64(a)*float64(b) + float64(c)) }

// lanesSum adds 16 lanes in the order of the assembly.
func lanesSum(v [TileRows]float32) float32 {
	for width := TileRows / 2; width > 0; width /= 2 {
		for i := range width {
			v[i] += v[i+width]
		}
	}
	return v[0]
}

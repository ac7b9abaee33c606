//go:build !purego

package simd

import (
	"math"
	"unsafe"
)

// What the kernels for tiles read besides their operands.
var (
	tileConfig     = newTileConfig()
	tileInterleave = newTileInterleave()
)

// newTileConfig makes eight tiles of 16 rows of 64 bytes, in the form of LDTILECFG.
func newTileConfig() (c [64]byte) {
	c[0] = 1 // the palette
	for i := range 8 {
		c[16+2*i], c[48+i] = 64, TileRows
	}
	return c
}

// newTileInterleave picks the values of two rows of 32 in turn: of the first 16 columns, then of the others.
func newTileInterleave() (index [2 * PanelWidth]uint16) {
	for i := range index {
		index[i] = uint16(i/2 + i%2*PanelWidth)
	}
	return index
}

func first(s []BFloat16) *uint16 { return (*uint16)(unsafe.SliceData(s)) }

// rowsBytes is the distance of groups of so many rows.
func rowsBytes(stride int) int { return stride * PanelWidth * int(unsafe.Sizeof(BFloat16(0))) }

func (p *TileProduct) next() *uint16 {
	if len(p.Next) == 0 {
		return first(p.Panel)
	}
	return first(p.Next)
}

func tileGemm(c []float32, p *TileProduct) {
	tileGemmAMX(&c[0], first(p.A), rowsBytes(p.Stride), first(p.Panel), p.next(), unsafe.SliceData(p.Bias), p.K/PanelWidth, p.Rows)
}

func tileGemmRound(dst []BFloat16, p *TileProduct, gelu bool, s *TileScratch) {
	groups, sums := p.K/PanelWidth, &s.block[0]
	if gelu {
		tileGemmGELUAMX(first(dst), first(p.A), rowsBytes(p.Stride), first(p.Panel), p.next(), &p.Bias[0], groups, p.Rows, sums)
	} else {
		tileGemmRoundAMX(first(dst), first(p.A), rowsBytes(p.Stride), first(p.Panel), p.next(), &p.Bias[0], groups, p.Rows, sums)
	}
}

func tileNorm(n *TileNorm, x []BFloat16, stride int, sums []float32, sumStride, rows int) {
	groups := len(n.Gamma) / PanelWidth
	tail := n.Columns - (groups-1)*PanelWidth
	tileNormAMX(first(x), rowsBytes(stride), &sums[0], 2*rowsBytes(sumStride), &n.Gamma[0], &n.Beta[0], groups, tail, rows, n.Epsilon, 1/float32(n.Columns))
}

func tilePack(t *TileKeys, key, value []BFloat16, stride int) {
	blocks := (t.tokens + PanelWidth - 1) / PanelWidth
	tileKeysAMX(first(t.keys), first(key), rowsBytes(stride), t.groups, 2*blocks)
	tileValuesAMX(first(t.values), first(value), rowsBytes(stride), t.groups, t.tokens)
}

// tileAttend computes some queries, or reports that their exponents are too large for it.
func tileAttend(q *TileQueries, t *TileKeys, s *TileScratch, row, rows int) bool {
	var bias *float32
	if q.Bias != nil {
		bias = &q.Bias[q.Rows-1-row]
	}
	at := row * PanelWidth
	return tileAttendAMX(first(q.Context[at:]), first(q.Query[at:]), rowsBytes(q.Stride), first(t.keys), first(t.values), first(s.weights),
		t.groups, t.tokens, rows, q.Scale*math.Log2E, bias, &s.block[0])
}

//go:build !purego

package simd

import (
	"fmt"
	"slices"
	"sync"
)

// tilesWork checks once that the kernels for tiles compute on this processor what plain Go does: some microseconds at the start
// of a process, against answers that would be wrong for as long as it runs.
var tilesWork = sync.OnceValue(func() error {
	if tileConfig[0] == 0 || tileInterleave[1] == 0 || tileOnes[0] == 0 || expConst[0] == 0 { // which the assembly reads
		panic("simd: the kernels for tiles are checked before their constants are set")
	}
	return checkTiles(checkedTiles{tileGemm, tileGemmRound, tileNorm, tilePack, tileAttend})
})

// checkedTiles are the functions that are checked.
type checkedTiles struct {
	gemm   func([]float32, *TileProduct)
	round  func([]BFloat16, *TileProduct, bool, *TileScratch)
	norm   func(*TileNorm, []BFloat16, int, []float32, int, int)
	pack   func(*TileKeys, []BFloat16, []BFloat16, int)
	attend func(*TileQueries, *TileKeys, *TileScratch, int, int) bool
}

// checkTiles computes a head's queries, their attention and the norm of its outcome twice.
func checkTiles(f checkedTiles) error {
	const rows, k, tokens = 20, 64, 37
	numbers := arbitrary(1)
	stride := Stride(tokens)
	x := numbers.rounded(k * stride)
	p := &TileProduct{A: x, Stride: stride, K: k, Panel: numbers.rounded(k * PanelWidth), Bias: numbers.floats(PanelWidth), Rows: rows}

	sums, wantSums := make([]float32, stride*PanelWidth), make([]float32, stride*PanelWidth)
	f.gemm(sums, p)
	p.into(wantSums)
	if !alike(sums[:rows*PanelWidth], wantSums) {
		return fmt.Errorf("a product of tiles is wrong")
	}
	var scratch TileScratch
	scratch.Reserve(tokens)
	for _, gelu := range []bool{false, true} {
		got, want := make([]BFloat16, stride*PanelWidth), make([]BFloat16, stride*PanelWidth)
		f.round(got, p, gelu, &scratch)
		p.intoRounded(want, gelu)
		if !alikeRounded(got[:rows*PanelWidth], want) {
			return fmt.Errorf("a rounded product of tiles (GELU %v) is wrong", gelu)
		}
	}

	var keys, wantKeys TileKeys
	for _, t := range []*TileKeys{&keys, &wantKeys} {
		t.Reserve(tokens, k)
		t.tokens, t.groups = tokens, k/PanelWidth
	}
	f.pack(&keys, x, x, stride)
	wantKeys.packGo(x, x, stride)
	q := &TileQueries{Query: x, Context: make([]BFloat16, k*stride), Stride: stride, Rows: rows, Scale: 0.125, Bias: numbers.floats(rows + tokens)}
	want := *q
	want.Context = make([]BFloat16, k*stride)
	for first := 0; first < rows; first += TileRows {
		if !f.attend(q, &keys, &scratch, first, min(TileRows, rows-first)) {
			return fmt.Errorf("attention in tiles finds exponents that are too large")
		}
	}
	for i := range rows {
		want.row(&wantKeys, scratch.weights, i)
	}
	if !slices.Equal(keys.keys, wantKeys.keys) || !slices.Equal(keys.values, wantKeys.values) || !alikeRounded(q.Context, want.Context) {
		return fmt.Errorf("attention in tiles is wrong")
	}

	n := &TileNorm{numbers.floats(PanelWidth), numbers.floats(PanelWidth), 29, 1e-12}
	state, wantState := slices.Clone(x), slices.Clone(x)
	f.norm(n, state, stride, sums, stride, rows)
	for i := range rows {
		n.row(wantState[i*PanelWidth:], stride, wantSums[i*PanelWidth:], stride)
	}
	for i := range rows {
		if !alikeRounded(state[i*PanelWidth:][:n.Columns], wantState[i*PanelWidth:]) {
			return fmt.Errorf("a norm of tiles is wrong")
		}
	}
	return nil
}

// alike tells whether values agree but for the order of their sums, which are below 64.
func alike(got, want []float32) bool {
	for i, v := range got {
		if off := v - want[i]; !(max(off, -off) < 1e-4) {
			return false
		}
	}
	return true
}

// alikeRounded tells whether values agree but for one step of bfloat16.
func alikeRounded(got, want []BFloat16) bool {
	for i, v := range got {
		a, b := v.Float32(), want[i].Float32()
		if off := a - b; !(max(off, -off) <= max(b, -b)/100+1e-4) {
			return false
		}
	}
	return true
}

// arbitrary makes numbers between -1 and 1.
type arbitrary uint64

func (a *arbitrary) floats(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		*a = *a*6364136223846793005 + 1442695040888963407
		v[i] = float32(int64(*a)>>40) / (1 << 23)
	}
	return v
}

func (a *arbitrary) rounded(n int) []BFloat16 {
	v := make([]BFloat16, n)
	for i, x := range a.floats(n) {
		v[i] = RoundBFloat16(x)
	}
	return v
}

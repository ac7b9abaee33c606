//go:build emulate && amd64

package simd

import "testing"

// A kernel that is wrong is found before it is used.
func TestSelfCheck(t *testing.T) {
	right := checkedTiles{tileGemm, tileGemmRound, tileNorm, tilePack, tileAttend}
	if err := checkTiles(right); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*checkedTiles){
		"gemm": func(f *checkedTiles) {
			f.gemm = func(c []float32, p *TileProduct) { right.gemm(c, p); c[33] += 0.01 }
		},
		"round": func(f *checkedTiles) {
			f.round = func(dst []BFloat16, p *TileProduct, gelu bool, s *TileScratch) {
				right.round(dst, p, gelu, s)
				dst[3] ^= 0x40
			}
		},
		"norm": func(f *checkedTiles) {
			f.norm = func(n *TileNorm, x []BFloat16, stride int, sums []float32, sumStride, rows int) {
				right.norm(n, x, stride, sums, sumStride, rows)
				x[28] ^= 0x40
			}
		},
		"pack": func(f *checkedTiles) {
			f.pack = func(k *TileKeys, key, value []BFloat16, stride int) {
				right.pack(k, key, value, stride)
				k.keys[100] ^= 1
			}
		},
		"attend": func(f *checkedTiles) {
			f.attend = func(q *TileQueries, k *TileKeys, s *TileScratch, row, rows int) bool {
				return right.attend(q, k, s, row, rows-1)
			}
		},
	} {
		f := right
		spoil(&f)
		if checkTiles(f) == nil {
			t.Errorf("%s: a wrong one passes", name)
		}
	}
}

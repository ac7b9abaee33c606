package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// tileLevels runs a test of the functions for tiles: in plain Go, where it is to compare with float64, and with assembly, where
// it is to compare with the bits of plain Go.
func tileLevels(t *testing.T, test func(t *testing.T, exact bool)) {
	t.Run(LevelGoBFloat16, func(t *testing.T) {
		setLevel(t, LevelGoBFloat16)
		test(t, false)
	})
	if slices.Contains(Levels(), LevelAMX) {
		t.Run(LevelAMX, func(t *testing.T) {
			setLevel(t, LevelAMX)
			test(t, true)
		})
	}
}

// inGo runs f in plain Go.
func inGo(t *testing.T, f func()) {
	t.Helper()
	restore, err := SetLevel(LevelGoBFloat16)
	if err != nil {
		t.Fatal(err)
	}
	f()
	restore()
}

func TestRoundBFloat16(t *testing.T) {
	for _, test := range []struct{ bits, want uint32 }{
		{0, 0}, {0x80000000, 0x8000}, {0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81},
		{0x3f807fff, 0x3f80}, {0x7f7fffff, 0x7f80}, {0x7f800000, 0x7f80}, {0xff800000, 0xff80}, {0x7f800001, 0x7fc0},
		{0x00800000, 0x0080}, {0x007fffff, 0}, {0x80000001, 0x8000},
	} {
		if got := RoundBFloat16(math.Float32frombits(test.bits)); uint32(got) != test.want {
			t.Errorf("%#x: %#x, want %#x", test.bits, got, test.want)
		}
	}
}

func TestRowsOfGroups(t *testing.T) {
	r := newRand()
	for _, n := range []int{1, 31, 32, 33, 100, 384} {
		const stride = 7
		row, got := normal(n, r, 1), make([]float32, n)
		groups := make([]BFloat16, (n+PanelWidth-1)/PanelWidth*stride*PanelWidth)
		NarrowRow(groups[3*PanelWidth:], stride, row)
		WidenRow(got, groups[3*PanelWidth:], stride)
		for i, v := range row {
			if got[i] != RoundBFloat16(v).Float32() || groups[(i/PanelWidth*stride+3)*PanelWidth+i%PanelWidth] != RoundBFloat16(v) {
				t.Fatalf("%d values: value %d of %v is %v", n, i, v, got[i])
			}
		}
	}
}

// narrow rounds values.
func narrow(v []float32) []BFloat16 {
	out := make([]BFloat16, len(v))
	for i, x := range v {
		out[i] = RoundBFloat16(x)
	}
	return out
}

// tileProduct makes a product with random operands between guard pages.
func tileProduct(t *testing.T, r *rand.Rand, m, k int) (p *TileProduct, w []float32) {
	t.Helper()
	rows := roundRows(m)
	p = &TileProduct{Stride: rows + m%3*TileRows, K: k, Rows: m, Bias: newArena(t, 1024, canary).place(PanelWidth, -1)}
	fillNormal(p.Bias, r, 1)
	a := newArena[BFloat16](t, (k/PanelWidth)*p.Stride*PanelWidth, 1)
	p.A = a.place(((k/PanelWidth-1)*p.Stride+rows)*PanelWidth, -1)
	copy(p.A, narrow(normal(len(p.A), r, 1)))
	p.Panel = newArena[BFloat16](t, k*PanelWidth, 1).place(k*PanelWidth, -1)
	w = normal(PanelWidth*k, r, 1)
	PackTiles(p.Panel, w, k, k)
	return p, w
}

// exact is an output in float64 and the sum of the magnitudes that made it.
func (p *TileProduct) exact(w []float32, i, j int) (value, size float64) {
	value, size = float64(p.Bias[j]), math.Abs(float64(p.Bias[j]))
	for x := range p.K {
		a := p.A[(x/PanelWidth*p.Stride+i)*PanelWidth+x%PanelWidth].Float32()
		term := float64(a) * float64(RoundBFloat16(w[j*p.K+x]).Float32())
		value, size = value+term, size+math.Abs(term)
	}
	return value, size
}

func tileShapes(visit func(m, k int)) {
	for _, k := range []int{32, 64, 96, 384} {
		for _, m := range []int{1, 2, 15, 16, 17, 31, 32, 33, 48, 49, 70} {
			visit(m, k)
		}
	}
	visit(100, 1536)
}

func TestTileGemm(t *testing.T) {
	tileLevels(t, func(t *testing.T, exact bool) {
		r := newRand()
		tileShapes(func(m, k int) {
			p, w := tileProduct(t, r, m, k)
			n := roundRows(m) * PanelWidth
			c := newArena(t, n, canary).place(n, -1)
			TileGemm(c, p)
			if exact {
				want := make([]float32, n)
				inGo(t, func() { TileGemm(want, p) })
				sameBits(t, fmt.Sprintf("m=%d k=%d", m, k), c[:m*PanelWidth], want[:m*PanelWidth])
				return
			}
			for i := range m {
				for j := range PanelWidth {
					value, size := p.exact(w, i, j)
					if got := float64(c[i*PanelWidth+j]); !(math.Abs(got-value) <= size*ulp*float64(k+2)) {
						t.Fatalf("m=%d k=%d: c[%d][%d] = %v, want %v", m, k, i, j, got, value)
					}
				}
			}
		})
	})
}

// TestTileGemmParts holds that K in parts gives the bits of K as a whole.
func TestTileGemmParts(t *testing.T) {
	tileLevels(t, func(t *testing.T, _ bool) {
		const m, k = 37, 160
		p, w := tileProduct(t, newRand(), m, k)
		n := roundRows(m) * PanelWidth
		whole, parts := make([]float32, n), make([]float32, n)
		TileGemm(whole, p)
		for first := 0; first < k; first += 64 {
			part := *p
			part.K = min(64, k-first)
			part.A = p.A[first*p.Stride:]
			part.Panel = make([]BFloat16, part.K*PanelWidth)
			PackTiles(part.Panel, w[first:], k, part.K)
			if first > 0 {
				part.Bias = nil
			}
			TileGemm(parts, &part)
		}
		sameBits(t, "parts", parts[:m*PanelWidth], whole[:m*PanelWidth])
	})
}

func TestTileGemmRound(t *testing.T) {
	tileLevels(t, func(t *testing.T, exact bool) {
		r := newRand()
		for _, gelu := range []bool{false, true} {
			tileShapes(func(m, k int) {
				p, _ := tileProduct(t, r, m, k)
				n := roundRows(m) * PanelWidth
				got := newArena[BFloat16](t, n, 1).place(n, -1)
				TileGemmRound(got, p, gelu, new(TileScratch))
				want := make([]BFloat16, n)
				if exact {
					inGo(t, func() { TileGemmRound(want, p, gelu, new(TileScratch)) })
				} else {
					sums := make([]float32, n)
					TileGemm(sums, p)
					for i, v := range sums {
						if gelu {
							v = roughGELU(v)
						}
						want[i] = RoundBFloat16(v)
					}
				}
				for i := range m * PanelWidth {
					if got[i] != want[i] {
						t.Fatalf("m=%d k=%d gelu %v: value %d is %v, want %v", m, k, gelu, i, got[i].Float32(), want[i].Float32())
					}
				}
			})
		}
	})
}

func TestRoughGELU(t *testing.T) {
	inner, outer := 0.0, 0.0
	for i := range 200_001 {
		x := float32(i-100_000) / 10_000
		off := math.Abs(float64(roughGELU(x)) - float64(x)*0.5*math.Erfc(-float64(x)/math.Sqrt2))
		if math.Abs(float64(x)) <= roughGELULimit {
			inner = max(inner, off)
		} else {
			outer = max(outer, off)
		}
	}
	t.Logf("largest absolute error %.3g for |x| ≤ %v, %.3g beyond", inner, roughGELULimit, outer)
	if inner > 1e-4 || outer > 4e-4 {
		t.Error("too much")
	}
	if v := roughGELU(float32(math.NaN())); v == v {
		t.Errorf("NaN gives %v", v)
	}
}

func TestTileNorm(t *testing.T) {
	tileLevels(t, func(t *testing.T, exact bool) {
		r := newRand()
		for _, columns := range []int{1, 20, 32, 33, 48, 100, 384} {
			for _, rows := range []int{1, 7, 16} {
				checkTileNorm(t, r, columns, rows, exact)
			}
		}
	})
}

func checkTileNorm(t *testing.T, r *rand.Rand, columns, rows int, exact bool) {
	t.Helper()
	groups := (columns + PanelWidth - 1) / PanelWidth
	width := groups * PanelWidth
	n := &TileNorm{make([]float32, width), make([]float32, width), columns, 1e-5}
	fillNormal(n.Gamma[:columns], r, 1)
	fillNormal(n.Beta[:columns], r, 1)
	stride, sumStride := rows+2, rows+1
	x := newArena[BFloat16](t, groups*stride*PanelWidth, 1).place(((groups-1)*stride+rows)*PanelWidth, -1)
	sums := newArena(t, groups*sumStride*PanelWidth, canary).place(((groups-1)*sumStride+rows)*PanelWidth, -1)
	for i := range rows {
		for j := range columns {
			x[(j/PanelWidth*stride+i)*PanelWidth+j%PanelWidth] = RoundBFloat16(float32(r.NormFloat64()))
			sums[(j/PanelWidth*sumStride+i)*PanelWidth+j%PanelWidth] = float32(r.NormFloat64() + 3)
		}
		for j := columns; j < width; j++ {
			x[(j/PanelWidth*stride+i)*PanelWidth+j%PanelWidth] = 0
			sums[(j/PanelWidth*sumStride+i)*PanelWidth+j%PanelWidth] = 0
		}
	}
	before, sumsBefore := slices.Clone(x), slices.Clone(sums)
	n.Add(x, stride, sums, sumStride, rows)
	if exact {
		want := slices.Clone(before)
		inGo(t, func() { n.Add(want, stride, sumsBefore, sumStride, rows) })
		for i := range want {
			if x[i] != want[i] {
				t.Fatalf("%d columns, %d rows: value %d is %v, want %v", columns, rows, i, x[i].Float32(), want[i].Float32())
			}
		}
		return
	}
	for i := range rows {
		row, residual, want := make([]float32, columns), make([]float32, columns), make([]float32, columns)
		for j := range columns {
			row[j] = before[(j/PanelWidth*stride+i)*PanelWidth+j%PanelWidth].Float32()
			residual[j] = sumsBefore[(j/PanelWidth*sumStride+i)*PanelWidth+j%PanelWidth]
		}
		addLayerNorm(want, row, residual, n.Gamma[:columns], n.Beta[:columns], n.Epsilon)
		for j, w := range want {
			got := x[(j/PanelWidth*stride+i)*PanelWidth+j%PanelWidth].Float32()
			if math.Abs(float64(got-w)) > 0.005*math.Abs(float64(w))+1e-5 {
				t.Fatalf("%d columns, row %d: value %d is %v, want %v", columns, i, j, got, w)
			}
		}
	}
}

// attentionCase is a text, a head and its buffers.
type attentionCase struct {
	tokens, size, stride, begin int
	query, key, value           []BFloat16
	bias                        []float32
	scale                       float32
}

func newAttentionCase(r *rand.Rand, tokens, size int, biased bool, spread float64) *attentionCase {
	const begin = 5
	c := &attentionCase{tokens: tokens, size: size, begin: begin, stride: Stride(tokens + begin), scale: float32(1 / math.Sqrt(float64(size)))}
	n := size * c.stride
	for _, b := range []*[]BFloat16{&c.query, &c.key, &c.value} {
		*b = narrow(normal(n, r, spread))
		for g := range size / PanelWidth {
			for i := begin + tokens; i < c.stride; i++ {
				(*b)[(g*c.stride+i)*PanelWidth] = 0x7fc0 // not a number; nothing beyond the text may matter
			}
		}
	}
	if biased {
		c.bias = normal(2*tokens-1, r, 3)
	}
	return c
}

// run lets the rows attend and returns the whole context, whose other rows hold a mark.
func (c *attentionCase) run() []BFloat16 {
	var keys TileKeys
	var scratch TileScratch
	keys.Reserve(c.tokens, c.size)
	scratch.Reserve(c.tokens)
	context := slices.Repeat([]BFloat16{7}, c.size*c.stride)
	at := c.begin * PanelWidth
	keys.Pack(c.key[at:], c.value[at:], c.stride, c.tokens, c.size)
	q := &TileQueries{c.query[at:], context[at:], c.stride, c.tokens, c.scale, c.bias}
	TileAttention(q, &keys, &scratch)
	return context
}

func (c *attentionCase) at(b []BFloat16, i, j int) float64 {
	return float64(b[(j/PanelWidth*c.stride+c.begin+i)*PanelWidth+j%PanelWidth].Float32())
}

// check compares with float64.
func (c *attentionCase) check(t *testing.T, context []BFloat16) {
	t.Helper()
	for i := range c.tokens {
		weights, top, sum := make([]float64, c.tokens), math.Inf(-1), 0.0
		for j := range weights {
			for x := range c.size {
				weights[j] += c.at(c.query, i, x) * c.at(c.key, j, x)
			}
			if c.bias != nil {
				weights[j] += float64(c.bias[c.tokens-1-i+j])
			}
			top = max(top, weights[j])
		}
		for j, w := range weights {
			weights[j] = math.Exp((w - top) * float64(c.scale))
			sum += weights[j]
		}
		for x := range c.size {
			want, size := 0.0, 0.0
			for j, w := range weights {
				want += w / sum * c.at(c.value, j, x)
				size += w / sum * math.Abs(c.at(c.value, j, x))
			}
			if got := c.at(context, i, x); !(math.Abs(got-want) <= 0.012*size+1e-6) {
				t.Fatalf("%d tokens of %d, biased %v: context[%d][%d] is %v, want %v", c.tokens, c.size, c.bias != nil, i, x, got, want)
			}
		}
	}
	for i, v := range context {
		if row := i/PanelWidth%c.stride - c.begin; (row < 0 || row >= c.tokens) && v != 7 {
			t.Fatalf("%d tokens: wrote to row %d", c.tokens, row)
		}
	}
}

func TestTileAttention(t *testing.T) {
	tileLevels(t, func(t *testing.T, exact bool) {
		r := newRand()
		for _, tokens := range []int{1, 2, 12, 15, 16, 17, 31, 32, 33, 47, 64, 65, 128} {
			for _, size := range []int{32, 64, 96} {
				for _, spread := range []float64{1, 8} { // also scores that are far apart
					c := newAttentionCase(r, tokens, size, (tokens+size/32)%2 == 0, spread)
					got := c.run()
					if !exact {
						c.check(t, got)
						continue
					}
					inGo(t, func() { sameRounded(t, fmt.Sprintf("%d tokens of %d", tokens, size), got, c.run()) })
				}
			}
		}
	})
}

// Where the first keys say little about the others, the largest exponent of all is taken.
func TestTileAttentionFarApart(t *testing.T) {
	tileLevels(t, func(t *testing.T, _ bool) {
		c := newAttentionCase(newRand(), 40, 32, true, 1)
		for i := range c.bias {
			c.bias[i] = float32(20 * i) // the last key has by far the largest score
		}
		c.check(t, c.run())
	})
}

func sameRounded(t *testing.T, name string, got, want []BFloat16) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: value %d is %v, want %v", name, i, got[i].Float32(), want[i].Float32())
		}
	}
}

package simd

import "math"

// TileKeys are the keys and values of one text and one head, laid out for TileAttention.
type TileKeys struct {
	tokens, groups int
	keys           []BFloat16 // for each 16 keys and each 32 values a tile: row p has values 2p and 2p+1 of each key
	values         []BFloat16 // for each 32 keys and each 16 columns a tile: row p has keys 2p and 2p+1 of each column
}

// Reserve makes room for texts of so many tokens and heads of so many values.
func (t *TileKeys) Reserve(tokens, size int) {
	if n := (tokens + PanelWidth - 1) / PanelWidth * PanelWidth * size; len(t.keys) < n {
		t.keys, t.values = make([]BFloat16, n), make([]BFloat16, n)
	}
}

// Pack lays the keys and values of tokens rows out, of which key and value start with the first; their groups are stride rows
// apart. The rows that fill the last tile are read as well. It needs the room of Reserve.
func (t *TileKeys) Pack(key, value []BFloat16, stride, tokens, size int) {
	t.tokens, t.groups = tokens, size/PanelWidth
	blocks := (tokens + PanelWidth - 1) / PanelWidth
	last := ((t.groups-1)*stride + blocks*PanelWidth) * PanelWidth
	if tokens <= 0 || size%PanelWidth != 0 || len(t.keys) < blocks*PanelWidth*size || len(key) < last || len(value) < last {
		panic("simd: TileKeys: no room for the text, in whole tiles")
	}
	if hasAMX {
		tilePack(t, key, value, stride)
		return
	}
	t.packGo(key, value, stride)
}

func (t *TileKeys) packGo(key, value []BFloat16, stride int) {
	for i := range (t.tokens + PanelWidth - 1) / PanelWidth * PanelWidth {
		for j := range t.groups * PanelWidth {
			from := (j/PanelWidth*stride+i)*PanelWidth + j%PanelWidth
			t.keys[t.key(i, j)] = key[from]
			if v := value[from]; i < t.tokens {
				t.values[t.value(i, j)] = v
			} else {
				t.values[t.value(i, j)] = 0 // its weight is 0, but 0·NaN is not
			}
		}
	}
}

// key is the place of value j of key i.
func (t *TileKeys) key(i, j int) int {
	tile := i/TileRows*t.groups + j/PanelWidth
	return tile*tileValues + j%PanelWidth/2*PanelWidth + i%TileRows*2 + j%2
}

// value is the place of column j of the value of key i.
func (t *TileKeys) value(i, j int) int {
	tile := i/PanelWidth*t.groups*2 + j/TileRows
	return tile*tileValues + i%PanelWidth/2*PanelWidth + j%TileRows*2 + i%2
}

// TileQueries are the queries of a text: Rows of them attend to the keys.
type TileQueries struct {
	Query, Context []BFloat16 // from the first row on; the context is what is written
	Stride         int        // of both
	Rows           int
	Scale          float32 // of the scores
	// Bias is added to the scores before they are scaled: that of query i and key j is Bias[Rows-1-i+j]. Nil adds nothing.
	Bias []float32
}

// exponents at most this much above the largest score of the first 32 keys are taken as they are.
const maxExponent = 100

// roughExp2Coeff approximates 2^f for 0 ≤ f < 1 in powers of f, the constant first: the minimax polynomial for the relative error,
// 7.5e-5, as _gen/fit derives it. The limit of exponents and 1 follow.
var roughExp2Coeff = [6]float32{0.999925219, 0.695833539, 0.226067159, 0.0780245203, maxExponent, 1}

// TileAttention writes the context of the queries: the values of the keys, weighed by the softmax of scale·(query·key + bias). The
// weights are rounded to bfloat16 before they are summed and used, so that they add up to 1.
//
// The exponents are relative to the largest score among the first 32 keys. Only where another one is larger by far does the
// largest of all take its place, as usual.
func TileAttention(q *TileQueries, t *TileKeys, s *TileScratch) {
	size := t.groups * PanelWidth
	last := ((t.groups-1)*q.Stride + q.Rows) * PanelWidth
	if q.Rows <= 0 {
		return
	}
	if len(q.Context) < last || len(q.Query) < last+(roundRows(q.Rows)-q.Rows)*PanelWidth || q.Bias != nil && len(q.Bias) < q.Rows-1+t.tokens {
		panic("simd: TileAttention: the rows or the bias are too short")
	}
	if len(s.weights) < (t.tokens+PanelWidth-1)/PanelWidth*tileValues || size == 0 {
		panic("simd: TileAttention: the scratch has no room for the text")
	}
	for first := 0; first < q.Rows; first += TileRows {
		rows := min(TileRows, q.Rows-first)
		if hasAMX && tileAttend(q, t, s, first, rows) {
			continue
		}
		for i := first; i < first+rows; i++ {
			q.row(t, s.weights, i)
		}
	}
}

// row is one query. It uses the first row of each tile of weights.
func (q *TileQueries) row(t *TileKeys, weights []BFloat16, i int) {
	shift, ok := q.weigh(t, weights, i, nil)
	if !ok {
		shift = q.largest(t, i)
		q.weigh(t, weights, i, &shift)
	}
	blocks := (t.tokens + PanelWidth - 1) / PanelWidth
	var a [PanelWidth]float32
	var sums [TileRows]float32
	for b := range blocks {
		WidenRow(a[:], weights[b*tileValues:], 0)
		tileDot(&sums, &a, &tileOnes)
	}
	inverse := 1 / sums[0]
	for c := range 2 * t.groups {
		var context [TileRows]float32
		for b := range blocks {
			WidenRow(a[:], weights[b*tileValues:], 0)
			tileDot(&context, &a, (*[tileValues]BFloat16)(t.values[(b*2*t.groups+c)*tileValues:]))
		}
		at := (c/2*q.Stride+i)*PanelWidth + c%2*TileRows
		for j, v := range context {
			q.Context[at+j] = RoundBFloat16(v * inverse)
		}
	}
}

// weigh writes the weights of query i, relative to the shift or, without one, to the largest score of the first keys. It
// reports whether no weight is too large for that.
func (q *TileQueries) weigh(t *TileKeys, weights []BFloat16, i int, given *float32) (shift float32, ok bool) {
	factor := q.Scale * math.Log2E
	ok = true
	for b := 0; b < t.tokens; b += PanelWidth {
		scores := q.scores(t, i, b)
		valid := scores[:min(PanelWidth, t.tokens-b)]
		if b == 0 {
			shift = valid[0] * factor
			for _, s := range valid {
				shift = max(shift, s*factor)
			}
			if given != nil {
				shift = *given
			}
		}
		tile := weights[b/PanelWidth*tileValues:][:PanelWidth]
		clear(tile)
		for j, s := range valid {
			exponent := fma(s, factor, -shift)
			ok = ok && !(exponent > maxExponent)
			tile[j] = RoundBFloat16(roughExp2(exponent))
		}
	}
	return shift, ok
}

// largest is the largest exponent of query i.
func (q *TileQueries) largest(t *TileKeys, i int) float32 {
	top := float32(math.Inf(-1))
	for b := 0; b < t.tokens; b += PanelWidth {
		scores := q.scores(t, i, b)
		for _, s := range scores[:min(PanelWidth, t.tokens-b)] {
			top = max(top, s*(q.Scale*math.Log2E))
		}
	}
	return top
}

// scores are those of query i and 32 keys, with the bias.
func (q *TileQueries) scores(t *TileKeys, i, key int) [PanelWidth]float32 {
	var scores [PanelWidth]float32
	var a [PanelWidth]float32
	for half := range 2 {
		block := key/TileRows + half
		for g := range t.groups {
			WidenRow(a[:], q.Query[(g*q.Stride+i)*PanelWidth:], 0)
			tileDot((*[TileRows]float32)(scores[half*TileRows:]), &a, (*[tileValues]BFloat16)(t.keys[(block*t.groups+g)*tileValues:]))
		}
	}
	if q.Bias != nil {
		for j := range min(PanelWidth, t.tokens-key) {
			scores[j] += q.Bias[q.Rows-1-i+key+j]
		}
	}
	return scores
}

// roughExp2 is 2^v for v ≤ maxExponent, 0 where that is below the smallest normal number.
func roughExp2(v float32) float32 {
	whole := float32(math.Floor(float64(v)))
	switch {
	case v != v:
		return v
	case whole < -126:
		return 0
	}
	f := v - whole
	p := roughExp2Coeff[3]
	for j := 2; j >= 0; j-- {
		p = fma(p, f, roughExp2Coeff[j])
	}
	return p * math.Float32frombits(uint32(int32(whole)+127)<<23)
}

var tileOnes = func() (tile [tileValues]BFloat16) {
	for i := range tile {
		tile[i] = 0x3f80
	}
	return tile
}()

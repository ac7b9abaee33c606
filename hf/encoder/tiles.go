package encoder

import "searchd/internal/simd"

// tileBlock is how many rows go through the second half of a layer together: the inner values of a slice and the sums, which
// come to 1.2 MB for 384 hidden values, stay in the second-level cache, and the weights are read once for all of them.
const tileBlock = 512

// sliceWidth is how many of the feed-forward network's inner values are computed before they are multiplied on: as many as
// make a panel of 24 KB, half of the first-level cache.
const sliceWidth = 384

// The steps of a block of rows in tiles. From tileGrowth on two follow for each slice, and at the end comes the second norm.
const (
	tileAttention  step = iota // a head a part; all rows, the other steps do a block of them
	tileProjection             // a panel a part
	tileNorm                   // normRows a part
	tileGrowth                 // a panel of the slice a part
)

// slice is the width of a slice: more than usual where a step has no number for so many of them.
func (m *Model) slice() int {
	const most = 100
	return max(sliceWidth, roundUp((m.intermediate.size()+most-1)/most))
}

func (m *Model) slices() int { return (m.intermediate.size() + m.slice() - 1) / m.slice() }

func (m *Model) tileSteps() step { return tileGrowth + step(2*m.slices()) + 1 }

// sliceOf is the slice of a step, how wide it is, and whether the step is the one that makes its values.
func (m *Model) sliceOf(s step) (first, width int, growth bool) {
	first = int(s-tileGrowth) / 2 * m.slice()
	return first, min(m.slice(), m.intermediate.size()-first), (s-tileGrowth)%2 == 0
}

// tileSpace is the scratch of a pass in tiles. Rows lie in groups of 32 columns, simd.Stride apart.
type tileSpace struct {
	stride, block int // rows of a group: of all tokens, of a block

	hidden  []simd.BFloat16 // [H/32][stride][32] the state
	context []simd.BFloat16 // [heads·D/32][stride][32]
	inner   []simd.BFloat16 // [slice/32][block][32]
	sums    []float32       // [H/32][block][32]

	heads []tileHead // one a thread
}

// tileHead is what the attention of one head needs.
type tileHead struct {
	query, key, value []simd.BFloat16 // [D/32][stride][32]
	keys              simd.TileKeys   // of one text
	scratch           simd.TileScratch
	raw               []float32 // [tileBlock][32], before an activation that is not fused
}

func (ts *tileSpace) fit(m *Model, tokens, longest, threads int) {
	ts.stride, ts.block = simd.Stride(tokens), simd.Stride(min(tokens, tileBlock))
	grow(&ts.hidden, m.hidden.size()*ts.stride)
	grow(&ts.context, m.head.size()*ts.stride)
	grow(&ts.inner, m.slice()*ts.block)
	grow(&ts.sums, m.hidden.size()*ts.block)
	for len(ts.heads) < threads {
		ts.heads = append(ts.heads, tileHead{})
	}
	for i := range threads {
		h := &ts.heads[i]
		grow(&h.query, m.head.stride*ts.stride)
		grow(&h.key, m.head.stride*ts.stride)
		grow(&h.value, m.head.stride*ts.stride)
		h.keys.Reserve(longest, m.head.stride)
		h.scratch.Reserve(longest)
		if m.config.Activation != "gelu" {
			grow(&h.raw, ts.block*simd.PanelWidth)
		}
	}
}

// narrow takes the embeddings over into groups.
func (p *pass) narrow() {
	ts := &p.ws.tiles
	for i := range p.tokens {
		simd.NarrowRow(ts.hidden[i*simd.PanelWidth:], ts.stride, p.ws.Row(i))
	}
}

// widen shows the state as rows of float32.
func (p *pass) widen() {
	ts := &p.ws.tiles
	for i := range p.tokens {
		simd.WidenRow(p.ws.Row(i), ts.hidden[i*simd.PanelWidth:], ts.stride)
	}
}

// tileParts is how many parts a step has.
func (p *pass) tileParts(s step, l *layer, rows int) int {
	switch {
	case s == tileAttention:
		return p.m.config.Heads
	case s == tileProjection:
		return l.output.panelCount()
	case s == tileNorm, s == p.m.tileSteps()-1:
		return (rows + normRows - 1) / normRows
	default:
		if _, width, growth := p.m.sliceOf(s); growth {
			return width / simd.PanelWidth
		}
		return l.shrink.panelCount()
	}
}

// tileDo does one part.
func (p *pass) tileDo(at place, l *layer, first, rows, thread int) {
	ts, part := &p.ws.tiles, at.part()
	switch s := at.step(); {
	case s == tileAttention:
		l.attendTiles(p.m, ts, &ts.heads[thread], p.b, part)
		if thread == 0 {
			p.ws.pause()
		}
	case s == tileProjection:
		product := l.output.product(part, 0, l.output.in, ts.context[first*simd.PanelWidth:], ts.stride, rows)
		simd.TileGemm(ts.panelSums(part), &product)
	case s == tileNorm:
		l.attentionNorm.addTiles(ts, part*normRows, first, rows)
	case s == p.m.tileSteps()-1:
		l.outputNorm.addTiles(ts, part*normRows, first, rows)
	default:
		p.feedForward(s, l, part, first, rows, thread)
	}
}

// panelSums are the sums of the outputs of a panel.
func (ts *tileSpace) panelSums(panel int) []float32 {
	return ts.sums[panel*ts.block*simd.PanelWidth:][:ts.block*simd.PanelWidth]
}

// addTiles adds the sums to some rows of a block, which begins at row first, and normalises them.
func (n *norm) addTiles(ts *tileSpace, row, first, rows int) {
	n.tiles.Add(ts.hidden[(first+row)*simd.PanelWidth:], ts.stride, ts.sums[row*simd.PanelWidth:], ts.block, min(normRows, rows-row))
}

// product is that of a panel and some rows, over inputs k to k+width, of which a has the first group.
func (l *linear) product(panel, k, width int, a []simd.BFloat16, stride, rows int) simd.TileProduct {
	at := k*len(l.bias) + panel*width*simd.PanelWidth
	next := at + width*simd.PanelWidth
	return simd.TileProduct{
		A: a, Stride: stride, K: width,
		Panel: l.tiles[at:next], Next: l.tiles[next:],
		Bias: l.bias[panel*simd.PanelWidth:][:simd.PanelWidth], Rows: rows,
	}
}

// attendTiles computes one head for all texts.
func (l *layer) attendTiles(m *Model, ts *tileSpace, h *tileHead, b *Batch, head int) {
	rows, groups := len(b.IDs), m.head.stride/simd.PanelWidth
	for g := range groups {
		for _, to := range []struct {
			l   *linear
			dst []simd.BFloat16
		}{{&l.query, h.query}, {&l.key, h.key}, {&l.value, h.value}} {
			product := to.l.product(head*groups+g, 0, to.l.in, ts.hidden, ts.stride, rows)
			simd.TileGemmRound(to.dst[g*ts.stride*simd.PanelWidth:], &product, false, &h.scratch)
		}
	}
	begin := 0
	for _, end := range b.Ends {
		n, at := end-begin, begin*simd.PanelWidth
		h.keys.Pack(h.key[at:], h.value[at:], ts.stride, n, m.head.stride)
		q := simd.TileQueries{
			Query: h.query[at:], Context: ts.context[head*m.head.stride*ts.stride+at:],
			Stride: ts.stride, Rows: n, Scale: m.scale,
		}
		if m.relative != nil {
			q.Bias = m.relative.heads[head][m.relative.longest-n:]
		}
		simd.TileAttention(&q, &h.keys, &h.scratch)
		begin = end
	}
}

// feedForward computes a panel of a slice's inner values, with the activation, or adds a slice to the sums of a panel.
func (p *pass) feedForward(s step, l *layer, panel, first, rows, thread int) {
	ts := &p.ws.tiles
	k, width, growth := p.m.sliceOf(s)
	if !growth {
		product := l.shrink.product(panel, k, width, ts.inner, ts.block, rows)
		if k > 0 {
			product.Bias = nil
		}
		simd.TileGemm(ts.panelSums(panel), &product)
		return
	}
	h := &ts.heads[thread]
	product := l.grow.product(k/simd.PanelWidth+panel, 0, l.grow.in, ts.hidden[first*simd.PanelWidth:], ts.stride, rows)
	inner := ts.inner[panel*ts.block*simd.PanelWidth:][:ts.block*simd.PanelWidth]
	if p.m.config.Activation == "gelu" {
		simd.TileGemmRound(inner, &product, true, &h.scratch)
		return
	}
	simd.TileGemm(h.raw, &product)
	p.m.activate(h.raw[:rows*simd.PanelWidth])
	for i := range rows {
		simd.NarrowRow(inner[i*simd.PanelWidth:], 0, h.raw[i*simd.PanelWidth:][:simd.PanelWidth])
	}
}

package encoder

import "searchd/internal/simd"

// rowBlock is how many rows go through the second half of a layer together: their intermediate values, 768 KB for 384
// hidden values, stay in the second-level cache.
const rowBlock = 128

// layer is one transformer block.
type layer struct {
	query, key, value linear // D outputs a head
	output            linear
	attentionNorm     norm
	grow, shrink      linear // the feed-forward network
	outputNorm        norm
}

// norm is a LayerNorm.
type norm struct {
	gamma, beta []float32
	epsilon     float32
	tiles       simd.TileNorm // the same for a model in tiles
}

// takesIntegers tells whether any of the products with the state is one of integers.
func (l *layer) takesIntegers() bool {
	return l.query.integers() || l.key.integers() || l.value.integers() || l.grow.integers()
}

// attend computes one head for all texts: columns h·D and following of the context.
func (l *layer) attend(m *Model, ws *Workspace, hs *headSpace, b *Batch, h int) {
	rows, d, x := len(b.IDs), m.head.stride, ws.input(0)
	for p := 0; p < d; p += simd.PanelWidth {
		l.query.columns(h*d+p, hs.query[p:], d, x, rows)
		l.key.columns(h*d+p, hs.key[p:], d, x, rows)
		l.value.columns(h*d+p, hs.value[p*rows:], simd.PanelWidth, x, rows)
	}
	begin := 0
	for _, end := range b.Ends {
		simd.PackPanels(hs.keys, hs.key[begin*d:], end-begin, d)
		for i := begin; i < end; i += queryBlock {
			attendRows(m, ws, hs, rows, h, begin, end, i, min(queryBlock, end-i))
		}
		begin = end
	}
}

// queryBlock is how many queries attend together: their scores, 32 KB for a text of 128 tokens, stay in the first-level
// cache.
const queryBlock = 64

// attendRows lets m queries from row i on attend to the text of rows begin to end. The batch has rows rows.
func attendRows(model *Model, ws *Workspace, hs *headSpace, rows, h, begin, end, i, m int) {
	d, width, n := model.head.stride, model.head.size(), end-begin
	ldc := roundUp(n)
	for first := 0; first < n; first += simd.PanelWidth {
		simd.GemmPanel(hs.scores[first:], ldc, hs.query[i*d:], d, hs.keys[first*d:], nil, m, d)
	}
	for r := range m {
		row := hs.scores[r*ldc:][:n]
		if model.relative != nil {
			model.relative.add(row, h, i-begin+r)
		}
		simd.Softmax(row, model.scale)
	}
	for p := 0; p < d; p += simd.PanelWidth {
		values := hs.value[p*rows+begin*simd.PanelWidth:]
		simd.GemmPanel(ws.context[i*width+h*d+p:], width, hs.scores, ldc, values, nil, m, n)
	}
}

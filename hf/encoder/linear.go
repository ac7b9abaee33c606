package encoder

import "searchd/internal/simd"

// dimension is one side of a packed matrix: blocks of stride columns, of which the first used have a counterpart in the
// published matrix and the others are zero.
type dimension struct {
	blocks, used, stride int
}

// rounded is a dimension of blocks of n values, each rounded up to whole panels.
func rounded(blocks, n int) dimension {
	return dimension{blocks, n, roundUp(n)}
}

func roundUp(n int) int {
	return (n + simd.PanelWidth - 1) / simd.PanelWidth * simd.PanelWidth
}

func (d dimension) size() int      { return d.blocks * d.stride }
func (d dimension) published() int { return d.blocks * d.used }

// source is the published place of column i; not ok for one that was added.
func (d dimension) source(i int) (place int, ok bool) {
	block, rest := i/d.stride, i%d.stride
	return block*d.used + rest, rest < d.used
}

// spread moves published values to their places in dst, whose added columns it leaves alone.
func (d dimension) spread(dst, published []float32) {
	for b := range d.blocks {
		copy(dst[b*d.stride:][:d.used], published[b*d.used:])
	}
}

// linear is a layer y = W·x + b with W packed into panels of 32 outputs.
type linear struct {
	in     int // values of an input row
	panels []float32
	bias   []float32
}

// pack lays the matrix out for the kernels, one panel at a time so that little scratch is needed.
func pack(m *matrix, bias []float32, out, in dimension) linear {
	l := linear{in: in.size(), bias: make([]float32, out.size())}
	out.spread(l.bias, bias)
	l.panels = make([]float32, simd.PanelsLen(out.size(), l.in))
	rows := make([]float32, simd.PanelWidth*l.in)
	published := make([]float32, in.published())
	for first := 0; first < out.size(); first += simd.PanelWidth {
		for j := range simd.PanelWidth {
			row := rows[j*l.in:][:l.in]
			if i, ok := out.source(first + j); ok {
				m.row(published, i)
				in.spread(row, published)
			} else {
				clear(row)
			}
		}
		simd.PackPanels(l.panels[first*l.in:], rows, simd.PanelWidth, l.in)
	}
	return l
}

// columns computes the 32 outputs from first on for m rows of a, to rows of c that are ldc apart.
func (l *linear) columns(first int, c []float32, ldc int, a []float32, lda, m int) {
	panel := l.panels[first*l.in:][:simd.PanelWidth*l.in]
	simd.GemmPanel(c, ldc, a, lda, panel, l.bias[first:][:simd.PanelWidth], m, l.in)
}

// panelCount is the number of panels, of 32 outputs each.
func (l *linear) panelCount() int { return len(l.bias) / simd.PanelWidth }

// panel computes the outputs of one panel for m rows of a. Rows lie directly one after the other in a and c.
func (l *linear) panel(i int, c, a []float32, m int) {
	first := i * simd.PanelWidth
	l.columns(first, c[first:], len(l.bias), a, l.in, m)
}

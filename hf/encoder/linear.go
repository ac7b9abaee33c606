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

// linear is a layer y = W·x + b with W packed into panels of 32 outputs. Weights that are published as int8 stay integers
// and are multiplied with integers; others are float32.
type linear struct {
	in     int // values of an input row
	bias   []float32
	panels []float32 // nil if integers are multiplied
	whole  []int8
	bytes  []int8 // instead of whole where the model multiplies in int8
	starts []int32
	scales []float32       // of whole or bytes: for each panel, for each group of inputs, 32
	tiles  []simd.BFloat16 // instead of all these where the model is packed in tiles
}

// pack lays the matrix out for the kernels, as int8 if eight is set; wide are then the inputs that are.
func pack(m *matrix, bias []float32, out, in dimension, eight bool, wide simd.Wide) linear {
	if m.integers(in) {
		return packIntegers(m, bias, out, in, eight, wide)
	}
	return packFloats(m, bias, out, in)
}

func newLinear(bias []float32, out, in dimension) linear {
	l := linear{in: in.size(), bias: make([]float32, out.size())}
	out.spread(l.bias, bias)
	return l
}

// integers tells whether the matrix is multiplied as integers: if its groups are those of the kernel, also among the columns
// that rounding adds.
func (m *matrix) integers(in dimension) bool {
	return m.q != nil && m.group == simd.Int16Group && in.grouped()
}

// grouped tells whether the columns that rounding adds leave groups of values as they are.
func (d dimension) grouped() bool { return d.blocks == 1 || d.used == d.stride }

// quantize turns floats into integers, as Quantize does, if they are to be multiplied as such.
func (m *matrix) quantize(in dimension) {
	if m.q == nil && in.grouped() && finite(m.floats) {
		m.q, m.scales = quantizeRows(m.floats, m.columns)
		m.floats, m.group = nil, groupValues
	}
}

// packFloats packs one panel at a time, so that little scratch is needed.
func packFloats(m *matrix, bias []float32, out, in dimension) linear {
	l := newLinear(bias, out, in)
	l.panels = make([]float32, simd.PanelsLen(out.size(), l.in))
	m.eachPanel(out, in, func(first int, rows []float32) {
		simd.PackPanels(l.panels[first*l.in:], rows, simd.PanelWidth, l.in)
	})
	return l
}

// packTiles rounds to bfloat16. The inputs go slice by slice, and inside a slice the panels.
func packTiles(m *matrix, bias []float32, out, in dimension, slice int) linear {
	l := newLinear(bias, out, in)
	l.tiles = make([]simd.BFloat16, out.size()*l.in)
	m.eachPanel(out, in, func(first int, rows []float32) {
		for k := 0; k < l.in; k += slice {
			width := min(slice, l.in-k)
			simd.PackTiles(l.tiles[k*out.size()+first*width:], rows[k:], l.in, width)
		}
	})
	return l
}

// eachPanel visits the matrix as floats, 32 rows of packed size at a time.
func (m *matrix) eachPanel(out, in dimension, visit func(first int, rows []float32)) {
	rows := make([]float32, simd.PanelWidth*in.size())
	published := make([]float32, in.published())
	for first := 0; first < out.size(); first += simd.PanelWidth {
		for j := range simd.PanelWidth {
			row := rows[j*in.size():][:in.size()]
			if i, ok := out.source(first + j); ok {
				m.row(published, i)
				in.spread(row, published)
			} else {
				clear(row)
			}
		}
		visit(first, rows)
	}
}

func packIntegers(m *matrix, bias []float32, out, in dimension, eight bool, wide simd.Wide) linear {
	l := newLinear(bias, out, in)
	columns, n := in.published(), groups(in.published(), groupValues)
	if eight {
		l.bytes, l.starts = make([]int8, out.size()*n*simd.Int8Stored), make([]int32, out.size()*n)
	} else {
		l.whole = make([]int8, out.size()*n*simd.Int16Group)
	}
	l.scales = make([]float32, out.size()*n)
	rows := make([]int8, simd.PanelWidth*columns)
	for first := 0; first < out.size(); first += simd.PanelWidth {
		scales := l.scales[first*n:][:n*simd.PanelWidth]
		for j := range simd.PanelWidth {
			row := rows[j*columns:][:columns]
			if i, ok := out.source(first + j); ok {
				copy(row, m.q[i*columns:])
				for g, scale := range m.scales[i*n:][:n] {
					scales[g*simd.PanelWidth+j] = scale
				}
			} else {
				clear(row)
			}
		}
		if eight {
			panel, starts := l.bytePanel(first)
			simd.PackInt8(panel, starts, rows, columns, wide)
		} else {
			simd.PackInt16(l.wholePanel(first), rows, columns)
		}
	}
	return l
}

// wholePanel is the panel of the 32 outputs from first on.
func (l *linear) wholePanel(first int) []int8 {
	n := simd.Int16Groups(l.in) * simd.Int16Group
	return l.whole[first*n:][:simd.PanelWidth*n]
}

// bytePanel is the same in int8, with what its sums start at.
func (l *linear) bytePanel(first int) ([]int8, []int32) {
	n := simd.Int8Groups(l.in)
	return l.bytes[first*n*simd.Int8Stored:][:simd.PanelWidth*n*simd.Int8Stored], l.starts[first*n:][:simd.PanelWidth*n]
}

// rows are the inputs of a layer in both forms: floats, one row directly after the other, and the same as integers, where
// some layer multiplies those.
type rows struct {
	floats []float32
	whole  integers
}

// integers are rows of activations in int16 or, in a model that multiplies in int8, in that. Only one of the two is used.
type integers struct {
	words simd.Int16Rows
	bytes simd.Int8Rows
}

// fit makes room for n rows of values, of which wide are wide.
func (r *integers) fit(n, values int, eight bool, wide simd.Wide) {
	switch groups := groups(values, groupValues); {
	case max(r.words.Stride, r.bytes.Stride) >= n:
	case eight:
		r.bytes = simd.NewInt8Rows(n, values, wide)
	default:
		r.words = simd.Int16Rows{Groups: groups, Stride: n, Values: make([]int16, n*groups*simd.Int16Group), Scales: make([]float32, n*groups)}
	}
}

// used tells whether there are any.
func (r *integers) used() bool { return r.words.Groups > 0 || r.bytes.Groups > 0 }

// quantize sets row i, from group first on.
func (r *integers) quantize(i, first int, x []float32) {
	if r.bytes.Groups > 0 {
		r.bytes.Quantize(i, first, x)
	} else {
		r.words.Quantize(i, first, x)
	}
}

// from leaves out the rows before row i.
func (r *integers) from(i int) integers {
	if r.bytes.Groups > 0 {
		return integers{bytes: r.bytes.From(i)}
	}
	return integers{words: r.words.From(i)}
}

// integers tells whether the layer multiplies integers.
func (l *linear) integers() bool { return l.panels == nil }

// columns computes the 32 outputs from first on for m rows, to rows of c that are ldc apart.
func (l *linear) columns(first int, c []float32, ldc int, x rows, m int) {
	bias := l.bias[first:][:simd.PanelWidth]
	if l.panels != nil {
		simd.GemmPanel(c, ldc, x.floats, l.in, l.panels[first*l.in:][:simd.PanelWidth*l.in], bias, m, l.in)
		return
	}
	scales := l.scales[first*groups(l.in, groupValues):]
	if l.bytes != nil {
		panel, starts := l.bytePanel(first)
		simd.GemmInt8(c, ldc, x.whole.bytes, panel, starts, scales, bias, m)
		return
	}
	simd.GemmInt16(c, ldc, x.whole.words, l.wholePanel(first), scales, bias, m)
}

// panelCount is the number of panels, of 32 outputs each.
func (l *linear) panelCount() int { return len(l.bias) / simd.PanelWidth }

// panel computes the outputs of one panel for m rows. Rows lie directly one after the other in c.
func (l *linear) panel(i int, c []float32, x rows, m int) {
	first := i * simd.PanelWidth
	l.columns(first, c[first:], len(l.bias), x, m)
}

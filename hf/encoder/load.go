package encoder

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"searchd/hf/safetensors"
	"searchd/internal/cores"
	"searchd/internal/simd"
)

// load reads all weights. The layers, nearly all of the work, are shared among the cores.
func (m *Model) load(file *safetensors.File) error {
	w, err := newWeights(m.config, file)
	if err != nil {
		return err
	}
	m.precision = precision(file, w.prefix+wordEmbeddings)
	m.layers = make([]layer, m.config.Layers)
	if m.eight {
		if err := m.findWide(w); err != nil {
			return err
		}
	}
	errs := make([]error, len(m.layers)+1)
	share(len(errs), func(i int) {
		r := reader{weights: w, m: m}
		if i == len(m.layers) {
			m.loadEmbeddings(&r)
		} else {
			m.layers[i] = r.layer(r.layerName(i))
		}
		errs[i] = r.err
		atomic.AddInt64(&m.parameters, r.parameters)
	})
	return errors.Join(errs...)
}

// share calls do for each i < n, on all cores.
func share(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, cores.Count()) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

// findWide chooses, in each group of the state, the value that is most often far larger than the others. Encoders of this
// family have a few such outliers, at the same places in all layers, and the norms' biases are what makes them.
func (m *Model) findWide(w weights) error {
	r := reader{weights: w, m: m}
	squares := make([]float64, m.hidden.size())
	add := func(n norm) {
		for i, b := range n.beta {
			squares[i] += float64(b) * float64(b)
		}
	}
	add(r.norm(embeddingNorm))
	for i := range m.layers {
		name := r.layerName(i)
		add(r.norm(name + r.names.attentionNorm))
		add(r.norm(name + r.names.outputNorm))
	}
	for group := range slices.Chunk(squares, groupValues) {
		widest := 0
		for i, s := range group {
			if s > group[widest] {
				widest = i
			}
		}
		m.wide = append(m.wide, int8(widest))
	}
	return r.err
}

func (r *reader) layerName(i int) string { return fmt.Sprint(r.names.layers, i, ".") }

func precision(file *safetensors.File, name string) string {
	t, _ := file.Tensor(name)
	switch t.DType {
	case safetensors.I8:
		return "int8"
	case safetensors.F16:
		return "float16"
	case safetensors.BF16:
		return "bfloat16"
	}
	return "float32"
}

// reader reads one part of a model and keeps the first error, after which it reads no more.
type reader struct {
	weights
	m          *Model
	parameters int64
	err        error
}

func (m *Model) loadEmbeddings(r *reader) {
	c := m.config
	m.words = r.matrix(wordEmbeddings, c.Vocabulary, c.Hidden)
	positions := r.vector(positionEmbeddings, c.Positions, c.Hidden)
	types := make([]float32, c.Hidden)
	if r.tokenTypes {
		types = r.vector(typeEmbeddings, c.TokenTypes, c.Hidden)
	}
	if r.relative {
		table := r.vector(relativeAttention, relativeBuckets, c.Heads)
		if r.err == nil {
			m.relative = newRelativeBias(table, c.Heads, m.longest, 1/m.scale)
		}
	}
	m.norm = r.norm(embeddingNorm)
	if r.err != nil {
		return
	}
	positions = positions[c.firstPosition()*c.Hidden:]
	m.positions[0] = plus(positions, types[:c.Hidden])
	if r.segments && c.TokenTypes > 1 {
		m.positions[1] = plus(positions, types[c.Hidden:][:c.Hidden])
	}
}

// plus is a new table with row added to each row of a.
func plus(a, row []float32) []float32 {
	sum := make([]float32, len(a))
	for i, v := range a {
		sum[i] = v + row[i%len(row)]
	}
	return sum
}

func (r *reader) layer(name string) layer {
	hidden, inner, heads := r.m.hidden, r.m.intermediate, r.m.head
	return layer{
		query:         r.linear(name+r.names.query, heads, hidden, r.m.wide),
		key:           r.linear(name+r.names.key, heads, hidden, r.m.wide),
		value:         r.linear(name+r.names.value, heads, hidden, r.m.wide),
		output:        r.linear(name+r.names.output, hidden, heads, nil),
		attentionNorm: r.norm(name + r.names.attentionNorm),
		grow:          r.linear(name+r.names.grow, inner, hidden, r.m.wide),
		shrink:        r.sliced(name+r.names.shrink, hidden, inner, r.m.slice(), nil),
		outputNorm:    r.norm(name + r.names.outputNorm),
	}
}

// linear is a linear layer, of whose inputs wide are where the model multiplies in int8.
func (r *reader) linear(name string, out, in dimension, wide simd.Wide) linear {
	return r.sliced(name, out, in, in.size(), wide)
}

// sliced is a linear layer whose inputs come in slices where it is packed in tiles.
func (r *reader) sliced(name string, out, in dimension, slice int, wide simd.Wide) linear {
	m := r.matrix(name+".weight", out.published(), in.published())
	bias := r.vector(name+".bias", out.published())
	if r.err != nil {
		return linear{}
	}
	if r.m.tiled {
		return packTiles(&m, bias, out, in, slice)
	}
	if r.m.eight {
		m.quantize(in)
	}
	return pack(&m, bias, out, in, r.m.eight, wide)
}

// norm reads a LayerNorm, whose weights the oldest checkpoints call gamma and beta.
func (r *reader) norm(name string) norm {
	n, gamma, beta := r.m.config.Hidden, name+".weight", name+".bias"
	if r.has(name + ".gamma") {
		gamma, beta = name+".gamma", name+".beta"
	}
	l := norm{gamma: r.vector(gamma, n), beta: r.vector(beta, n), epsilon: float32(r.m.config.Epsilon)}
	if r.m.tiled {
		l.tiles = simd.TileNorm{Gamma: make([]float32, r.m.hidden.size()), Beta: make([]float32, r.m.hidden.size()), Columns: n, Epsilon: l.epsilon}
		copy(l.tiles.Gamma, l.gamma)
		copy(l.tiles.Beta, l.beta)
	}
	return l
}

func (r *reader) matrix(name string, rows, columns int) (m matrix) {
	if r.err == nil {
		m, r.err = r.weights.matrix(name, rows, columns)
		r.parameters += int64(rows) * int64(columns)
	}
	return m
}

func (r *reader) vector(name string, shape ...int) (values []float32) {
	if r.err == nil {
		values, r.err = r.floats(name, shape...)
		r.parameters += int64(len(values))
	}
	return values
}

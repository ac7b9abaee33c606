package encoder

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"searchd/hf/safetensors"
)

// The names a BERT checkpoint gives its weights.
const (
	wordEmbeddings     = "embeddings.word_embeddings.weight"
	positionEmbeddings = "embeddings.position_embeddings.weight"
	typeEmbeddings     = "embeddings.token_type_embeddings.weight"
	embeddingNorm      = "embeddings.LayerNorm"
	layerPrefix        = "encoder.layer."
)

// load reads all weights. The layers, nearly all of the work, are shared among the cores.
func (m *Model) load(file *safetensors.File) error {
	w, err := newWeights(file)
	if err != nil {
		return err
	}
	m.precision = precision(file, w.prefix+wordEmbeddings)
	m.layers = make([]layer, m.config.Layers)
	errs := make([]error, len(m.layers)+1)
	share(len(errs), func(i int) {
		r := reader{weights: w, m: m}
		if i == len(m.layers) {
			m.loadEmbeddings(&r)
		} else {
			m.layers[i] = r.layer(fmt.Sprint(layerPrefix, i))
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
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

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
	n := m.config.Hidden
	m.words = r.matrix(wordEmbeddings, m.config.Vocabulary, n)
	m.positions = r.vector(positionEmbeddings, m.config.Positions, n)
	types := r.vector(typeEmbeddings, m.config.TokenTypes, n)
	m.norm = r.norm(embeddingNorm)
	if r.err != nil {
		return
	}
	for i := range m.positions {
		m.positions[i] += types[i%n]
	}
}

func (r *reader) layer(name string) layer {
	hidden, inner, heads := r.m.hidden, r.m.intermediate, r.m.head
	return layer{
		query:         r.linear(name+".attention.self.query", heads, hidden),
		key:           r.linear(name+".attention.self.key", heads, hidden),
		value:         r.linear(name+".attention.self.value", heads, hidden),
		output:        r.linear(name+".attention.output.dense", hidden, heads),
		attentionNorm: r.norm(name + ".attention.output.LayerNorm"),
		grow:          r.linear(name+".intermediate.dense", inner, hidden),
		shrink:        r.linear(name+".output.dense", hidden, inner),
		outputNorm:    r.norm(name + ".output.LayerNorm"),
	}
}

func (r *reader) linear(name string, out, in dimension) linear {
	m := r.matrix(name+".weight", out.published(), in.published())
	bias := r.vector(name+".bias", out.published())
	if r.err != nil {
		return linear{}
	}
	return pack(&m, bias, out, in)
}

func (r *reader) norm(name string) norm {
	n := r.m.config.Hidden
	return norm{r.vector(name+".weight", n), r.vector(name+".bias", n), float32(r.m.config.Epsilon)}
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

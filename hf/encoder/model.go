package encoder

import (
	"errors"
	"fmt"
	"math"

	"searchd/hf/safetensors"
	"searchd/internal/simd"
)

// Model is the packed weights of an encoder. It is immutable and safe for concurrent use.
type Model struct {
	config                     Config
	longest                    int // tokens of the longest text
	hidden, intermediate, head dimension

	words     matrix       // [vocabulary][hidden], where they lie in the file if they are int8
	positions [2][]float32 // for each token type: [positions][hidden], the type's embedding added
	norm      norm
	layers    []layer
	relative  *relativeBias // nil for most
	scale     float32       // of attention's scores
	activate  func([]float32)
	tiled     bool      // packed in tiles of bfloat16
	eight     bool      // multiplies in int8
	wide      simd.Wide // of the state, if so

	parameters int64
	precision  string
}

// Options say how a model computes.
type Options struct {
	// Arithmetic is what the layers multiply in. "" is bfloat16 where the processor has tiles, else int16, and float32 where the weights
	// are no integers. Int16 is the same without tiles. Int8 rounds what the weights are multiplied with to int8, with a scale and a zero for
	// each 64 values. It is made for AVX-512 VNNI and works everywhere. Weights that are floats are quantised, which takes
	// some seconds for a large model.
	Arithmetic string
}

// What Options.Arithmetic may be, beside "".
const (
	Int8  = "int8"
	Int16 = "int16"
)

// New packs the weights of file, on all cores, for the kernels in use: simd.Level. The model keeps a reference to file's bytes where its word embeddings are
// int8, else none. The weights may be F32, F16, BF16 or what Quantize makes; a tensor that is missing or has the wrong
// shape or type is an error that names it.
func New(config Config, file *safetensors.File, o Options) (*Model, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	activate, err := activation(config.Activation)
	if err != nil {
		return nil, fmt.Errorf("encoder: hidden_act: %w", err)
	}
	m := &Model{
		config:       config,
		longest:      config.MaxTokens(),
		scale:        float32(1 / math.Sqrt(float64(config.headSize()))),
		activate:     activate,
		tiled:        simd.Tiles() && o.Arithmetic == "",
		eight:        o.Arithmetic == Int8,
		hidden:       rounded(1, config.Hidden),
		intermediate: rounded(1, config.Intermediate),
		head:         rounded(config.Heads, config.headSize()),
	}
	if err := m.load(file); err != nil {
		return nil, fmt.Errorf("encoder: %w", err)
	}
	return m, nil
}

// Config is the model's dimensions.
func (m *Model) Config() Config { return m.config }

// Dimensions is the length of a hidden state.
func (m *Model) Dimensions() int { return m.config.Hidden }

// Parameters is the number of weights that take part.
func (m *Model) Parameters() int64 { return m.parameters }

// Precision names the form the weights are stored in: "int8", "float32", "float16" or "bfloat16".
func (m *Model) Precision() string { return m.precision }

// Arithmetic names what the layers multiply in: "int8", "int16", "bfloat16" or "float32". Of a model of integers, matrices whose
// groups are others than the kernels' are float32.
func (m *Model) Arithmetic() string {
	switch l := &m.layers[0]; {
	case m.tiled:
		return "bfloat16"
	case l.grow.bytes != nil:
		return Int8
	case l.grow.whole != nil:
		return Int16
	}
	return "float32"
}

// ErrNotFinite is the error of weights that make values which are no finite numbers of a text.
var ErrNotFinite = errors.New("the weights make values that are not finite")

// Encode writes what out makes of each text to dst, which has room for out.Dimensions(m) values for each. 384 to 512 tokens
// a call is the best for speed. It allocates nothing once ws has seen a batch as large. Weights that lead to a value that is
// no finite number are ErrNotFinite.
func (m *Model) Encode(ws *Workspace, b *Batch, out Output, dst []float32) error {
	if err := out.Check(m); err != nil {
		return err
	}
	d := out.Dimensions(m)
	if len(dst) != len(b.Ends)*d {
		return fmt.Errorf("encoder: dst has %d values; %d texts need %d", len(dst), len(b.Ends), len(b.Ends)*d)
	}
	if err := m.Forward(ws, b, nil); err != nil {
		return err
	}
	out.fit(ws)
	begin := 0
	for i, end := range b.Ends {
		vector := dst[i*d:][:d]
		if out.vector(vector, ws, begin, end); !finite(vector) {
			return fmt.Errorf("encoder: text %d: %w", i, ErrNotFinite)
		}
		begin = end
	}
	return nil
}

// Forward computes the hidden state of every token, to be read with ws.Row. If visit is not nil it is called after the
// embeddings, as layer 0, and after each layer.
func (m *Model) Forward(ws *Workspace, b *Batch, visit func(layer int)) error {
	if err := m.check(ws, b); err != nil {
		return err
	}
	ws.fit(len(b.IDs), b.longest())
	ws.pass.m, ws.pass.ws, ws.pass.b, ws.pass.tokens = m, ws, b, len(b.IDs)
	ws.pass.run(visit)
	return nil
}

// check makes sure that nothing in the batch leads outside the weights.
func (m *Model) check(ws *Workspace, b *Batch) error {
	if ws.model != m {
		return errors.New("encoder: the workspace belongs to another model")
	}
	begin := 0
	for i, end := range b.Ends {
		if end <= begin || end > len(b.IDs) || end-begin > m.longest {
			return fmt.Errorf("encoder: text %d has tokens %d to %d of %d; it needs from 1 to %d", i, begin, end, len(b.IDs), m.longest)
		}
		begin = end
	}
	if begin != len(b.IDs) {
		return fmt.Errorf("encoder: %d tokens after the last text belong to none", len(b.IDs)-begin)
	}
	for i, id := range b.IDs {
		if id < 0 || int(id) >= m.config.Vocabulary {
			return fmt.Errorf("encoder: token %d has id %d; the vocabulary ends at %d", i, id, m.config.Vocabulary-1)
		}
	}
	return nil
}

// embed sets the hidden state to the embeddings of word, position and token type.
func (m *Model) embed(ws *Workspace, b *Batch) {
	n, begin := m.config.Hidden, 0
	for t, end := range b.Ends {
		second := b.second(t)
		for i := begin; i < end; i++ {
			positions := m.positions[0]
			if i-begin >= second && m.positions[1] != nil {
				positions = m.positions[1]
			}
			row := ws.Row(i)
			m.words.row(row, int(b.IDs[i]))
			position := positions[(i-begin)*n:][:n]
			simd.AddLayerNorm(row, row, position, m.norm.gamma, m.norm.beta, m.norm.epsilon)
			ws.round(i)
		}
		begin = end
	}
}

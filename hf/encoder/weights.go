package encoder

import (
	"fmt"
	"slices"
	"strconv"

	"searchd/hf/safetensors"
	"searchd/internal/simd"
)

// weights reads the parameters of a model from a file, in float or in the form that Quantize gives them.
type weights struct {
	architecture
	file   *safetensors.File
	prefix string // before each name: the class a checkpoint was saved from decides
	group  int    // values that share a scale, 0 in a file that is not quantised
}

func newWeights(config Config, file *safetensors.File) (weights, error) {
	a, err := architectureOf(config.ModelType)
	if err != nil {
		return weights{}, err
	}
	w := weights{architecture: a, file: file}
	for _, w.prefix = range []string{"", a.prefix} {
		if w.has(wordEmbeddings) {
			w.group, err = groupSize(file)
			return w, err
		}
	}
	return weights{}, fmt.Errorf("tensor %q is missing, also with %q before it: these are no weights of a %s encoder", wordEmbeddings, a.prefix, config.ModelType)
}

// of is where the weights of a name are found: a head has no prefix, except for the part of it that belongs to the encoder.
func (w weights) of(name string) weights {
	if !w.has(name + ".weight") {
		w.prefix = ""
	}
	return w
}

func (w weights) has(name string) bool { return w.file.Has(w.prefix + name) }

// groupSize is what the file's metadata say about groups.
func groupSize(file *safetensors.File) (int, error) {
	format := file.Metadata(metaFormat)
	if format == "" {
		return 0, nil
	}
	if format != formatVersion {
		return 0, fmt.Errorf("metadata: %s is %q; this version reads %q: convert the published weights again", metaFormat, format, formatVersion)
	}
	group, err := strconv.Atoi(file.Metadata(metaGroup))
	if err != nil || group < 1 || group > 1<<16 {
		return 0, fmt.Errorf("metadata: %s is %q; a number of values is needed", metaGroup, file.Metadata(metaGroup))
	}
	return group, nil
}

// tensor finds a parameter and checks its shape.
func (w weights) tensor(name string, shape ...int) (safetensors.Tensor, error) {
	t, err := w.file.Tensor(w.prefix + name)
	if err != nil {
		return t, err
	}
	if !slices.Equal(t.Shape, shape) {
		return t, fmt.Errorf("tensor %q has shape %v; config.json asks for %v", t.Name, t.Shape, shape)
	}
	return t, nil
}

// floats reads a parameter that is never quantised.
func (w weights) floats(name string, shape ...int) ([]float32, error) {
	t, err := w.tensor(name, shape...)
	if err != nil {
		return nil, err
	}
	return t.Float32s(nil)
}

// matrix is a parameter of rows × columns as it lies in the file: floats, or int8 with scales.
type matrix struct {
	columns int
	floats  []float32 // nil where quantised
	q       []int8    // in place in the file
	scales  []float32
	group   int
}

func (w weights) matrix(name string, rows, columns int) (matrix, error) {
	t, err := w.tensor(name, rows, columns)
	if err != nil {
		return matrix{}, err
	}
	if t.DType != safetensors.I8 {
		values, err := t.Float32s(nil)
		return matrix{columns: columns, floats: values}, err
	}
	if w.group == 0 {
		return matrix{}, fmt.Errorf("tensor %q has dtype I8, but the file's metadata lack %s", t.Name, metaFormat)
	}
	scales, err := w.floats(name+scalesSuffix, rows, groups(columns, w.group))
	if err != nil {
		return matrix{}, err
	}
	q, err := t.Int8s()
	return matrix{columns: columns, q: q, scales: scales, group: w.group}, err
}

// row writes row i to dst, which has one value a column.
func (m *matrix) row(dst []float32, i int) {
	if m.floats != nil {
		copy(dst, m.floats[i*m.columns:][:m.columns])
		return
	}
	n := groups(m.columns, m.group)
	simd.DequantizeInt8(dst, m.q[i*m.columns:][:m.columns], m.scales[i*n:][:n], m.group)
}

// groups is the number of scales for a row.
func groups(columns, size int) int { return (columns + size - 1) / size }

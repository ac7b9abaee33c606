package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// NewFloat32 makes an F32 tensor, with a copy of the values.
func NewFloat32(name string, shape []int, values []float32) Tensor {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return Tensor{Name: name, DType: F32, Shape: slices.Clone(shape), data: data}
}

// NewInt8 makes an I8 tensor of the values themselves, which must not change afterwards.
func NewInt8(name string, shape []int, values []int8) Tensor {
	data := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values))
	return Tensor{Name: name, DType: I8, Shape: slices.Clone(shape), data: data}
}

// New makes a tensor of any type from its bytes, row-major and little endian, which must not change afterwards. Write
// refuses one whose bytes do not fit its type and shape.
func New(name string, d DType, shape []int, data []byte) Tensor {
	return Tensor{Name: name, DType: d, Shape: slices.Clone(shape), data: data}
}

// Write writes a file. The same metadata and tensors give the same bytes, in whatever order they come: tensors are laid out
// by falling size of their type and then by name, as the reference implementation does it, which aligns each of them.
func Write(w io.Writer, metadata map[string]string, tensors []Tensor) error {
	sorted := slices.SortedFunc(slices.Values(tensors), func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(b.DType.Size(), a.DType.Size()), cmp.Compare(a.Name, b.Name))
	})
	header, err := encodeHeader(metadata, sorted)
	if err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("safetensors: header: %w", err)
	}
	for _, t := range sorted {
		if _, err := w.Write(t.data); err != nil {
			return fmt.Errorf("safetensors: tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// encodeHeader is the header with its length before it, filled with spaces up to a multiple of eight.
func encodeHeader(metadata map[string]string, tensors []Tensor) ([]byte, error) {
	var b bytes.Buffer
	e := headerWriter{enc: jsontext.NewEncoder(&b)}
	e.token(jsontext.BeginObject)
	if len(metadata) > 0 {
		e.metadata(metadata)
	}
	begin := 0
	for _, t := range tensors {
		size, ok := byteLen(t.DType, t.Shape)
		if t.Name == metadataKey || t.DType.Size() == 0 || !ok || size != len(t.data) {
			return nil, fmt.Errorf("tensor %q: %d bytes, dtype %s and shape %v do not fit together", t.Name, len(t.data), t.DType, t.Shape)
		}
		e.tensor(t, begin)
		begin += size
	}
	e.token(jsontext.EndObject)
	if e.err != nil {
		return nil, fmt.Errorf("header: %w", e.err)
	}
	text := bytes.TrimRight(b.Bytes(), "\n")
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	if len(text) > maxHeader {
		return nil, fmt.Errorf("header of %d bytes is longer than the %d allowed", len(text), maxHeader)
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}

// headerWriter writes tokens and keeps the first error. The encoder refuses duplicate names.
type headerWriter struct {
	enc *jsontext.Encoder
	err error
}

func (w *headerWriter) token(tokens ...jsontext.Token) {
	for _, t := range tokens {
		if w.err == nil {
			w.err = w.enc.WriteToken(t)
		}
	}
}

func (w *headerWriter) metadata(m map[string]string) {
	w.token(jsontext.String(metadataKey), jsontext.BeginObject)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		w.token(jsontext.String(key), jsontext.String(m[key]))
	}
	w.token(jsontext.EndObject)
}

func (w *headerWriter) tensor(t Tensor, begin int) {
	w.token(jsontext.String(t.Name), jsontext.BeginObject, jsontext.String("dtype"), jsontext.String(string(t.DType)))
	w.token(jsontext.String("shape"))
	w.integers(t.Shape...)
	w.token(jsontext.String("data_offsets"))
	w.integers(begin, begin+len(t.data))
	w.token(jsontext.EndObject)
}

func (w *headerWriter) integers(list ...int) {
	w.token(jsontext.BeginArray)
	for _, n := range list {
		w.token(jsontext.Int(int64(n)))
	}
	w.token(jsontext.EndArray)
}

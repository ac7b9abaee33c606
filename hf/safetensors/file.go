package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
)

const (
	lengthBytes = 8
	// maxHeader is the limit the reference implementation sets too.
	maxHeader = 100_000_000
	maxDims   = 32
)

// ErrFormat is wrapped by every error that means: this is not a sound safetensors file.
var ErrFormat = errors.New("not a sound safetensors file")

// File is a parsed file. It is immutable and safe for concurrent use.
type File struct {
	metadata map[string]string
	tensors  map[string]Tensor
	names    []string
}

// Parse reads the header of b and checks it. The tensors point into b, which must not change afterwards. It allocates in
// proportion to the header, which is never longer than b.
func Parse(b []byte) (*File, error) {
	header, data, err := split(b)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w: %w", ErrFormat, err)
	}
	f := &File{tensors: map[string]Tensor{}}
	if err := f.parseHeader(header, data); err != nil {
		return nil, fmt.Errorf("safetensors: %w: %w", ErrFormat, err)
	}
	return f, nil
}

// Open reads the file at path into memory and parses it.
func Open(path string) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	f, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// Metadata answers the text stored under key, "" if there is none.
func (f *File) Metadata(key string) string { return f.metadata[key] }

// Names lists the tensors in alphabetical order. The caller must not change the slice.
func (f *File) Names() []string { return f.names }

// Has tells whether there is a tensor of that name.
func (f *File) Has(name string) bool {
	_, ok := f.tensors[name]
	return ok
}

// Tensor finds a tensor by name.
func (f *File) Tensor(name string) (Tensor, error) {
	t, ok := f.tensors[name]
	if !ok {
		return Tensor{}, fmt.Errorf("safetensors: tensor %q is missing", name)
	}
	return t, nil
}

// split separates header and data.
func split(b []byte) (header, data []byte, err error) {
	if len(b) < lengthBytes {
		return nil, nil, fmt.Errorf("%d bytes are too few for the length of a header", len(b))
	}
	n := binary.LittleEndian.Uint64(b)
	b = b[lengthBytes:]
	switch {
	case n > maxHeader:
		return nil, nil, fmt.Errorf("header of %d bytes is longer than the %d allowed", n, maxHeader)
	case n > uint64(len(b)):
		return nil, nil, fmt.Errorf("header of %d bytes reaches beyond the end: the file is cut short", n)
	case n == 0 || b[0] != '{':
		return nil, nil, errors.New("header does not begin with {")
	}
	return b[:n], b[n:], nil
}

// finish sorts the names and makes sure that the tensors cover the data exactly.
func (f *File) finish(data []byte) error {
	all := make([]Tensor, 0, len(f.tensors))
	for name, t := range f.tensors {
		f.names = append(f.names, name)
		all = append(all, t)
	}
	slices.Sort(f.names)
	slices.SortFunc(all, byOffset)
	end := 0
	for _, t := range all {
		switch {
		case t.begin < end:
			return fmt.Errorf("tensor %q begins at %d, inside the one before it, which ends at %d", t.Name, t.begin, end)
		case t.begin > end:
			return fmt.Errorf("tensor %q begins at %d and leaves a hole after %d", t.Name, t.begin, end)
		}
		end += len(t.data)
	}
	if end != len(data) {
		return fmt.Errorf("%d bytes after the last tensor belong to none", len(data)-end)
	}
	return nil
}

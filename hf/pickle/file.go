package pickle

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"searchd/hf/safetensors"
)

// ErrFormat is wrapped by every error that means: this file cannot be read.
var ErrFormat = errors.New("not weights that searchd reads")

const (
	maxProgram = 4 << 20 // of data.pkl: a few hundred bytes a tensor
	// maxShare is how much larger than the file its tensors may be together. Two that share a storage, such as the word
	// embeddings and the output layer, are usual.
	maxShare = 4
)

// Tensors reads a file. The tensors point into b, which must not change afterwards, apart from those that do not lie in it
// row by row.
func Tensors(b []byte) ([]safetensors.Tensor, error) {
	list, err := tensors(b)
	if err != nil {
		return nil, fmt.Errorf("pytorch_model.bin: %w: %w", ErrFormat, err)
	}
	return list, nil
}

// Convert answers the same weights as a safetensors file. It takes as much memory again as b has.
func Convert(b []byte) ([]byte, error) {
	list, err := Tensors(b)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Grow(len(b))
	if err := safetensors.Write(&out, map[string]string{"format": "pt"}, list); err != nil {
		return nil, fmt.Errorf("pytorch_model.bin: %w", err)
	}
	return out.Bytes(), nil
}

func tensors(b []byte) ([]safetensors.Tensor, error) {
	a, err := openArchive(b)
	if err != nil {
		return nil, err
	}
	program, err := a.entry("data.pkl")
	if err != nil {
		return nil, err
	}
	if len(program) > maxProgram {
		return nil, fmt.Errorf("data.pkl has %d bytes, more than the %d that are read", len(program), maxProgram)
	}
	m := machine{code: program, storages: func(key string) ([]byte, error) { return a.entry("data/" + key) }}
	v, err := m.run()
	if err != nil {
		return nil, fmt.Errorf("data.pkl: %w", err)
	}
	weights, ok := v.(*dict)
	if !ok {
		return nil, fmt.Errorf("data.pkl makes a %T, not a dictionary of tensors", v)
	}
	return weights.tensors(int64(len(b)))
}

// tensors answers what in the dictionary is a tensor. A name that comes twice stands for the last one.
func (d *dict) tensors(size int64) ([]safetensors.Tensor, error) {
	byName := map[string]safetensors.Tensor{}
	room := maxShare * size
	for i, v := range d.values {
		t, ok := v.(*tensor)
		if !ok {
			continue
		}
		if room -= t.bytes(); room < 0 {
			return nil, fmt.Errorf("tensor %.80q: together the tensors are more than %d times as large as the file", d.keys[i], maxShare)
		}
		byName[d.keys[i]] = safetensors.New(d.keys[i], t.dtype, ints(t.shape), t.rows())
	}
	if len(byName) == 0 {
		return nil, errors.New("it has no tensors")
	}
	list := make([]safetensors.Tensor, 0, len(byName))
	for _, t := range byName {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b safetensors.Tensor) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func ints(list []int64) []int {
	out := make([]int, len(list))
	for i, n := range list {
		out[i] = int(n)
	}
	return out
}

// archive is a zip file whose entries are stored as they are.
type archive struct {
	bytes   []byte
	entries map[string]*zip.File
}

// legacy is how files begin that PyTorch wrote before version 1.6: the number 0x1950a86a20f9469cfc6c as a pickle.
var legacy = []byte{0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19}

func openArchive(b []byte) (*archive, error) {
	if bytes.HasPrefix(b, legacy) {
		return nil, errors.New("it was written by PyTorch before 1.6: load it with torch and save it again, as model.safetensors at best")
	}
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	a := &archive{bytes: b, entries: map[string]*zip.File{}}
	for _, f := range r.File {
		_, name, _ := strings.Cut(f.Name, "/") // all lie in a folder named after the file
		a.entries[name] = f
	}
	if order, ok := a.entries["byteorder"]; ok {
		if text, err := a.view(order); err != nil || string(text) != "little" {
			return nil, errors.New("its byte order is another than little, which alone is read")
		}
	}
	return a, nil
}

// entry answers the bytes of an entry, checked.
func (a *archive) entry(name string) ([]byte, error) {
	f, ok := a.entries[name]
	if !ok {
		return nil, fmt.Errorf("entry %.80q is missing", name)
	}
	b, err := a.view(f)
	if err != nil {
		return nil, fmt.Errorf("entry %.80q: %w", name, err)
	}
	return b, nil
}

// view answers the bytes of an entry where they lie. PyTorch packs none, so that a packed one is not unpacked, however large
// it would become.
func (a *archive) view(f *zip.File) ([]byte, error) {
	begin, err := f.DataOffset()
	switch {
	case err != nil:
		return nil, err
	case f.Method != zip.Store:
		return nil, errors.New("it is packed, which PyTorch does not do")
	case f.UncompressedSize64 > uint64(len(a.bytes)) || begin+int64(f.UncompressedSize64) > int64(len(a.bytes)):
		return nil, errors.New("it reaches beyond the end: the file is cut short")
	}
	b := a.bytes[begin : begin+int64(f.UncompressedSize64)]
	if crc32.ChecksumIEEE(b) != f.CRC32 {
		return nil, errors.New("its checksum is wrong: the file is damaged")
	}
	return b, nil
}

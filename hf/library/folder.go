package library

import (
	"bytes"
	"encoding/json"

	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"time"

	"searchd/hf/local"
	"searchd/hf/pickle"
	"searchd/hf/safetensors"
)

// folder is a model's folder in which every form of weights is seen as a single model.safetensors. Those of another form
// are turned into it when they are read, in memory: the cache belongs to others as well.
type folder struct{ fs.FS }

var (
	_ local.Viewer  = folder{}
	_ fs.StatFS     = folder{}
	_ fs.ReadFileFS = folder{}
)

const (
	maxSmall   = 256 << 20 // of a file beside the weights: vocabularies are the largest
	maxWeights = 16 << 30
)

// View answers a file's bytes.
func (f folder) View(name string) ([]byte, error) { return f.ReadFile(name) }

// ReadFile answers a file's bytes.
func (f folder) ReadFile(name string) ([]byte, error) {
	form := f.form(name)
	b, err := f.read(form)
	if err != nil || form == name {
		return b, err
	}
	if path.Base(form) == pickleFile {
		return pickle.Convert(b)
	}
	return f.join(form, b)
}

// Stat describes a file, or the one that has the same weights in another form.
func (f folder) Stat(name string) (fs.FileInfo, error) { return fs.Stat(f.FS, f.form(name)) }

// Open opens a file.
func (f folder) Open(name string) (fs.File, error) {
	form := f.form(name)
	if form == name {
		return f.FS.Open(name)
	}
	b, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	return &converted{Reader: bytes.NewReader(b), name: path.Base(name), at: info.ModTime()}, nil
}

// form is the file that has the weights which are asked for as model.safetensors; any other name stands for itself.
func (f folder) form(name string) string {
	if path.Base(name) != weightsFile {
		return name
	}
	for _, form := range []string{weightsFile, shardIndex, pickleFile} {
		other := path.Join(path.Dir(name), form)
		if _, err := fs.Stat(f.FS, other); err == nil {
			return other
		}
	}
	return name
}

// read reads a file of a size that can be.
func (f folder) read(name string) ([]byte, error) {
	info, err := fs.Stat(f.FS, name)
	if err != nil {
		return nil, err
	}
	limit := int64(maxSmall)
	if base := path.Base(name); base == weightsFile || base == pickleFile || shard.MatchString(base) {
		limit = maxWeights
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that are read", name, info.Size(), limit)
	}
	return fs.ReadFile(f.FS, name)
}

var shard = regexp.MustCompile(`^model-\d{5}-of-\d{5}\.safetensors$`)

// join makes one file of the parts that an index lists.
func (f folder) join(index string, b []byte) ([]byte, error) {
	var list struct {
		Parts map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", index, err)
	}
	var tensors []safetensors.Tensor
	for _, name := range slices.Compact(slices.Sorted(maps.Values(list.Parts))) {
		if !shard.MatchString(name) {
			return nil, fmt.Errorf("%s: %.80q is no name of a part", index, name)
		}
		part, err := f.part(path.Join(path.Dir(index), name))
		if err != nil {
			return nil, err
		}
		tensors = append(tensors, part...)
	}
	var out bytes.Buffer
	if err := safetensors.Write(&out, nil, tensors); err != nil {
		return nil, fmt.Errorf("%s: %w", index, err)
	}
	return out.Bytes(), nil
}

// part answers the tensors of one part.
func (f folder) part(name string) ([]safetensors.Tensor, error) {
	b, err := f.read(name)
	if err != nil {
		return nil, err
	}
	file, err := safetensors.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var list []safetensors.Tensor
	for _, tensor := range file.Names() {
		t, err := file.Tensor(tensor)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// converted is an open file of weights that were turned into safetensors.
type converted struct {
	*bytes.Reader
	name string
	at   time.Time
}

func (c *converted) Stat() (fs.FileInfo, error) { return c, nil }
func (c *converted) Close() error               { return nil }
func (c *converted) Name() string               { return c.name }
func (c *converted) Mode() fs.FileMode          { return 0o444 }
func (c *converted) ModTime() time.Time         { return c.at }
func (c *converted) IsDir() bool                { return false }
func (c *converted) Sys() any                   { return nil }

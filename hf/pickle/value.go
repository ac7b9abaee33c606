package pickle

import "searchd/hf/safetensors"

// What lies on the machine's stack, beside nil, bool, int64, float64 and string.
type (
	mark  struct{}
	tuple []any
	list  struct{ items []any }
	dict  struct { // and OrderedDict
		keys   []string
		values []any
	}
	global  string // module and name of a function or class that is allowed
	storage struct {
		dtype safetensors.DType
		data  []byte
	}
	tensor struct {
		storage
		offset        int64
		shape, stride []int64
	}
)

// set adds an entry. Keys that are no strings, as of a dictionary of layers, are not wanted by anybody.
func (d *dict) set(key, value any) {
	if name, ok := key.(string); ok {
		d.keys, d.values = append(d.keys, name), append(d.values, value)
	}
}

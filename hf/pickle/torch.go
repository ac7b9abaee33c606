package pickle

import (
	"fmt"
	"math/bits"

	"searchd/hf/safetensors"
)

// The functions that a program may name, and what each storage class holds.
const (
	orderedDict      global = "collections.OrderedDict"
	rebuildTensor    global = "torch._utils._rebuild_tensor_v2"
	rebuildParameter global = "torch._utils._rebuild_parameter"
)

// dtypeOf is what a storage class holds.
func dtypeOf(class global) (safetensors.DType, bool) {
	d, ok := map[global]safetensors.DType{
		"torch.FloatStorage": safetensors.F32, "torch.HalfStorage": safetensors.F16, "torch.BFloat16Storage": safetensors.BF16,
		"torch.DoubleStorage": "F64", "torch.LongStorage": "I64", "torch.IntStorage": "I32", "torch.ShortStorage": "I16",
		"torch.CharStorage": safetensors.I8, "torch.ByteStorage": "U8", "torch.BoolStorage": "BOOL",
	}[class]
	return d, ok
}

// global pushes a function or a class, if it is an allowed one.
func (m *machine) global(op byte) error {
	var module, name string
	var err error
	if op == 'c' {
		if module, err = m.line(); err == nil {
			name, err = m.line()
		}
	} else { // STACK_GLOBAL
		var parts []any
		if parts, err = m.popMany(2); err == nil {
			module, _ = parts[0].(string)
			name, _ = parts[1].(string)
		}
	}
	if err != nil {
		return err
	}
	g := global(module + "." + name)
	if _, isStorage := dtypeOf(g); !isStorage && g != orderedDict && g != rebuildTensor && g != rebuildParameter {
		return fmt.Errorf("the program names %.200q, which weights do not need: it is not run", g)
	}
	m.push(g)
	return nil
}

// persistent pushes the storage that a tuple names: ("storage", class, key, device, length).
func (m *machine) persistent() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	id, _ := v.(tuple)
	if len(id) < 5 || id[0] != "storage" {
		return fmt.Errorf("the program names a storage by a %T of %d parts", v, len(id))
	}
	class, _ := id[1].(global)
	key, _ := id[2].(string)
	length, _ := id[4].(int64)
	dtype, ok := dtypeOf(class)
	if !ok {
		return fmt.Errorf("storage %.40q is of class %.40q", key, class)
	}
	data, err := m.storages(key)
	if err != nil {
		return err
	}
	if length < 0 || length != int64(len(data)/dtype.Size()) || len(data)%dtype.Size() != 0 {
		return fmt.Errorf("storage %.40q has %d bytes, not %d values of type %s", key, len(data), length, dtype)
	}
	m.push(storage{dtype, data})
	return nil
}

// reduce does what calling an allowed function would do.
func (m *machine) reduce() error {
	call, err := m.popMany(2)
	if err != nil {
		return err
	}
	function, _ := call[0].(global)
	args, ok := call[1].(tuple)
	switch {
	case !ok:
	case function == orderedDict && len(args) == 0:
		m.push(&dict{})
		return nil
	case function == rebuildParameter && len(args) >= 1: // the tensor, whether it is trained, and hooks
		m.push(args[0])
		return nil
	case function == rebuildTensor && len(args) >= 4:
		t, err := view(args)
		if err != nil {
			return err
		}
		m.push(t)
		return nil
	}
	return fmt.Errorf("the program calls a %T %.100q with %d arguments", call[0], function, len(args))
}

// view makes a tensor of a storage, an offset, a shape and strides, all in values.
func view(args tuple) (*tensor, error) {
	s, isStorage := args[0].(storage)
	offset, isInt := args[1].(int64)
	shape, isShape := integers(args[2])
	stride, isStride := integers(args[3])
	if !isStorage || !isInt || !isShape || !isStride || len(shape) != len(stride) || len(shape) > maxDims {
		return nil, fmt.Errorf("a tensor is rebuilt from %T, %T, %T, %T", args[0], args[1], args[2], args[3])
	}
	t := &tensor{s, offset, shape, stride}
	if !t.fits() {
		return nil, fmt.Errorf("a tensor of shape %v, strides %v and offset %d does not lie in its storage of %d values", shape, stride, offset, len(s.data)/s.dtype.Size())
	}
	return t, nil
}

const maxDims = 16

// integers reads a tuple of sizes.
func integers(v any) ([]int64, bool) {
	parts, ok := v.(tuple)
	list := make([]int64, len(parts))
	for i, p := range parts {
		n, isInt := p.(int64)
		if !isInt || n < 0 {
			return nil, false
		}
		list[i] = n
	}
	return list, ok
}

// fits says that no index leads out of the storage, and that the number of values is one.
func (t *tensor) fits() bool {
	last, count, ok := uint64(t.offset), uint64(1), t.offset >= 0
	for i, n := range t.shape {
		var high uint64
		high, count = bits.Mul64(count, uint64(n))
		ok = ok && high == 0 && count < 1<<56
		if n > 0 {
			high, low := bits.Mul64(uint64(n-1), uint64(t.stride[i]))
			sum, carry := bits.Add64(last, low, 0)
			last, ok = sum, ok && high == 0 && carry == 0
		}
	}
	values := uint64(len(t.data) / t.dtype.Size())
	return ok && (count == 0 && uint64(t.offset) <= values || last < values)
}

// bytes is the size of the tensor when it is laid out by rows.
func (t *tensor) bytes() int64 {
	n := int64(t.dtype.Size())
	for _, d := range t.shape {
		n *= d
	}
	return n
}

// rows are the tensor's bytes, laid out by rows: those of the storage where they lie so.
func (t *tensor) rows() []byte {
	size, n := int64(t.dtype.Size()), t.bytes()
	if n == 0 {
		return nil
	}
	if t.contiguous() {
		return t.data[t.offset*size : t.offset*size+n]
	}
	out := make([]byte, 0, n)
	return t.gather(out, 0, t.offset*size)
}

func (t *tensor) contiguous() bool {
	expect := int64(1)
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] > 1 && t.stride[i] != expect {
			return false
		}
		expect *= t.shape[i]
	}
	return true
}

// gather appends the values below dimension dim, the first of which lies at byte at.
func (t *tensor) gather(out []byte, dim int, at int64) []byte {
	size := int64(t.dtype.Size())
	if dim == len(t.shape) {
		return append(out, t.data[at:at+size]...)
	}
	for i := range t.shape[dim] {
		out = t.gather(out, dim+1, at+i*t.stride[dim]*size)
	}
	return out
}

package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"unsafe"
)

// Tensor is one array: row-major, little endian, in place in the file's bytes.
type Tensor struct {
	Name  string
	DType DType
	Shape []int

	data  []byte
	begin int
}

// Len is the number of values.
func (t Tensor) Len() int { return len(t.data) / t.DType.Size() }

// Float32s decodes an F32, F16 or BF16 tensor into dst, which is made longer where its capacity is too small.
func (t Tensor) Float32s(dst []float32) ([]float32, error) {
	if !t.DType.Float() {
		return nil, fmt.Errorf("safetensors: tensor %q has dtype %s: F32, F16 or BF16 is needed", t.Name, t.DType)
	}
	n := t.Len()
	if cap(dst) < n {
		dst = make([]float32, n)
	}
	dst = dst[:n]
	switch t.DType {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.data[4*i:]))
		}
	case F16:
		for i := range dst {
			dst[i] = fromHalf(binary.LittleEndian.Uint16(t.data[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(t.data[2*i:])) << 16)
		}
	}
	return dst, nil
}

// Int8s shows an I8 tensor in place. The caller must not write to it: it may lie in memory that cannot be written.
func (t Tensor) Int8s() ([]int8, error) {
	if t.DType != I8 {
		return nil, fmt.Errorf("safetensors: tensor %q has dtype %s: I8 is needed", t.Name, t.DType)
	}
	if len(t.data) == 0 {
		return []int8{}, nil
	}
	return unsafe.Slice((*int8)(unsafe.Pointer(&t.data[0])), len(t.data)), nil
}

// place checks the tensor's offsets against its type, its shape and the data, and gives it its bytes.
func (t Tensor) place(data []byte, begin, end int) (Tensor, error) {
	if t.DType.Size() == 0 {
		return Tensor{}, fmt.Errorf("dtype %.40q is not known", t.DType)
	}
	size, ok := byteLen(t.DType, t.Shape)
	switch {
	case !ok:
		return Tensor{}, fmt.Errorf("shape %v is larger than any memory", t.Shape)
	case begin > end || end > len(data):
		return Tensor{}, fmt.Errorf("data_offsets [%d, %d] do not lie in the %d bytes of data: the file is cut short or broken",
			begin, end, len(data))
	case end-begin != size:
		return Tensor{}, fmt.Errorf("data_offsets span %d bytes, but %s values of shape %v take %d", end-begin, t.DType, t.Shape, size)
	}
	t.begin, t.data = begin, data[begin:end:end]
	return t, nil
}

// byteLen is the number of bytes of an array; not ok if no int holds it.
func byteLen(d DType, shape []int) (n int, ok bool) {
	n = d.Size()
	for _, dim := range shape {
		high, low := bits.Mul64(uint64(n), uint64(dim))
		if high != 0 || low > math.MaxInt {
			return 0, false
		}
		n = int(low)
	}
	return n, true
}

// byOffset orders tensors as they lie in the file; one without values comes before the one it shares its place with.
func byOffset(a, b Tensor) int {
	return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(len(a.data), len(b.data)))
}

// fromHalf widens an IEEE half. Every half has an exact float32.
func fromHalf(h uint16) float32 {
	sign, exponent, fraction := uint32(h&0x8000)<<16, uint32(h>>10&31), uint32(h&0x3ff)
	switch exponent {
	case 0: // zero or subnormal
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31: // infinity or NaN
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

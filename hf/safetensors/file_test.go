package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// raw puts the length before a header and data after it.
func raw(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func TestParse(t *testing.T) {
	header := `{"__metadata__":{"format":"pt"},"b":{"dtype":"I8","shape":[2],"data_offsets":[4,6]},` +
		`"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4],"extra":[{}]},"none":{"dtype":"F16","shape":[0,3],"data_offsets":[4,4]},` +
		`"ids":{"dtype":"I64","shape":[],"data_offsets":[6,14]}}  `
	f, err := Parse(raw(header, 0, 0, 0x80, 0x3f, 0xff, 3, 1, 2, 3, 4, 5, 6, 7, 8))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b", "ids", "none"}, f.Names()); diff != "" {
		t.Error(diff)
	}
	if f.Metadata("format") != "pt" || f.Metadata("absent") != "" || f.Has("c") || !f.Has("ids") {
		t.Error("metadata or names are wrong")
	}
	a, _ := f.Tensor("a")
	floats, err := a.Float32s(nil)
	if diff := cmp.Diff([]float32{1}, floats); diff != "" || err != nil {
		t.Error(diff, err)
	}
	b, _ := f.Tensor("b")
	bytes, err := b.Int8s()
	if diff := cmp.Diff([]int8{-1, 3}, bytes); diff != "" || err != nil {
		t.Error(diff, err)
	}
	none, _ := f.Tensor("none")
	if floats, err := none.Float32s(nil); len(floats) != 0 || err != nil || none.Len() != 0 {
		t.Error("empty tensor:", floats, err)
	}
}

func TestValuesOfAnotherType(t *testing.T) {
	f, err := Parse(raw(`{"ids":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}`, make([]byte, 8)...))
	if err != nil {
		t.Fatal(err)
	}
	ids, _ := f.Tensor("ids")
	if _, err := ids.Float32s(nil); err == nil || !strings.Contains(err.Error(), `"ids" has dtype I64`) {
		t.Error("Float32s:", err)
	}
	if _, err := ids.Int8s(); err == nil || !strings.Contains(err.Error(), `"ids" has dtype I64`) {
		t.Error("Int8s:", err)
	}
	if _, err := f.Tensor("weight"); err == nil || !strings.Contains(err.Error(), `"weight" is missing`) {
		t.Error("Tensor:", err)
	}
}

func TestParseRefuses(t *testing.T) {
	one := `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`
	entry := func(dtype, shape, offsets string) string {
		return `{"a":{"dtype":` + dtype + `,"shape":` + shape + `,"data_offsets":` + offsets + `}}`
	}
	huge := binary.LittleEndian.AppendUint64(nil, 1<<63)
	tests := []struct {
		name string
		file []byte
		want string // part of the error
	}{
		{"empty", nil, "too few"},
		{"seven bytes", make([]byte, 7), "too few"},
		{"no header", make([]byte, 8), "begin with {"},
		{"huge header", append(huge, '{', '}'), "longer than"},
		{"header over the cap", append(binary.LittleEndian.AppendUint64(nil, maxHeader+1), '{'), "longer than"},
		{"header beyond the end", append(binary.LittleEndian.AppendUint64(nil, 3), '{', '}'), "cut short"},
		{"not JSON", raw(`{"a"`), "EOF"},
		{"list", raw(`[]`), "begin with {"},
		{"space before", raw(` {}`), "begin with {"},
		{"text after", raw(`{}{}`), "more text"},
		{"garbage after", raw(`{} x`), "more text"},
		{"invalid UTF-8", raw("{\"\xff\":{}}"), "UTF-8"},
		{"tensor is a list", raw(`{"a":[]}`), `tensor "a"`},
		{"null", raw(`{"a":null}`), `tensor "a"`},
		{"no dtype", raw(`{"a":{"shape":[1],"data_offsets":[0,4]}}`, 0, 0, 0, 0), `tensor "a": dtype "" is not known`},
		{"no shape", raw(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 0, 0, 0, 0), `tensor "a": shape is missing`},
		{"no offsets", raw(`{"a":{"dtype":"F32","shape":[1]}}`, 0, 0, 0, 0), `tensor "a": data_offsets must be two`},
		{"unknown dtype", raw(entry(`"F31"`, `[1]`, `[0,4]`), 0, 0, 0, 0), `tensor "a": dtype "F31" is not known`},
		{"dtype a number", raw(entry(`4`, `[1]`, `[0,4]`), 0, 0, 0, 0), `tensor "a": dtype: has number`},
		{"one offset", raw(entry(`"F32"`, `[1]`, `[4]`), 0, 0, 0, 0), `tensor "a": data_offsets must be two`},
		{"three offsets", raw(entry(`"F32"`, `[1]`, `[0,4,8]`), 0, 0, 0, 0), `tensor "a": data_offsets: has more than 2`},
		{"negative offset", raw(entry(`"F32"`, `[1]`, `[-4,0]`), 0, 0, 0, 0), `tensor "a": data_offsets: has "-4"`},
		{"fraction", raw(entry(`"F32"`, `[1.5]`, `[0,4]`), 0, 0, 0, 0), `tensor "a": shape: has "1.5"`},
		{"number too large", raw(entry(`"F32"`, `[1]`, `[0,99999999999999999999]`), 0), `tensor "a": data_offsets: has "99999`},
		{"offset a string", raw(entry(`"F32"`, `[1]`, `["0",4]`), 0, 0, 0, 0), `tensor "a": data_offsets: has "0"`},
		{"negative dimension", raw(entry(`"F32"`, `[-1]`, `[0,4]`), 0, 0, 0, 0), `tensor "a": shape: has "-1"`},
		{"many dimensions", raw(entry(`"I8"`, `[1`+strings.Repeat(",1", 32)+`]`, `[0,1]`), 0), `tensor "a": shape: has more than 32`},
		{"shape overflows", raw(entry(`"F32"`, `[4294967296,4294967296]`, `[0,4]`), 0, 0, 0, 0), `tensor "a": shape [4294967296 4294967296] is larger`},
		{"shape overflows to the right length", raw(entry(`"F32"`, `[4611686018427387905]`, `[0,4]`), 0, 0, 0, 0), `tensor "a": shape`},
		{"shape overflows before a zero", raw(entry(`"F32"`, `[4294967296,4294967296,0]`, `[0,0]`)), `tensor "a": shape`},
		{"offsets reversed", raw(entry(`"F32"`, `[1]`, `[4,0]`), 0, 0, 0, 0), `tensor "a": data_offsets [4, 0]`},
		{"beyond the data", raw(entry(`"F32"`, `[2]`, `[0,8]`), 0, 0, 0, 0), `tensor "a": data_offsets [0, 8] do not lie in the 4 bytes`},
		{"too short for its shape", raw(entry(`"F32"`, `[2]`, `[0,4]`), 0, 0, 0, 0), `tensor "a": data_offsets span 4 bytes, but F32`},
		{"too long for its shape", raw(entry(`"F16"`, `[1]`, `[0,4]`), 0, 0, 0, 0), `tensor "a": data_offsets span 4 bytes, but F16`},
		{"trailing bytes", raw(one+`}`, 0, 0, 0, 0, 9), "1 bytes after the last tensor"},
		{"data without tensors", raw(`{}`, 1), "1 bytes after"},
		{"hole at the start", raw(entry(`"F32"`, `[1]`, `[4,8]`), make([]byte, 8)...), `tensor "a" begins at 4 and leaves a hole`},
		{"hole", raw(one+`,"b":{"dtype":"I8","shape":[1],"data_offsets":[5,6]}}`, make([]byte, 6)...), `tensor "b" begins at 5 and leaves a hole`},
		{"overlap", raw(one+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, make([]byte, 6)...), `tensor "b" begins at 2, inside`},
		{"same place", raw(one+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, make([]byte, 4)...), "inside the one before"},
		{"empty tensor inside", raw(one+`,"b":{"dtype":"I8","shape":[0],"data_offsets":[2,2]}}`, make([]byte, 4)...), `tensor "b" begins at 2, inside`},
		{"duplicate tensor", raw(one+`,"a":{"dtype":"I8","shape":[1],"data_offsets":[4,5]}}`, make([]byte, 5)...), `duplicate object member name "a"`},
		{"duplicate dtype", raw(`{"a":{"dtype":"F32","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 0), `tensor "a": jsontext: duplicate object member name "dtype"`},
		{"metadata not text", raw(`{"__metadata__":{"n":1}}`), `__metadata__: has number`},
		{"metadata a list", raw(`{"__metadata__":[]}`), `__metadata__: has`},
		{"deep", raw(`{"a":{"x":` + strings.Repeat("[", 100_000)), `tensor "a": x: jsontext: exceeded max depth`},
		{"deep shape", raw(`{"a":{"shape":` + strings.Repeat("[", 100_000)), `tensor "a": shape: has`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.file)
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want one with %q", err, test.want)
			}
		})
	}
}

// Cutting a good file anywhere must be noticed.
func TestParseTruncated(t *testing.T) {
	var b bytes.Buffer
	tensors := []Tensor{NewFloat32("a", []int{2}, []float32{1, 2}), NewInt8("b", []int{3}, []int8{1, 2, 3})}
	if err := Write(&b, map[string]string{"k": "v"}, tensors); err != nil {
		t.Fatal(err)
	}
	for n := range b.Len() {
		if _, err := Parse(b.Bytes()[:n]); !errors.Is(err, ErrFormat) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// A file that claims to be huge must not make Parse allocate for it.
func TestParseAllocates(t *testing.T) {
	file := raw(`{"a":{"dtype":"F32","shape":[1000000000,1000],"data_offsets":[0,4000000000000]}}`, 1, 2, 3)
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(file); err == nil {
				b.Fatal("no error")
			}
		}
	})
	if got := result.AllocedBytesPerOp(); got > 64<<10 {
		t.Errorf("%d bytes allocated for a file of %d", got, len(file))
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if _, err := Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("missing file:", err)
	}
	if err := os.WriteFile(path, []byte("12345678{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), path) {
		t.Error("broken file:", err)
	}
	if err := os.WriteFile(path, raw(`{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 7), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := Open(path); err != nil || !f.Has("a") {
		t.Error("good file:", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(raw(`{}`))
	f.Add(raw(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 128, 63))
	f.Add(raw(`{"a":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]},"b":{"dtype":"I8","shape":[0],"data_offsets":[4,4]}}`, 1, 2, 3, 4))
	f.Add(raw(`{"a":{"dtype":"F16","shape":[4294967296,4294967296],"data_offsets":[0,18446744073709551615]}}`, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Parse(b)
		if err != nil {
			return
		}
		total := 0
		tensors := []Tensor{}
		for _, name := range file.Names() {
			tensor, err := file.Tensor(name)
			if err != nil {
				t.Fatal(err)
			}
			total += tensor.Len() * tensor.DType.Size()
			if values, err := tensor.Float32s(nil); err == nil && len(values) != tensor.Len() {
				t.Fatalf("%q: %d values of %d", name, len(values), tensor.Len())
			}
			tensors = append(tensors, tensor)
		}
		if total > len(b) {
			t.Fatalf("tensors of %d bytes in a file of %d", total, len(b))
		}
		roundTrip(t, file.metadata, tensors)
	})
}

// roundTrip writes tensors, reads them back and compares.
func roundTrip(t *testing.T, metadata map[string]string, tensors []Tensor) {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	back, err := Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(back.names) != len(tensors) || len(metadata) > 0 && !cmp.Equal(back.metadata, metadata) {
		t.Fatalf("%d tensors became %d, or %v became %v", len(tensors), len(back.names), metadata, back.metadata)
	}
	for _, want := range tensors {
		got := back.tensors[want.Name]
		if got.DType != want.DType || !cmp.Equal(got.Shape, want.Shape) || !bytes.Equal(got.data, want.data) {
			t.Fatalf("tensor %q changed", want.Name)
		}
	}
}

func TestHalf(t *testing.T) {
	tests := map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 1.0 / (1 << 14), 0x0001: 1.0 / (1 << 24),
		0x83ff: -1023.0 / (1 << 24), 0x3555: 0.333251953125, 0x7c00: float32(math.Inf(1)), 0xfc00: float32(math.Inf(-1)),
	}
	for half, want := range tests {
		if got := fromHalf(half); got != want {
			t.Errorf("%04x: got %v, want %v", half, got, want)
		}
	}
	if v := fromHalf(0x8000); math.Float32bits(v) != 1<<31 {
		t.Error("minus zero lost its sign")
	}
	if v := fromHalf(0x7e00); v == v {
		t.Error("NaN became", v)
	}
}

func TestFloat32s(t *testing.T) {
	f, err := Parse(raw(`{"h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[4,8]}}`,
		0x00, 0x3c, 0x00, 0xc0, 0x80, 0x3f, 0x00, 0xc0))
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 0, 2)
	for _, name := range []string{"h", "b"} {
		tensor, _ := f.Tensor(name)
		got, err := tensor.Float32s(dst)
		if diff := cmp.Diff([]float32{1, -2}, got); diff != "" || err != nil {
			t.Error(name, diff, err)
		}
		if &got[0] != &dst[:1][0] {
			t.Error(name, "did not use the room it was given")
		}
	}
}

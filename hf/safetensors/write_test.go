package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	tensors := []Tensor{
		NewInt8("words", []int{3}, []int8{-1, 0, 1}),
		NewFloat32("z", []int{2}, []float32{1, -2}),
		NewFloat32("a\"", []int{1, 1}, []float32{0.5}),
		NewFloat32("none", []int{0}, nil),
	}
	metadata := map[string]string{"b": "2", "a": "ü\n", "": "x"}
	roundTrip(t, metadata, tensors)
	roundTrip(t, nil, nil)

	var b, again bytes.Buffer
	if err := Write(&b, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	tensors[0], tensors[2] = tensors[2], tensors[0]
	if err := Write(&again, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the order of the tensors changed the file")
	}
	if n := binary.LittleEndian.Uint64(b.Bytes()); n%8 != 0 {
		t.Errorf("header of %d bytes leaves the data unaligned", n)
	}
}

func TestWriteRefuses(t *testing.T) {
	tests := []struct {
		name    string
		tensors []Tensor
		want    string
	}{
		{"too few values", []Tensor{NewFloat32("a", []int{2}, []float32{1})}, `tensor "a"`},
		{"negative shape", []Tensor{NewFloat32("a", []int{-1}, nil)}, `tensor "a"`},
		{"no type", []Tensor{{Name: "a"}}, `tensor "a"`},
		{"the name of the metadata", []Tensor{NewInt8("__metadata__", []int{1}, []int8{1})}, "__metadata__"},
		{"twice", []Tensor{NewInt8("a", []int{1}, []int8{1}), NewInt8("a", []int{1}, []int8{1})}, `duplicate object member name "a"`},
		{"invalid UTF-8", []Tensor{NewInt8("\xff", []int{1}, []int8{1})}, "UTF-8"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := Write(&bytes.Buffer{}, nil, test.tensors)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want one with %q", err, test.want)
			}
		})
	}
}

// full fails once it has taken its bytes.
type full int

func (f *full) Write(p []byte) (int, error) {
	if *f -= full(len(p)); *f < 0 {
		return 0, errors.New("disk is full")
	}
	return len(p), nil
}

func TestWriteFails(t *testing.T) {
	for _, room := range []full{0, 80} {
		err := Write(&room, nil, []Tensor{NewFloat32("a", []int{20}, make([]float32, 20))})
		if err == nil || !strings.Contains(err.Error(), "disk is full") {
			t.Error("got", err)
		}
	}
}

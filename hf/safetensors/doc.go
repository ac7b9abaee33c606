// Package safetensors reads and writes the safetensors format: named arrays behind a JSON header.
//
// A file is eight bytes of header length (little endian), the header, and the arrays' bytes one after the other:
//
//	{"__metadata__": {"key": "value"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
//
// Parse works on bytes the caller holds and copies none of them, so weights embedded in the binary stay where they are.
// It takes no header on trust: every array must have the length that its type and shape ask for, and together they must
// cover the data exactly, without overlap, hole or rest. Whatever is wrong is an error that names the tensor.
package safetensors

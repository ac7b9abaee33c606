package safetensors

// DType is the type of a tensor's values.
type DType string

// The types whose values this package reads. A file may hold the others too, such as the I64 of position ids.
const (
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I8   DType = "I8"
)

// Size is the number of bytes of one value, 0 for a type that is not known.
func (d DType) Size() int {
	switch d {
	case "BOOL", "U8", I8, "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ":
		return 1
	case F16, BF16, "I16", "U16":
		return 2
	case F32, "I32", "U32":
		return 4
	case "F64", "I64", "U64", "C64":
		return 8
	}
	return 0
}

// Float tells whether Float32s can read the type.
func (d DType) Float() bool { return d == F32 || d == F16 || d == BF16 }

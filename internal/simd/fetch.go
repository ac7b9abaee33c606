package simd

import "unsafe"

// Fetch asks the processor for the cache lines that lie at some addresses, and does not wait for them: who reads them a little
// later finds them near. Without assembly it does nothing.
func Fetch[T any](lines []*T) {
	fetch(unsafe.Slice((**byte)(unsafe.Pointer(unsafe.SliceData(lines))), len(lines)))
}

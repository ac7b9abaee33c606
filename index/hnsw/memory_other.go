//go:build !linux || race

package hnsw

import "unsafe"

// region is plain memory, where huge pages cannot be asked for or the race detector is to see every access.
type region struct{ bytes []byte }

func newRegion(size int) (region, error) {
	words := make([]uint64, (size+7)/8) // aligned
	return region{unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), size)}, nil
}

func (region) free() error { return nil }

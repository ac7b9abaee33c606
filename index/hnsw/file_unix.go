//go:build linux || darwin

package hnsw

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapFile shows n float32 of a file, as long as it is not unmapped. Writes to the file are seen at once.
func mapFile(f *os.File, offset int64, n int) ([]float32, error) {
	b, err := unix.Mmap(int(f.Fd()), offset, 4*n, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("hnsw: map %s: %w", f.Name(), err)
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n), nil
}

func unmapFile(v []float32) error { return unix.Munmap(bytesOf(v)) }

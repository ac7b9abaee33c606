//go:build linux && !race

package hnsw

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// region is memory outside the heap, in huge pages where the system has some: a walk jumps about in it, and with small pages
// it would wait for address translation at every step.
type region struct{ mapped, bytes []byte }

// newRegion reserves zeroed memory; what is not touched takes none. A part of a page is not rounded up to a huge one.
func newRegion(size int) (region, error) {
	mapped, err := unix.Mmap(-1, 0, size+hugePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return region{}, fmt.Errorf("hnsw: memory for vectors: %w", err)
	}
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(mapped)))) & (hugePage - 1)
	bytes := mapped[skip:][:size:size]
	if whole := size &^ (hugePage - 1); whole > 0 {
		_ = unix.Madvise(bytes[:whole], unix.MADV_HUGEPAGE) // a kernel without them goes on with small ones
	}
	return region{mapped, bytes}, nil
}

func (r region) free() error { return unix.Munmap(r.mapped) }

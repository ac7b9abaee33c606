package simd

import (
	"syscall"
	"testing"
)

const pageSize = 4096

// mapGuarded returns a writable region of whole pages, at least size bytes, between two pages that may not be touched.
func mapGuarded(tb testing.TB, size int) []byte {
	tb.Helper()
	size = (size + pageSize - 1) / pageSize * pageSize
	all, err := syscall.Mmap(-1, 0, size+2*pageSize, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := syscall.Munmap(all); err != nil {
			tb.Error(err)
		}
	})
	for _, guard := range [][]byte{all[:pageSize], all[pageSize+size:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			tb.Fatal(err)
		}
	}
	return all[pageSize : pageSize+size]
}

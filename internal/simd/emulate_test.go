//go:build emulate

package simd

import (
	"runtime/debug"
	"testing"
	"unsafe"
)

// TestGuardsUnderEmulation holds that the emulator refuses what the processor would refuse: without that, no test between
// guard pages means anything.
func TestGuardsUnderEmulation(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	a := newArena(t, 64, canary)
	row := a.place(64, 0)
	for _, long := range [][]float32{
		unsafe.Slice(&row[0], len(a.all)+1),
		unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(&row[0]), -4)), 1),
	} {
		if !faults(func() { dotAVX512(long, long) }) {
			t.Error("a read of a guard page went unnoticed")
		}
		if !faults(func() { geluAVX512(long) }) {
			t.Error("a write to a guard page went unnoticed")
		}
	}
	if faults(func() { dotAVX512(a.all, a.all) }) {
		t.Error("a read of the page before the guard faults")
	}
}

func faults(f func()) (fault bool) {
	defer func() { fault = recover() != nil }()
	f()
	return false
}

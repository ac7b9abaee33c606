package simd

import (
	"testing"
	"unsafe"
)

// arena is memory between guard pages. A slice cut from its edge makes a read beyond the slice crash; the canary around a
// slice shows a write beyond it.
type arena[T int8 | uint8 | int16 | int32 | BFloat16 | float32] struct {
	all    []T
	canary T
	slice  []T // cut last
	first  int // its place in all
}

func newArena[T int8 | uint8 | int16 | int32 | BFloat16 | float32](tb testing.TB, values int, canary T) *arena[T] {
	var zero T
	bytes := mapGuarded(tb, values*int(unsafe.Sizeof(zero)))
	all := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes)/int(unsafe.Sizeof(zero)))
	return &arena[T]{all: all, canary: canary}
}

// cut fills the arena with the canary and places a slice in it.
func (a *arena[T]) cut(n, offset int) []T {
	for i := range a.all {
		a.all[i] = a.canary
	}
	return a.place(n, offset)
}

// place returns n values at an offset from the front guard page or, if the offset is negative, ending -1-offset values
// before the back one.
func (a *arena[T]) place(n, offset int) []T {
	a.first = offset
	if offset < 0 {
		a.first = len(a.all) - n + offset + 1
	}
	a.slice = a.all[a.first:][:n:n]
	return a.slice
}

// check fails if anything outside the slice cut last has changed.
func (a *arena[T]) check(t *testing.T) {
	t.Helper()
	for i, v := range a.all {
		if v != a.canary && (i < a.first || i >= a.first+len(a.slice)) {
			t.Fatalf("%d values at %d: wrote outside, at %d", len(a.slice), a.first, i)
		}
	}
}

const canary = float32(-12345)

// offsets place a slice against either guard page or away from any alignment.
var offsets = []int{0, 1, 3, -1, -2, -6}

// maxLength of the rows tested: 16 vectors of AVX-512 and one value.
const maxLength = 257

// eachPlace calls test for all lengths and offsets.
func eachPlace(test func(n, offset int)) {
	for n := range maxLength + 1 {
		for _, offset := range offsets {
			test(n, offset)
		}
	}
}

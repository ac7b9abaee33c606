//go:build !linux && !purego

package simd

// allowTiles is false: no other system has been tried.
func allowTiles() bool { return false }

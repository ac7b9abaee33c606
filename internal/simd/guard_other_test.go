//go:build !linux

package simd

import "testing"

// mapGuarded returns ordinary memory: this system has no guard pages in the test, but writes beyond a slice still show.
func mapGuarded(_ testing.TB, size int) []byte { return make([]byte, size) }

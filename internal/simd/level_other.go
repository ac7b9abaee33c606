//go:build !amd64 || purego

package simd

// Constants, so that the compiler drops every branch into assembly.
const hasAMX, hasAVX512, hasVNNI, hasAVX2 = false, false, false, false

func detect() (amx, avx512, avx2 bool) { return false, false, false }

func use(string) {}

// Fault says why an implementation that the processor has is not used: there are none in this build.
func Fault() error { return nil }

// Features lists the processor's extensions that this package knows how to use: none in this build.
func Features() []string { return nil }

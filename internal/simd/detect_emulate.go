//go:build emulate && amd64 && !purego

package simd

// detect claims every processor feature: for test programs whose kernels run in an emulator (_emulate).
func detect() (avx512, avx2 bool) { return true, true }

func detectVNNI() bool { return true }

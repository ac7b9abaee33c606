//go:build emulate && amd64 && !purego

package simd

// detect claims every processor feature: for test programs whose kernels run in an emulator (_emulate).
func detect() (amx, avx512, avx2 bool) { return tilesWork() == nil, true, true }

func detectVNNI() bool { return true }

func tilesAllowed() bool { return true }

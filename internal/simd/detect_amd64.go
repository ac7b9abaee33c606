//go:build !purego && !emulate

package simd

import "golang.org/x/sys/cpu"

// detect asks the processor, and through it the operating system, which has to save the wide registers.
func detect() (avx512, avx2 bool) {
	x := &cpu.X86
	avx2 = x.HasAVX2 && x.HasFMA
	avx512 = avx2 && x.HasAVX512F && x.HasAVX512VL && x.HasAVX512DQ && x.HasAVX512BW
	return avx512, avx2
}

// detectVNNI tells whether integers are multiplied and added in one instruction. It counts where AVX-512 does.
func detectVNNI() bool { return cpu.X86.HasAVX512VNNI }

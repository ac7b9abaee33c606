//go:build !purego && !emulate

package simd

import (
	"sync"

	"golang.org/x/sys/cpu"
)

// detect asks the processor, and through it the operating system, which has to save the wide registers.
func detect() (amx, avx512, avx2 bool) {
	x := &cpu.X86
	avx2 = x.HasAVX2 && x.HasFMA
	avx512 = avx2 && x.HasAVX512F && x.HasAVX512VL && x.HasAVX512DQ && x.HasAVX512BW
	amx = avx512 && x.HasAVX512BF16 && x.HasAMXTile && x.HasAMXBF16 && tilesAllowed() && tilesWork() == nil
	return amx, avx512, avx2
}

// detectVNNI tells whether integers are multiplied and added in one instruction. It counts where AVX-512 does.
func detectVNNI() bool { return cpu.X86.HasAVX512VNNI }

// tilesAllowed asks the operating system once for the tiles of this process.
var tilesAllowed = sync.OnceValue(allowTiles)

package simd

import (
	"fmt"
	"slices"
)

// Names of the implementations, as Level answers and SetLevel takes them.
const (
	LevelAMX    = "amx"    // bfloat16 in tiles, the rest as avx512: needs AMX-TILE, AMX-BF16 and AVX512-BF16 besides
	LevelAVX512 = "avx512" // 512-bit assembly: needs AVX-512 F, VL, DQ and BW
	LevelAVX2   = "avx2"   // 256-bit assembly: needs AVX2 and FMA
	LevelGo     = "go"     // no assembly; works everywhere

	// LevelGoBFloat16 is plain Go that computes what LevelAMX does. It is slow, and there to be compared with: Levels
	// leaves it out.
	LevelGoBFloat16 = "go-bfloat16"
)

// Level names the implementation in use. It is the best the processor has, chosen once at start.
func Level() string {
	switch {
	case hasAMX:
		return LevelAMX
	case hasAVX512:
		return LevelAVX512
	case hasAVX2:
		return LevelAVX2
	case goBFloat16:
		return LevelGoBFloat16
	}
	return LevelGo
}

// Tiles tells whether the level in use is one of bfloat16: whether the matrices of a model should be packed in tiles.
// What is packed in one way works at every level, if slowly.
func Tiles() bool { return hasAMX || goBFloat16 }

// FastInt8 tells whether the level in use multiplies bytes, in one instruction, faster than anything else.
func FastInt8() bool { return hasVNNI && !hasAMX }

// goBFloat16 is set by SetLevel alone.
var goBFloat16 bool

// Levels lists the implementations that can run here, best first. LevelGo is always the last.
func Levels() []string {
	amx, avx512, avx2 := detect()
	var levels []string
	for _, l := range []struct {
		name string
		can  bool
	}{{LevelAMX, amx}, {LevelAVX512, avx512}, {LevelAVX2, avx2}, {LevelGo, true}} {
		if l.can {
			levels = append(levels, l.name)
		}
	}
	return levels
}

// SetLevel forces an implementation until restore is called. It is for tests and diagnosis: it must not be called while
// any other goroutine runs a kernel.
func SetLevel(level string) (restore func(), err error) {
	before := Level()
	if level != LevelGoBFloat16 && !slices.Contains(Levels(), level) {
		return nil, fmt.Errorf("simd: level %q cannot run here: choose one of %q", level, Levels())
	}
	set := func(level string) {
		use(level)
		goBFloat16 = level == LevelGoBFloat16
	}
	set(level)
	return func() { set(before) }, nil
}

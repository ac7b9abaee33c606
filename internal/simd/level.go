package simd

import "fmt"

// Names of the implementations, as Level answers and SetLevel takes them.
const (
	LevelAVX512 = "avx512" // 512-bit assembly: needs AVX-512 F, VL, DQ and BW
	LevelAVX2   = "avx2"   // 256-bit assembly: needs AVX2 and FMA
	LevelGo     = "go"     // no assembly; works everywhere
)

// Level names the implementation in use. It is the best the processor has, chosen once at start.
func Level() string {
	switch {
	case hasAVX512:
		return LevelAVX512
	case hasAVX2:
		return LevelAVX2
	}
	return LevelGo
}

// Levels lists the implementations that can run here, best first. LevelGo is always the last.
func Levels() []string {
	avx512, avx2 := detect()
	var levels []string
	if avx512 {
		levels = append(levels, LevelAVX512)
	}
	if avx2 {
		levels = append(levels, LevelAVX2)
	}
	return append(levels, LevelGo)
}

// SetLevel forces an implementation until restore is called. It is for tests and diagnosis: it must not be called while
// any other goroutine runs a kernel.
func SetLevel(level string) (restore func(), err error) {
	avx512, avx2 := detect()
	before := Level()
	switch {
	case level == LevelAVX512 && avx512, level == LevelAVX2 && avx2, level == LevelGo:
		use(level)
		return func() { use(before) }, nil
	}
	return nil, fmt.Errorf("simd: level %q cannot run here: choose one of %q", level, Levels())
}

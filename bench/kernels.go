package main

import (
	"slices"
	"strings"

	"searchd/hf/bundled"
	"searchd/hf/encoder"
	"searchd/hf/local"
	"searchd/internal/simd"
)

// openWith opens the bundled model for kernels, such as "avx2", or "avx2-int8" where they are to multiply in something else than they do
// by themselves. They are used until restore is called.
func openWith(kernels string) (m *local.Embedder, restore func(), err error) {
	level, arithmetic := kernels, ""
	for _, a := range []string{encoder.Int8, encoder.Int16} {
		if before, ok := strings.CutSuffix(kernels, "-"+a); ok {
			level, arithmetic = before, a
		}
	}
	if restore, err = simd.SetLevel(level); err != nil {
		return nil, nil, err
	}
	if m, err = bundled.Open(local.Options{Arithmetic: arithmetic}); err != nil {
		restore()
		return nil, nil, err
	}
	return m, restore, nil
}

// otherKernels are the best here for integers, but in the arithmetic that they do not choose by themselves.
func otherKernels() string {
	levels := simd.Levels()
	if simd.FastInt8() {
		return levels[0] + "-" + encoder.Int16
	}
	return levels[slices.IndexFunc(levels, func(l string) bool { return l != simd.LevelAMX })] + "-" + encoder.Int8
}

// kernelsToTime are the best, and the others where the processor has the instruction that int8 is for.
func kernelsToTime() []string {
	best := simd.Levels()[:1:1]
	if slices.Contains(simd.Features(), "avx512vnni") {
		return append(best, otherKernels())
	}
	return best
}

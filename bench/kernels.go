package main

import (
	"slices"
	"strings"

	"searchd/hf/bundled"
	"searchd/hf/local"
	"searchd/internal/simd"
)

// int8Suffix stands after the name of kernels that multiply in int8.
const int8Suffix = "-int8"

// openWith opens the bundled model for kernels, such as "avx2" or "avx2-int8", which are used until restore is called.
func openWith(kernels string) (m *local.Embedder, restore func(), err error) {
	level, eight := strings.CutSuffix(kernels, int8Suffix)
	if restore, err = simd.SetLevel(level); err != nil {
		return nil, nil, err
	}
	if m, err = bundled.Open(local.Options{Int8: eight}); err != nil {
		restore()
		return nil, nil, err
	}
	return m, restore, nil
}

// int8Kernels are the best here that multiply in int8.
func int8Kernels() string {
	levels := simd.Levels()
	return levels[slices.IndexFunc(levels, func(l string) bool { return l != simd.LevelAMX })] + int8Suffix
}

// kernelsToTime are the best, and those of int8 where the processor has the instruction that they are for.
func kernelsToTime() []string {
	best := simd.Levels()[:1:1]
	if slices.Contains(simd.Features(), "avx512vnni") {
		return append(best, int8Kernels())
	}
	return best
}

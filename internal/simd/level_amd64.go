//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// Which assembly to use. Kernels branch on these rather than call through a function variable, which would move their
// slices to the heap.
var (
	hasAMX, hasAVX512, hasAVX2 = detect()
	hasVNNI                    = hasAVX512 && detectVNNI()
)

func use(level string) {
	hasAMX = level == LevelAMX
	hasAVX512 = hasAMX || level == LevelAVX512
	hasAVX2 = hasAVX512 || level == LevelAVX2
	hasVNNI = hasAVX512 && detectVNNI()
}

// Fault says why an implementation that the processor has is not used: one that does not compute here what it should. Nil is the
// rule.
func Fault() error {
	_, avx512, _ := detect()
	if x := &cpu.X86; !avx512 || !x.HasAMXBF16 || !tilesAllowed() {
		return nil
	}
	return tilesWork()
}

// Features lists the processor's extensions that matter to this package or to a faster one: a diagnosis for people.
func Features() []string {
	x := &cpu.X86
	all := []struct {
		name string
		has  bool
	}{
		{"avx", x.HasAVX},
		{"avx2", x.HasAVX2},
		{"fma", x.HasFMA},
		{"avx512f", x.HasAVX512F},
		{"avx512vl", x.HasAVX512VL},
		{"avx512dq", x.HasAVX512DQ},
		{"avx512bw", x.HasAVX512BW},
		{"avx512vnni", x.HasAVX512VNNI},
		{"avx512bf16", x.HasAVX512BF16},
		{"avxvnni", x.HasAVXVNNI},
		{"amx-tile", x.HasAMXTile},
		{"amx-int8", x.HasAMXInt8},
		{"amx-bf16", x.HasAMXBF16},
	}
	var names []string
	for _, f := range all {
		if f.has {
			names = append(names, f.name)
		}
	}
	return names
}

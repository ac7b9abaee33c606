//go:build !purego

package simd

import "testing"

// BenchmarkPeak measures what the processor can do: multiply-adds between registers, with nothing loaded or stored. The
// rate of GemmPanel is to be seen in proportion to it.
func BenchmarkPeak(b *testing.B) {
	const rounds, chains = 10000, 12
	for _, width := range []struct {
		level string
		lanes int
		run   func(int) float32
	}{{LevelAVX512, 16, peakAVX512}, {LevelAVX2, 8, peakAVX2}} {
		b.Run(width.level, func(b *testing.B) {
			setLevel(b, width.level) // fails where the processor lacks it
			for b.Loop() {
				width.run(rounds)
			}
			reportRate(b, rounds*chains*2*width.lanes, "GFLOP/s")
		})
	}
}

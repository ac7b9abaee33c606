package simd

import (
	"fmt"
	"testing"
)

// eachLevelBench runs a benchmark once for every implementation.
func eachLevelBench(b *testing.B, bench func(b *testing.B)) {
	for _, level := range Levels() {
		b.Run(level, func(b *testing.B) {
			setLevel(b, level)
			bench(b)
		})
	}
}

// reportRate reports how many billions of operations a second a benchmark did.
func reportRate(b *testing.B, perRound int, unit string) {
	b.ReportMetric(float64(perRound)*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
}

// BenchmarkGemmPanel multiplies as the encoder does: one matrix of several panels after the other, so that the panel comes
// from the second-level cache and the rows of a from the first or second.
func BenchmarkGemmPanel(b *testing.B) {
	for _, shape := range []struct{ m, k int }{{128, 384}, {128, 1536}, {12, 384}, {13, 384}, {1, 384}} {
		b.Run(fmt.Sprintf("m=%d,k=%d", shape.m, shape.k), func(b *testing.B) {
			eachLevelBench(b, func(b *testing.B) { benchGemm(b, shape.m, shape.k) })
		})
	}
}

func benchGemm(b *testing.B, m, k int) {
	const panels = 8
	r := newRand()
	a, w, bias := normal(m*k, r, 1), normal(panels*k*PanelWidth, r, 1), normal(PanelWidth, r, 1)
	c := make([]float32, m*panels*PanelWidth)
	for b.Loop() {
		for p := range panels {
			GemmPanel(c[p*PanelWidth:], panels*PanelWidth, a, k, w[p*k*PanelWidth:], bias, m, k)
		}
	}
	reportRate(b, 2*panels*m*k*PanelWidth, "GFLOP/s")
}

// BenchmarkGemmInt16 is BenchmarkGemmPanel with integers.
func BenchmarkGemmInt16(b *testing.B) {
	for _, shape := range []struct{ m, k int }{{128, 384}, {128, 1536}, {12, 384}, {1, 384}} {
		b.Run(fmt.Sprintf("m=%d,k=%d", shape.m, shape.k), func(b *testing.B) {
			eachLevelBench(b, func(b *testing.B) { benchGemmInt16(b, shape.m, shape.k) })
		})
	}
}

func benchGemmInt16(b *testing.B, m, k int) {
	const panels = 8
	r, groups := newRand(), Int16Groups(k)
	a := Int16Rows{groups, m, make([]int16, m*groups*Int16Group), make([]float32, m*groups)}
	for i := range m {
		a.Quantize(i, 0, normal(k, r, 1))
	}
	w := make([]int8, panels*groups*Int16Group*PanelWidth)
	for i := range w {
		w[i] = int8(r.IntN(255) - 127)
	}
	scales, bias, c := normal(groups*PanelWidth, r, 1), normal(PanelWidth, r, 1), make([]float32, m*panels*PanelWidth)
	for b.Loop() {
		for p := range panels {
			GemmInt16(c[p*PanelWidth:], panels*PanelWidth, a, w[p*groups*Int16Group*PanelWidth:], scales, bias, m)
		}
	}
	reportRate(b, 2*panels*m*k*PanelWidth, "Gop/s")
}

// BenchmarkGemmInt8 is the same in int8, and with more panels than a cache has room for: so a question meets the weights of a model.
func BenchmarkGemmInt8(b *testing.B) {
	for _, shape := range []struct{ m, k, panels int }{{128, 384, 8}, {128, 1536, 8}, {12, 384, 8}, {20, 384, 8}, {20, 384, 6000}} {
		b.Run(fmt.Sprintf("m=%d,k=%d,panels=%d", shape.m, shape.k, shape.panels), func(b *testing.B) {
			eachLevelBench(b, func(b *testing.B) { benchGemmInt8(b, shape.m, shape.k, shape.panels) })
		})
	}
}

func benchGemmInt8(b *testing.B, m, k, panels int) {
	r, groups := newRand(), Int8Groups(k)
	a := NewInt8Rows(m, k, nil)
	for i := range m {
		a.Quantize(i, 0, normal(k, r, 1))
	}
	size := groups * Int8Stored * PanelWidth
	w, starts := make([]int8, panels*size), make([]int32, panels*groups*PanelWidth)
	for i := range w {
		w[i] = int8(i*7%255 - 127)
	}
	scales, bias, c := normal(groups*PanelWidth, r, 1), normal(PanelWidth, r, 1), make([]float32, m*PanelWidth)
	for b.Loop() {
		for p := range panels {
			GemmInt8(c, PanelWidth, a, w[p*size:][:size], starts[p*groups*PanelWidth:], scales, bias, m)
		}
	}
	reportRate(b, 2*panels*m*k*PanelWidth, "Gop/s")
}

func BenchmarkQuantizeInt16(b *testing.B) {
	eachLevelBench(b, func(b *testing.B) {
		x := normal(384, newRand(), 1)
		a := Int16Rows{6, 1, make([]int16, 384), make([]float32, 6)}
		for b.Loop() {
			a.Quantize(0, 0, x)
		}
		reportRate(b, len(x), "Gvalue/s")
	})
}

func BenchmarkPackPanels(b *testing.B) {
	w := normal(384*384, newRand(), 1)
	dst := make([]float32, PanelsLen(384, 384))
	b.SetBytes(384 * 384 * 4)
	for b.Loop() {
		PackPanels(dst, w, 384, 384)
	}
}

func BenchmarkDot(b *testing.B) {
	for _, n := range []int{384, 387} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			eachLevelBench(b, func(b *testing.B) {
				x, y := normal(n, newRand(), 1), normal(n, newRand(), 1)
				for b.Loop() {
					Dot(x, y)
				}
				reportRate(b, 2*n, "GFLOP/s")
			})
		})
	}
}

func BenchmarkGELU(b *testing.B) {
	eachLevelBench(b, func(b *testing.B) {
		x, row := normal(1536, newRand(), 2), make([]float32, 1536)
		for b.Loop() {
			copy(row, x)
			GELU(row)
		}
		reportRate(b, len(x), "Gvalue/s")
	})
}

func BenchmarkSoftmax(b *testing.B) {
	eachLevelBench(b, func(b *testing.B) {
		x, row := normal(128, newRand(), 5), make([]float32, 128)
		for b.Loop() {
			copy(row, x)
			Softmax(row, 0.18)
		}
		reportRate(b, len(x), "Gvalue/s")
	})
}

func BenchmarkAddLayerNorm(b *testing.B) {
	eachLevelBench(b, func(b *testing.B) {
		r := newRand()
		x, residual := normal(384, r, 1), normal(384, r, 1)
		gamma, beta, dst := normal(384, r, 1), normal(384, r, 1), make([]float32, 384)
		for b.Loop() {
			AddLayerNorm(dst, x, residual, gamma, beta, 1e-12)
		}
		reportRate(b, len(x), "Gvalue/s")
	})
}

func BenchmarkDequantizeInt8(b *testing.B) {
	eachLevelBench(b, func(b *testing.B) {
		dst, q, scales := make([]float32, 384*32), make([]int8, 384*32), normal(384/2, newRand(), 1)
		for i := range q {
			q[i] = int8(i)
		}
		for b.Loop() {
			DequantizeInt8(dst, q, scales, 64)
		}
		reportRate(b, len(q), "Gvalue/s")
	})
}

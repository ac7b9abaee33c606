package simd

import (
	"fmt"
	"math"
	"testing"
)

// product is one call of GemmPanel with its operands.
type product struct {
	m, k, lda, ldc int
	c, a           []float32
	panel, bias    []float32
}

func (p product) run() { GemmPanel(p.c, p.ldc, p.a, p.lda, p.panel, p.bias, p.m, p.k) }

// check compares with float64, within the error of one chain of roundings, and sees that the gaps between the rows of c
// are untouched.
func (p product) check(t *testing.T) {
	t.Helper()
	for i := range p.m {
		for j := range PanelWidth {
			want, size := p.exact(i, j)
			got := float64(p.c[i*p.ldc+j])
			if !(math.Abs(got-want) <= size*ulp*float64(p.k+2)) {
				t.Fatalf("m=%d k=%d lda=%d ldc=%d: c[%d][%d] = %v, want %v", p.m, p.k, p.lda, p.ldc, i, j, got, want)
			}
		}
		if i == p.m-1 {
			return
		}
		for j, v := range p.c[i*p.ldc+PanelWidth : (i+1)*p.ldc] {
			if v != canary {
				t.Fatalf("m=%d k=%d ldc=%d: wrote between rows, at column %d", p.m, p.k, p.ldc, PanelWidth+j)
			}
		}
	}
}

// exact is one output and the sum of the magnitudes that made it.
func (p product) exact(i, j int) (value, size float64) {
	if p.bias != nil {
		value = float64(p.bias[j])
		size = math.Abs(value)
	}
	for t := range p.k {
		term := float64(p.a[i*p.lda+t]) * float64(p.panel[t*PanelWidth+j])
		value += term
		size += math.Abs(term)
	}
	return value, size
}

func gemmShapes(visit func(m, k int)) {
	for k := range 71 {
		for m := range 27 {
			visit(m, k)
		}
	}
	for _, k := range []int{384, 1536} {
		for _, m := range []int{1, 5, 7, 13, 26} {
			visit(m, k)
		}
	}
	visit(100, 384)
}

func TestGemmPanel(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		as, panels := newArena(t, 100*1540, canary), newArena(t, 1536*PanelWidth, canary)
		cs, biases := newArena(t, 8192, canary), newArena(t, 1024, canary)
		const edge = -1 // against the guard page that follows
		gemmShapes(func(m, k int) {
			p := product{m: m, k: k, lda: k + m%3, ldc: PanelWidth + k%4}
			p.c = cs.cut(max(0, (m-1)*p.ldc+PanelWidth)*min(m, 1), edge)
			p.a = as.place(max(0, (m-1)*p.lda+k)*min(m, 1), edge)
			p.panel = panels.place(k*PanelWidth, edge)
			fillNormal(p.a, r, 1)
			fillNormal(p.panel, r, 1)
			if (m+k)%2 == 0 {
				p.bias = biases.cut(PanelWidth, edge)
				fillNormal(p.bias, r, 1)
			}
			p.run()
			p.check(t)
			cs.check(t)
		})
	})
}

// TestGemmPanelBatch holds that a row's result has the same bits whatever the other rows are.
func TestGemmPanelBatch(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for _, k := range []int{3, 64, 385} {
			const rows = 60
			a, panel, bias := normal(rows*k, r, 1), normal(k*PanelWidth, r, 1), normal(PanelWidth, r, 1)
			alone := make([]float32, rows*PanelWidth)
			for i := range rows {
				GemmPanel(alone[i*PanelWidth:], PanelWidth, a[i*k:], k, panel, bias, 1, k)
			}
			for m := range rows + 1 {
				got := make([]float32, rows*PanelWidth)
				GemmPanel(got, PanelWidth, a, k, panel, bias, m, k)
				sameBits(t, fmt.Sprintf("m=%d k=%d", m, k), got[:m*PanelWidth], alone[:m*PanelWidth])
			}
		}
	})
}

// TestGemmPanelLevels holds that both widths of assembly give the same bits.
func TestGemmPanelLevels(t *testing.T) {
	levels := Levels()
	if len(levels) < 3 {
		t.Skipf("this machine has only %q", levels)
	}
	r := newRand()
	for _, k := range []int{1, 50, 384, 1536} {
		a, panel, bias := normal(29*k, r, 1), normal(k*PanelWidth, r, 1), normal(PanelWidth, r, 1)
		var results [2][]float32
		for i, level := range levels[:2] {
			restore, err := SetLevel(level)
			if err != nil {
				t.Fatal(err)
			}
			results[i] = make([]float32, 29*PanelWidth)
			GemmPanel(results[i], PanelWidth, a, k, panel, bias, 29, k)
			restore()
		}
		sameBits(t, fmt.Sprintf("k=%d", k), results[0], results[1])
	}
}

func sameBits(t *testing.T, name string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: output %d is %v, want the bits of %v", name, i, got[i], want[i])
		}
	}
}

// TestPackedProduct multiplies with whole matrices through PackPanels, whose last panel may be partly empty.
func TestPackedProduct(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		for _, n := range []int{1, 31, 32, 33, 64, 100} {
			for _, k := range []int{1, 7, 64} {
				checkPacked(t, n, k, normal(9*k, r, 1), normal(n*k, r, 1))
			}
		}
	})
}

func checkPacked(t *testing.T, n, k int, a, w []float32) {
	t.Helper()
	const m = 9
	packed := normal(PanelsLen(n, k), newRand(), 1) // what was there before must not matter
	PackPanels(packed, w, n, k)
	ldc := PanelsLen(n, 1)
	c := make([]float32, m*ldc)
	for j := 0; j < ldc; j += PanelWidth {
		GemmPanel(c[j:], ldc, a, k, packed[j*k:(j+PanelWidth)*k], nil, m, k)
	}
	for i := range m {
		for j := range ldc {
			want, size := 0.0, 0.0
			for x := 0; x < k && j < n; x++ {
				term := float64(a[i*k+x]) * float64(w[j*k+x])
				want += term
				size += math.Abs(term)
			}
			if got := float64(c[i*ldc+j]); !(math.Abs(got-want) <= size*ulp*float64(k+2)) {
				t.Fatalf("n=%d k=%d: c[%d][%d] = %v, want %v", n, k, i, j, got, want)
			}
		}
	}
}

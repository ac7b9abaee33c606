package main

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestPairedAgainstTheNormalInterval compares the bootstrap with mean ± 1.96 standard errors, which it must be near for many
// questions.
func TestPairedAgainstTheNormalInterval(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	a, b := make([]float64, 800), make([]float64, 800)
	sum, squares := 0.0, 0.0
	for i := range a {
		b[i] = random.Float64()
		a[i] = b[i]
		if i%4 > 0 {
			a[i] += 0.02 + 0.1*random.NormFloat64()
		}
		sum += a[i] - b[i]
		squares += (a[i] - b[i]) * (a[i] - b[i])
	}
	n := float64(len(a))
	mean := sum / n
	half := 1.96 * math.Sqrt((squares/n-mean*mean)/n)
	d := paired(a, b)
	if math.Abs(d.mean-mean) > 1e-12 || math.Abs(d.low-(mean-half)) > half/10 || math.Abs(d.high-(mean+half)) > half/10 {
		t.Errorf("%+v, want %v ± %v", d, mean, half)
	}
	if d.ties != 200 || d.wins+d.losses != 600 || d.wins < d.losses {
		t.Errorf("%+v", d)
	}
	if back := paired(b, a); back.wins != d.losses || math.Abs(back.mean+d.mean) > 1e-12 {
		t.Errorf("the other way round: %+v", back)
	}
}

package simd

import (
	"math"
	"testing"
)

func exactSoftmax(x []float32, scale float64) []float64 {
	out := make([]float64, len(x))
	top, sum := math.Inf(-1), 0.0
	for _, v := range x {
		top = max(top, float64(v))
	}
	if math.IsInf(top, -1) {
		return out
	}
	for i, v := range x {
		out[i] = math.Exp(scale * (float64(v) - top))
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// softmaxError is the largest absolute error of Softmax on x, which it overwrites.
func softmaxError(x []float32, scale float32) float64 {
	want := exactSoftmax(x, float64(scale))
	Softmax(x, scale)
	worst := 0.0
	for i := range x {
		err := math.Abs(float64(x[i]) - want[i])
		if math.IsNaN(err) {
			return math.Inf(1)
		}
		worst = max(worst, err)
	}
	return worst
}

func TestSoftmax(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := newRand()
		xs := newArena(t, 1024, canary)
		worst := 0.0
		eachPlace(func(n, offset int) {
			for _, deviation := range []float64{0.1, 5, 100} {
				x := xs.cut(n, offset)
				fillNormal(x, r, deviation)
				if n > 3 {
					x[r.IntN(n)] = float32(math.Inf(-1))
				}
				err := softmaxError(x, 0.7)
				if err > 4e-7 {
					t.Fatalf("n=%d offset=%d deviation=%v: error %.3g", n, offset, deviation, err)
				}
				worst = max(worst, err)
				xs.check(t)
			}
		})
		t.Logf("largest absolute error of a weight %.3g", worst)
	})
}

func TestSoftmaxSpecial(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	const most = math.MaxFloat32
	cases := []struct {
		name    string
		x, want []float32
	}{
		{"masked", []float32{-inf, 1, -inf, 1}, []float32{0, 0.5, 0, 0.5}},
		{"all masked", []float32{-inf, -inf}, []float32{0, 0}},
		{"masked and huge", []float32{-inf, most, -most, most}, []float32{0, 0.5, 0, 0.5}},
		{"very negative", []float32{-most, -most}, []float32{0.5, 0.5}},
		{"far below", []float32{0, -125, -10000}, []float32{1, 0, 0}},
		{"not a number", []float32{1, nan, 2}, []float32{nan, nan, nan}},
		{"not a number and masked", []float32{nan, -inf, -inf}, []float32{nan, nan, nan}},
		{"infinite", []float32{1, inf, 2}, []float32{nan, nan, nan}},
	}
	eachLevel(t, func(t *testing.T) {
		for _, c := range cases {
			for _, scale := range []float32{1, 8} {
				x := append([]float32(nil), c.x...)
				Softmax(x, scale)
				for i := range x {
					nans := math.IsNaN(float64(x[i])) && math.IsNaN(float64(c.want[i]))
					if !nans && !(math.Abs(float64(x[i]-c.want[i])) < 1e-7) {
						t.Errorf("%s: got %v, want %v", c.name, x, c.want)
						break
					}
				}
			}
		}
	})
}

// TestExp2Error measures the polynomial itself: the largest error of 2^v relative to the truth.
func TestExp2Error(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const points = 1 << 20
		x := make([]float32, points)
		for i := range x {
			x[i] = -126 * float32(i) / points
		}
		before := append([]float32(nil), x...)
		rowExpSum(x, 1, 0)
		worst := 0.0
		for i, v := range before {
			want := math.Exp2(float64(v))
			worst = max(worst, math.Abs(float64(x[i])-want)/want)
		}
		t.Logf("largest relative error %.3g", worst)
		if !(worst < 2e-7) {
			t.Errorf("largest relative error %.3g, want less than 2e-7", worst)
		}
	})
}

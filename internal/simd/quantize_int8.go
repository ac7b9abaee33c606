package simd

import "math"

// Quantize turns activations into values of row i of a, from group first on, with a scale and a zero for each 64:
//
//	x[t] ≈ (value of x[t] - zero of its group) · scale of its group
//
// The values of a group have 254 steps between its least and its largest, or 0: where all have one sign, as after an activation, twice
// as many as if as much were left for the other. (The scheme is that of Jacob et al. 2018, "Quantization and Training of Neural
// Networks for Efficient Integer-Arithmetic-Only Inference".)
//
// A wide value does not count for the scale but with a fifth, and is the sum of five. What is missing from the last group
// counts as zero. A group with a value that is not finite gets a scale that is not finite, so that whatever is multiplied with
// it shows it. All levels give the same bits. It panics if x does not fit.
//
// While it works it changes wide values of x, which at the end is what it was.
func (a Int8Rows) Quantize(i, first int, x []float32) {
	groups := Int8Groups(len(x))
	if i < 0 || i >= a.Stride || first < 0 || first+groups > a.Groups {
		panic("simd: Quantize: the values do not fit into the row")
	}
	if a.Wide == nil {
		a.quantize(i, first, x)
		return
	}
	var kept [16]float32
	for ; len(x) > 0; first += len(kept) {
		part := x[:min(len(x), len(kept)*Int8Group)]
		wide := a.Wide[first:][:Int8Groups(len(part))]
		for g, at := range wide {
			if place := g*Int8Group + int(at); at >= 0 && place < len(part) {
				kept[g] = part[place]
				part[place] /= wideParts
			}
		}
		a.quantize(i, first, part)
		for g, at := range wide {
			if place := g*Int8Group + int(at); at >= 0 && place < len(part) {
				part[place] = kept[g]
				values := a.Values[(i*a.Groups+first+g)*Int8Stored:]
				scale := (first+g)*a.Stride + i
				spreadWide((*[Int8Stored]uint8)(values), int(at), kept[g], a.Scales[scale], a.Zeros[scale])
			}
		}
		x = x[len(part):]
	}
}

// wideParts is in how many parts a wide value is kept.
const wideParts = 1 + spareInt8

// quantize is Quantize without wide values.
func (a Int8Rows) quantize(i, first int, x []float32) {
	groups, whole := Int8Groups(len(x)), len(x)/Int8Group
	if groups == 0 {
		return
	}
	values, at := a.Values[(i*a.Groups+first)*Int8Stored:][:groups*Int8Stored], first*a.Stride+i
	quantizeInt8Groups(values, a.Scales[at:], a.Zeros[at:], a.Stride, x, whole)
	if whole < groups {
		var last [Int8Group]float32
		copy(last[:], x[whole*Int8Group:])
		at += whole * a.Stride
		quantizeInt8Groups(values[whole*Int8Stored:], a.Scales[at:], a.Zeros[at:], 1, last[:], 1)
	}
}

// spreadWide sets a wide value: its place and the spare ones have a fifth each, and some of them one more.
func spreadWide(values *[Int8Stored]uint8, at int, x, scale float32, zero int32) {
	if scale == 0 || scale-scale != 0 {
		return
	}
	q := math.RoundToEven(float64(x / scale))
	whole := int32(max(-wideParts*float64(zero), min(wideParts*float64(math.MaxUint8-zero), q))) + wideParts*zero // not negative
	for t := range values[Int8Group:] {
		values[Int8Group+t] = uint8((whole + int32(t)) / wideParts)
	}
	values[at] = uint8((whole + spareInt8) / wideParts)
}

// quantizeInt8Groups quantises groups that are whole and have no wide value.
func quantizeInt8Groups(values []uint8, scales []float32, zeros []int32, stride int, x []float32, groups int) {
	if groups == 0 {
		return
	}
	last := (groups - 1) * stride
	scales, zeros = scales[:last+1], zeros[:last+1]
	switch {
	case hasAVX512:
		quantizeInt8AVX512(&values[0], &scales[0], &zeros[0], stride, &x[0], groups)
	case hasAVX2:
		quantizeInt8AVX2(&values[0], &scales[0], &zeros[0], stride, &x[0], groups)
	default:
		for g := range groups {
			scales[g*stride], zeros[g*stride] = quantizeInt8((*[Int8Group]uint8)(values[g*Int8Stored:]), x[g*Int8Group:][:Int8Group])
		}
	}
}

// quantizeInt8 quantises one group and returns its scale and its zero.
func quantizeInt8(q *[Int8Group]uint8, x []float32) (scale float32, zero int32) {
	half, least := halfRange(x)
	if half < tinyGroup {
		for t := range q {
			q[t] = 1
		}
		return 0, 1
	}
	if half-half != 0 {
		return half, 0
	}
	inverse := quantizeConstants[2] / half
	zero = 1 - int32(least*inverse) // rounded up: a wide value takes five times as much
	for t, v := range x {
		q[t] = uint8(int32(math.RoundToEven(float64(v*inverse))) + zero)
	}
	return half * quantizeConstants[3], zero
}

// halfRange is half of how far the largest and the smallest value, or zero, are apart, which is no number where a value is not finite; and
// the smallest.
func halfRange(x []float32) (half, least float32) {
	var most float32
	for _, v := range x {
		most, least = max(most, v), min(least, v)
	}
	half = quantizeConstants[5]*most - quantizeConstants[5]*least
	if half-half != 0 {
		half = float32(math.NaN())
	}
	return half, least
}

package simd

import "math"

// Quantize turns activations into values of row i of a, from group first on, with a scale for each 64:
//
//	x[t] ≈ (value of x[t] - 128) · scale of its group, with |value - 128| ≤ 127 at the group's largest
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
				spreadWide((*[Int8Stored]uint8)(values), int(at), kept[g], a.Scales[(first+g)*a.Stride+i])
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
	values, scales := a.Values[(i*a.Groups+first)*Int8Stored:][:groups*Int8Stored], a.Scales[first*a.Stride+i:]
	quantizeInt8Groups(values, scales[:(groups-1)*a.Stride+1], a.Stride, x, whole)
	if whole < groups {
		var last [Int8Group]float32
		copy(last[:], x[whole*Int8Group:])
		quantizeInt8Groups(values[whole*Int8Stored:], scales[whole*a.Stride:], 1, last[:], 1)
	}
}

// spreadWide sets a wide value: what the spare values have of it is a fifth, rounded away from zero, and its own place has the
// rest.
func spreadWide(values *[Int8Stored]uint8, at int, x, scale float32) {
	if scale == 0 || scale-scale != 0 {
		return
	}
	q := math.RoundToEven(float64(x / scale))
	whole := int(max(-wideParts*int8Top, min(wideParts*int8Top, q)))
	part := (whole + wideParts - 1) / wideParts
	if whole < 0 {
		part = (whole - wideParts + 1) / wideParts
	}
	for t := range spareInt8 {
		values[Int8Group+t] = uint8(zeroInt8 + part)
	}
	values[at] = uint8(zeroInt8 + whole - spareInt8*part)
}

// quantizeInt8Groups quantises groups that are whole and have no wide value.
func quantizeInt8Groups(values []uint8, scales []float32, stride int, x []float32, groups int) {
	switch {
	case groups == 0:
	case hasAVX512:
		quantizeInt8AVX512(&values[0], &scales[0], stride, &x[0], groups)
	case hasAVX2:
		quantizeInt8AVX2(&values[0], &scales[0], stride, &x[0], groups)
	default:
		for g := range groups {
			scales[g*stride] = quantizeInt8((*[Int8Stored]uint8)(values[g*Int8Stored:]), x[g*Int8Group:][:Int8Group])
		}
	}
}

// quantizeInt8 quantises one group and returns its scale. The largest magnitude is found among the bits, where what is not
// finite is the largest of all.
func quantizeInt8(q *[Int8Stored]uint8, x []float32) float32 {
	var bits uint32
	for _, v := range x {
		bits = max(bits, math.Float32bits(v)&^(1<<31))
	}
	for t := range q {
		q[t] = zeroInt8
	}
	top := math.Float32frombits(bits)
	if top < tinyGroup {
		return 0
	}
	if inverse := quantizeConstants[2] / top; top-top == 0 {
		for t, v := range x {
			q[t] = uint8(int(math.RoundToEven(float64(v*inverse))) + zeroInt8)
		}
	}
	return top * quantizeConstants[3]
}

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	groupFours = 16                   // steps of four values in a group
	int8Stored = 4 * (groupFours + 1) // bytes of a group in a row, with the spare ones
)

// gemmInt8 is gemmInt16 for int8: a step multiplies four values of a row with four rows of the panel. The activations are
// bytes without sign, as VPDPBUSD wants them, and zero is one of them, another in each group; so the sums begin at minus
// that times the sum of the weights, which was computed when those were packed. VPMADDUBSW of AVX2 would saturate with such values: there
// the activations lose 128 and give their signs to the weights.
//
// What it has to gain, for 12 rows and a group: 17 steps of 24 VPDPBUSD, and 108 instructions for the scales and zeros, are 516 for the
// vector units, where gemmInt16 has 32 steps of 24 VPDPWSSD and 72 for the scales: 840, which is 1.6 times as many. It reads 68
// bytes of weights where that reads 128.
func gemmInt8(t *target) {
	t.function("gemmInt8", "func(c *float32, ldc int, a *uint8, aScales *float32, aZeros *int32, aStride int, panel *int8, starts *int32, scales, bias *float32, m, groups int)")
	g := &int8Emitter{integerEmitter: integerEmitter{gemmEmitter{target: t, rows: 12}}}
	if !t.wide() {
		g.rows = 4
		g.one, g.offset = t.wordOnes(), t.byteOffset()
	}
	g.c, g.a, g.m = t.value("c"), t.value("a"), t.value("m")
	g.ldc, g.lda = t.value("ldc"), t.value("groups")
	t.SHLQ(operand.Imm(2), g.ldc)
	t.IMUL3Q(operand.U32(int8Stored), g.lda, g.lda)
	g.dispatch(func(rows int) { g.block(rows, g.group) })
}

type int8Emitter struct {
	integerEmitter
	one, offset reg.VecVirtual // for AVX2: 1 in each word, 128 in each byte
}

// wordOnes has 1 in each word.
func (t *target) wordOnes() reg.VecVirtual {
	v := t.vec()
	t.ones(v)
	t.VPSRLW(operand.Imm(15), v, v)
	return v
}

// byteOffset has 128 in each byte.
func (t *target) byteOffset() reg.VecVirtual {
	v := t.vec()
	t.ones(v)
	t.VPABSB(v, v)
	t.VPSLLW(operand.Imm(7), v, v)
	return v
}

// group multiplies a group of each row with its part of the panel, the spare values at the end.
func (g *int8Emitter) group(rows int, at groupPlace) [][2]reg.VecVirtual {
	sums, steps := g.startSums(rows, at), g.GP64()
	g.MOVQ(operand.U32(groupFours), steps)
	g.loop(string(label("rows%d_fours", rows)), steps, unroll, func() {
		for i := range unroll {
			g.step(sums, at, i)
		}
		g.advance(at.rows, at.panel, unroll)
	})
	g.step(sums, at, 0)
	g.advance(at.rows, at.panel, 1)
	return sums
}

// startSums are what takes back that zero is not 0, or, for AVX2, not 128. starts lie as the scales of the panel do, the rows' zeros as
// theirs.
func (g *int8Emitter) startSums(rows int, at groupPlace) [][2]reg.VecVirtual {
	starts, zeros := g.beside(at.scales, "starts", "scales"), g.beside(at.rowScales, "aZeros", "aScales")
	var weights [2]reg.VecVirtual
	for half := range weights {
		weights[half] = g.vec()
		g.VMOVUPS(operand.Mem{Base: starts, Disp: half * g.bytes()}, weights[half])
	}
	middle := g.vec()
	if !g.wide() {
		g.VPSRLD(operand.Imm(24), g.offset, middle)
	}
	sums := make([][2]reg.VecVirtual, rows)
	for i := range sums {
		zero := g.vec()
		g.VPBROADCASTD(operand.Mem{Base: zeros, Disp: 4 * i}, zero)
		if !g.wide() {
			g.VPSUBD(middle, zero, zero)
		}
		for half := range sums[i] {
			sums[i][half] = g.vec()
			g.VPMADDWD(weights[half], zero, sums[i][half])
		}
	}
	return sums
}

// beside is where a parameter lies that is laid out as another, at which a pointer moves.
func (g *int8Emitter) beside(pointer reg.GPVirtual, param, other string) reg.GPVirtual {
	p := g.value(param)
	g.SUBQ(g.value(other), p)
	g.ADDQ(pointer, p)
	return p
}

// step adds the products of four values of each row with four rows of the weights.
func (g *int8Emitter) step(sums [][2]reg.VecVirtual, at groupPlace, i int) {
	var weights [2]reg.VecVirtual
	for half := range weights {
		weights[half] = g.vec()
		disp := i*panelBytes + half*g.bytes()
		g.PREFETCHT0(operand.Mem{Base: at.panel, Disp: disp + panelAhead})
		g.VMOVUPS(operand.Mem{Base: at.panel, Disp: disp}, weights[half])
	}
	for row, s := range sums {
		values := g.vec()
		g.VPBROADCASTD(g.at(at.rows, row, pairBytes*i), values)
		if g.wide() {
			g.addProducts("VPDPBUSD", weights[0], values, s[0])
			g.addProducts("VPDPBUSD", weights[1], values, s[1])
			continue
		}
		magnitudes := g.vec()
		g.VPXOR(g.offset, values, values)
		g.VPABSB(values, magnitudes)
		for half, w := range weights {
			products := g.vec()
			g.VPSIGNB(values, w, products)
			g.VPMADDUBSW(products, magnitudes, products)
			g.VPMADDWD(g.one, products, products)
			g.VPADDD(products, s[half], s[half])
		}
	}
}

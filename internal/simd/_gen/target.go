package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// target emits one operation for one vector width, so that each operation is written once.
type target struct {
	*build.Context
	suffix string // of the functions' names
	lanes  int    // float32 values in a vector: 16 (AVX-512) or 8 (AVX2)
	masks  *operand.Mem
}

func (t *target) wide() bool { return t.lanes == 16 }

// bytes is the size of a vector.
func (t *target) bytes() int { return t.lanes * 4 }

// function starts the assembly of simd.name followed by the suffix.
func (t *target) function(name, signature string) {
	t.Function(name + t.suffix)
	t.Attributes(attr.NOSPLIT)
	t.Pragma("noescape")
	t.SignatureExpr(signature)
}

// end returns from the function. Leaving the upper halves dirty would slow down code that uses SSE, as Go does.
func (t *target) end() {
	t.VZEROUPPER()
	t.RET()
}

func (t *target) vec() reg.VecVirtual {
	if t.wide() {
		return t.ZMM()
	}
	return t.YMM()
}

func (t *target) zero() reg.VecVirtual {
	v := t.vec()
	if t.wide() {
		t.VPXORD(v, v, v)
	} else {
		t.VXORPS(v, v, v)
	}
	return v
}

// base and length load the parts of a slice parameter.
func (t *target) base(param string) reg.GPVirtual {
	r := t.GP64()
	t.Load(t.Param(param).Base(), r)
	return r
}

func (t *target) length(param string) reg.GPVirtual {
	r := t.GP64()
	t.Load(t.Param(param).Len(), r)
	return r
}

func (t *target) value(param string) reg.GPVirtual {
	r := t.GP64()
	t.Load(t.Param(param), r)
	return r
}

// spread fills a vector with a float32 parameter.
func (t *target) spread(param string) reg.VecVirtual {
	x := t.XMM()
	t.Load(t.Param(param), x)
	return t.spreadLow(x)
}

// spreadLow fills a vector with the lowest lane of x.
func (t *target) spreadLow(x reg.VecVirtual) reg.VecVirtual {
	v := t.vec()
	t.VBROADCASTSS(x.AsX(), v)
	return v
}

// global is element i of the array of float32 that package simd holds in the variable name.
func global(name string, i int) operand.Mem {
	return operand.NewDataAddr(operand.Symbol{Name: "·" + name}, 4*i)
}

func (t *target) constant(name string, i int) reg.VecVirtual {
	v := t.vec()
	t.VBROADCASTSS(global(name, i), v)
	return v
}

// horner evaluates the polynomial in u whose n coefficients, from the constant up, are elements first, first+1, … of a
// variable of package simd.
func (t *target) horner(u reg.VecVirtual, name string, first, n int) reg.VecVirtual {
	p := t.constant(name, first+n-1)
	for i := first + n - 2; i >= first; i-- {
		if t.wide() {
			t.VFMADD213PS_BCST(global(name, i), u, p)
		} else {
			t.VFMADD213PS(t.constant(name, i), u, p)
		}
	}
	return p
}

// sum adds the lanes of v into its lowest one.
func (t *target) sum(v reg.VecVirtual) reg.VecVirtual { return t.reduce(v, t.VADDPS) }

// maximum leaves the largest lane of v in the lowest one.
func (t *target) maximum(v reg.VecVirtual) reg.VecVirtual { return t.reduce(v, t.VMAXPS) }

func (t *target) reduce(v reg.VecVirtual, op func(...operand.Op)) reg.VecVirtual {
	high, low := t.YMM(), t.XMM()
	if t.wide() {
		t.VEXTRACTF64X4(operand.U8(1), v, high)
		op(high, v.AsY(), v.AsY())
	}
	t.VEXTRACTF128(operand.U8(1), v.AsY(), low)
	op(low, v.AsX(), low)
	t.VMOVHLPS(low, low, high.AsX())
	op(high.AsX(), low, low)
	t.VMOVSHDUP(low, high.AsX())
	op(high.AsX(), low, low)
	return low
}

// loop repeats body while n is at least step, and subtracts step each time.
func (t *target) loop(label string, n reg.GPVirtual, step int, body func()) {
	t.CMPQ(n, operand.I32(step))
	t.JLT(operand.LabelRef(label + "_done"))
	t.Label(label)
	body()
	t.SUBQ(operand.I32(step), n)
	t.CMPQ(n, operand.I32(step))
	t.JGE(operand.LabelRef(label))
	t.Label(label + "_done")
}

// each emits body for every vector of a row of n values: unroll vectors at a time, then one at a time, then the rest under
// a mask. It uses up n and moves the pointers along; body is told which of the unrolled copies it is.
func (t *target) each(label string, n reg.GPVirtual, unroll int, pointers []reg.GPVirtual, body func(copy int, at place)) {
	move := func(bytes int) {
		for _, p := range pointers {
			t.ADDQ(operand.I32(bytes), p)
		}
	}
	if unroll > 1 {
		t.loop(label+"_many", n, unroll*t.lanes, func() {
			for i := range unroll {
				body(i, place{target: t, disp: i * t.bytes()})
			}
			move(unroll * t.bytes())
		})
	}
	t.loop(label+"_one", n, t.lanes, func() {
		body(0, place{target: t})
		move(t.bytes())
	})
	t.TESTQ(n, n)
	t.JZ(operand.LabelRef(label + "_end"))
	body(unroll-1, place{target: t, mask: t.tailMask(n)})
	t.Label(label + "_end")
}

// tailMask selects the n lowest lanes: a mask register, or for AVX2 a vector whose lanes are -1 or 0.
func (t *target) tailMask(n reg.GPVirtual) reg.Register {
	if t.wide() {
		bits, k := t.GP32(), t.K()
		t.MOVQ(n, reg.RCX)
		t.MOVL(operand.U32(1), bits)
		t.SHLL(reg.CL, bits)
		t.DECL(bits)
		t.KMOVW(bits, k)
		return k
	}
	at, back, mask := t.GP64(), t.GP64(), t.YMM()
	t.LEAQ(t.maskTable(), at)
	t.MOVQ(n, back)
	t.NEGQ(back)
	t.VMOVDQU(operand.Mem{Base: at, Disp: 32, Index: back, Scale: 4}, mask)
	return mask
}

// maskTable is eight lanes of -1 followed by eight of 0: a window into it is a mask.
func (t *target) maskTable() operand.Mem {
	if t.masks == nil {
		table := t.StaticGlobal("tailMask")
		t.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 4 {
			t.AddDatum(8*i, operand.U64(math.MaxUint64))
		}
		for i := range 4 {
			t.AddDatum(32+8*i, operand.U64(0))
		}
		t.masks = &table
	}
	return *t.masks
}

// place is one vector of a row: whole, or the tail under a mask, which neither reads nor writes beyond the row.
type place struct {
	*target
	disp int
	mask reg.Register
}

func (p place) at(pointer reg.GPVirtual) operand.Mem {
	return operand.Mem{Base: pointer, Disp: p.disp}
}

// load reads the vector; lanes beyond the row are zero.
func (p place) load(pointer reg.GPVirtual) reg.VecVirtual {
	v := p.vec()
	switch {
	case p.mask == nil:
		p.VMOVUPS(p.at(pointer), v)
	case p.wide():
		p.VMOVUPS_Z(p.at(pointer), p.mask, v)
	default:
		p.VMASKMOVPS(p.at(pointer), p.mask, v)
	}
	return v
}

// loadOr reads the vector; lanes beyond the row are those of fill.
func (p place) loadOr(pointer reg.GPVirtual, fill reg.VecVirtual) reg.VecVirtual {
	v := p.load(pointer)
	switch {
	case p.mask == nil:
	case p.wide():
		whole := p.vec()
		p.VBLENDMPS(v, fill, p.mask, whole)
		return whole
	default:
		p.VBLENDVPS(p.mask, v, fill, v)
	}
	return v
}

func (p place) store(v reg.VecVirtual, pointer reg.GPVirtual) {
	switch {
	case p.mask == nil:
		p.VMOVUPS(v, p.at(pointer))
	case p.wide():
		p.VMOVUPS(v, p.mask, p.at(pointer))
	default:
		p.VMASKMOVPS(v, p.mask, p.at(pointer))
	}
}

func label(format string, args ...any) operand.LabelRef {
	return operand.LabelRef(fmt.Sprintf(format, args...))
}

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	tileBytes  = 1024
	rowBytes   = 64 // a row of a tile
	blockRows  = 32
	blockBytes = blockRows * panelBytes // of sums
)

var (
	line      = reg.R10 // holds rowBytes: rows of a group
	panelLine = reg.R11 // holds panelBytes: rows of sums
)

// z is a 512-bit register by its number.
func z(i int) reg.VecPhysical {
	return []reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	}[i]
}

func (t *target) into(param string, r reg.Register) { t.Load(t.Param(param), r) }

// parameter is the place of a parameter in memory.
func (t *target) parameter(name string) operand.Op {
	at, err := t.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return at.Addr
}

// startTiles configures all tiles as 16 rows of 64 bytes. They belong to this call: the goroutine may be on another thread at the
// next.
func (t *target) startTiles() {
	t.LEAQ(operand.NewDataAddr(operand.Symbol{Name: "·tileConfig"}, 0), reg.RAX)
	t.configureTiles(reg.RAX)
	t.MOVQ(operand.U32(rowBytes), line)
	t.MOVQ(operand.U32(panelBytes), panelLine)
}

// tileProduct emits the part that the products have in common: blocks of 32 rows with four tiles of sums, then one of 16 with
// two. For each four products a block reads two tiles of a, which stream from the second-level cache, and two of the panel,
// which stays in the first. In each step along k it also fetches two lines of the next panel, so that 16 blocks of 12 steps fetch 24 KB,
// which is the whole of it.
//
//	BX panel, DX bytes from group to group, SI a, R9 rows left, R12, R13 cursors in a and the panel, R15 the next panel
type tileProduct struct {
	*target
	start func(rows int) // puts the first sums into tiles
	step  func(label string)
	store func(rows int)
}

func (p *tileProduct) emit() {
	p.into("a", reg.RSI)
	p.into("stride", reg.RDX)
	p.into("panel", reg.RBX)
	p.into("next", reg.R15)
	p.into("rows", reg.R9)
	p.Label("block")
	p.CMPQ(reg.R9, operand.Imm(tileRows))
	p.JLE(operand.LabelRef("narrow"))
	p.block("wide", 2)
	p.ADDQ(operand.I32(2*tileBytes), reg.RSI)
	p.SUBQ(operand.Imm(blockRows), reg.R9)
	p.JG(operand.LabelRef("block"))
	p.JMP(operand.LabelRef("end"))
	p.Label("narrow")
	p.block("tall", 1)
	p.Label("end")
}

const tileRows = 16

// block computes one or two tiles of rows.
func (p *tileProduct) block(name string, tiles int) {
	p.start(tiles)
	p.MOVQ(reg.RSI, reg.R12)
	p.MOVQ(reg.RBX, reg.R13)
	p.into("groups", reg.RAX)
	p.Label(name)
	p.streamTile(tileAt{reg.R12, line, 0}, 4)
	p.loadTile(tileAt{reg.R13, line, 0}, 6)
	p.multiplyTiles(4, 6, 0)
	p.loadTile(tileAt{reg.R13, line, tileBytes}, 7)
	p.multiplyTiles(4, 7, 1)
	if tiles > 1 {
		p.streamTile(tileAt{reg.R12, line, tileBytes}, 5)
		p.multiplyTiles(5, 6, 2)
		p.multiplyTiles(5, 7, 3)
	}
	p.PREFETCHT1(operand.Mem{Base: reg.R15})
	p.PREFETCHT1(operand.Mem{Base: reg.R15, Disp: rowBytes})
	p.step(name)
	p.ADDQ(reg.RDX, reg.R12)
	p.ADDQ(operand.I32(2*tileBytes), reg.R13)
	p.ADDQ(operand.I32(2*rowBytes), reg.R15)
	p.DECQ(reg.RAX)
	p.JNZ(operand.LabelRef(name))
	p.store(tiles)
}

// sumPlaces are those of the tiles of sums in rows of 32 values: tile 2i+j has rows 16i and columns 16j on.
func sumPlaces(base reg.Physical, tiles int) []tileAt {
	var places []tileAt
	for i := range tiles {
		places = append(places, tileAt{base, panelLine, i * tileRows * panelBytes}, tileAt{base, panelLine, i*tileRows*panelBytes + rowBytes})
	}
	return places
}

// startBias loads the bias, one row for all, without any arithmetic.
func (p *tileProduct) startBias(bias reg.Physical, tiles int) {
	for i := range 2 * tiles {
		p.loadTile(tileAt{base: bias, disp: i % 2 * rowBytes}, i)
	}
}

// tileGemm leaves the sums as they are, in rows of c.
func tileGemm(t *target) {
	t.amxFunction("tileGemm", "func(c *float32, a *uint16, stride int, panel, next *uint16, bias *float32, groups, rows int)")
	t.startTiles()
	t.into("c", reg.RDI)
	t.into("bias", reg.R8)
	p := &tileProduct{target: t, step: func(string) {}}
	p.start = func(tiles int) {
		name := label("sums%d", tiles)
		t.TESTQ(reg.R8, reg.R8)
		t.JZ(name)
		p.startBias(reg.R8, tiles)
		t.JMP(name + "_ready")
		t.Label(string(name))
		for i, at := range sumPlaces(reg.RDI, tiles) {
			t.loadTile(at, i)
		}
		t.Label(string(name + "_ready"))
	}
	p.store = func(tiles int) {
		for i, at := range sumPlaces(reg.RDI, tiles) {
			t.storeTile(i, at)
		}
		t.ADDQ(operand.I32(blockBytes), reg.RDI)
	}
	p.emit()
	t.releaseTiles()
	t.RET()
}

// roundedRows is how many rows of the block before are rounded in each step along k, which hides them behind the products.
const roundedRows = 4

// tileGemmRound stores the tiles of sums in a buffer of one block. Vectors round it in the course of the next block: CX is where
// they are in the buffer, R8 how many rows are left, DI where they write.
func tileGemmRound(t *target, name string, activate func(v int)) {
	t.amxFunction(name, "func(dst, a *uint16, stride int, panel, next *uint16, bias *float32, groups, rows int, sums *float32)")
	t.startTiles()
	t.into("dst", reg.RDI)
	t.into("sums", reg.R14)
	t.XORQ(reg.R8, reg.R8)
	p := &tileProduct{target: t}
	p.start = func(tiles int) {
		t.into("bias", reg.RAX)
		p.startBias(reg.RAX, tiles)
	}
	p.step = func(name string) {
		skip := operand.LabelRef(name + "_skip")
		t.TESTQ(reg.R8, reg.R8)
		t.JZ(skip)
		t.roundRows(activate)
		t.Label(string(skip))
	}
	p.store = func(tiles int) {
		t.roundRest(string(label("rest%d", tiles)), activate)
		for i, at := range sumPlaces(reg.R14, tiles) {
			t.storeTile(i, at)
		}
		t.MOVQ(reg.R14, reg.RCX)
		t.MOVQ(operand.U32(uint32(tiles*tileRows)), reg.R8)
	}
	p.emit()
	t.roundRest("last", activate)
	t.releaseTiles()
	t.end()
}

func (t *target) roundRest(name string, activate func(v int)) {
	t.Label(name)
	t.TESTQ(reg.R8, reg.R8)
	t.JZ(operand.LabelRef(name + "_done"))
	t.roundRows(activate)
	t.JMP(operand.LabelRef(name))
	t.Label(name + "_done")
}

func (t *target) roundRows(activate func(v int)) {
	for r := range roundedRows {
		low, high := 4*(r%2), 4*(r%2)+1
		t.VMOVUPS(operand.Mem{Base: reg.RCX, Disp: r * panelBytes}, z(low))
		t.VMOVUPS(operand.Mem{Base: reg.RCX, Disp: r*panelBytes + rowBytes}, z(high))
		if activate != nil {
			activate(low)
			activate(high)
		}
		t.storeRounded(low, high, operand.Mem{Base: reg.RDI, Disp: r * rowBytes})
	}
	t.ADDQ(operand.I32(roundedRows*panelBytes), reg.RCX)
	t.ADDQ(operand.I32(roundedRows*rowBytes), reg.RDI)
	t.SUBQ(operand.Imm(roundedRows), reg.R8)
}

// roughGELU is the activation in register v, with v+2 and v+3 as scratch for an even v and v+10 and v+11 for an odd one.
func (t *target) roughGELU(v int) {
	size, q := z(v+2), z(v+8)
	limit := global("roughGELUCoeff", 7)
	t.VXORPS(size, size, size)
	t.VSUBPS(z(v), size, size)
	t.VMAXPS(z(v), size, size)
	t.VBROADCASTSS(limit, q)
	t.VMINPS(size, q, size)
	t.VBROADCASTSS(global("roughGELUCoeff", 6), q)
	for i := 5; i >= 0; i-- {
		t.VFMADD213PS_BCST(global("roughGELUCoeff", i), size, q)
	}
	t.VXORPS(z(v+16), z(v+16), z(v+16))
	t.VMAXPS(z(v), z(v+16), z(v))
	t.VFNMADD231PS(q, size, z(v))
}

// amxFunction starts the assembly of name for processors with tiles.
func (t *target) amxFunction(name, signature string) {
	t.suffix = "AMX"
	t.function(name, signature)
}

func tileGemms(t *target) {
	tileGemm(t)
	tileGemmRound(t, "tileGemmRound", nil)
	tileGemmRound(t, "tileGemmGELU", t.roughGELU)
}

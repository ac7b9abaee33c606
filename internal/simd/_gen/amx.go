package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The instructions that neither avo nor Go's assembler knows, as bytes. Since avo does not see what they read, functions that
// use them name their registers themselves.

// tileAt is a place in memory whose rows are the value of index apart; without an index they are one and the same.
type tileAt struct {
	base, index reg.Physical
	disp        int
}

func (a tileAt) String() string {
	if a.index == nil {
		return fmt.Sprintf("%d(%s)", a.disp, a.base.Asm())
	}
	return fmt.Sprintf("%d(%s)(%s*1)", a.disp, a.base.Asm(), a.index.Asm())
}

// number is what stands for a register in an instruction.
func number(r reg.Physical) int {
	n := map[string]int{"AX": 0, "CX": 1, "DX": 2, "BX": 3, "SP": 4, "BP": 5, "SI": 6, "DI": 7}
	if i, ok := n[r.Asm()]; ok {
		return i
	}
	var i int
	if _, err := fmt.Sscanf(r.Asm(), "R%d", &i); err != nil {
		panic(r.Asm())
	}
	return i
}

const (
	noPrefix = iota
	prefix66
	prefixF3
	prefixF2
)

// vexMemory encodes an instruction of map 0F38 with a tile and a place in memory, always with SIB byte and 32 bits of
// displacement.
func vexMemory(prefix, opcode, tile int, at tileAt) []byte {
	base, index := number(at.base), 4 // none
	if at.index != nil {
		index = number(at.index)
	}
	inverted := byte(0x80) | byte(^index>>3&1)<<6 | byte(^base>>3&1)<<5
	return []byte{
		0xc4, inverted | 2, 0x78 | byte(prefix), byte(opcode), byte(0x84 | tile<<3), byte(index&7<<3 | base&7),
		byte(at.disp), byte(at.disp >> 8), byte(at.disp >> 16), byte(at.disp >> 24),
	}
}

func vexRegisters(prefix, opcode, tile, left, right int) []byte {
	return []byte{0xc4, 0xe2, byte(^right&15<<3 | prefix), byte(opcode), byte(0xc0 | tile<<3 | left)}
}

// roundHalf encodes VCVTNEPS2BF16 from a 512-bit register to a 256-bit one. (VCVTNE2PS2BF16 would take two at a time, but the
// emulator that verifies these kernels has it wrong.)
func roundHalf(src, dst int) []byte {
	bit := func(v, i int) byte { return byte(v>>i&1) ^ 1 }
	return []byte{0x62, bit(dst, 3)<<7 | bit(src, 4)<<6 | bit(src, 3)<<5 | bit(dst, 4)<<4 | 2, 0x7c | prefixF3, 0x48, 0x72, byte(0xc0 | dst&7<<3 | src&7)}
}

func (t *target) bytesOf(code []byte, format string, args ...any) {
	t.Comment(fmt.Sprintf(format, args...))
	for _, b := range code {
		t.Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []operand.Op{operand.Imm(uint64(b))}})
	}
}

func (t *target) configureTiles(base reg.Physical) {
	at := tileAt{base: base}
	t.bytesOf(vexMemory(noPrefix, 0x49, 0, at), "LDTILECFG %v", at)
}

func (t *target) releaseTiles() {
	t.bytesOf([]byte{0xc4, 0xe2, 0x78, 0x49, 0xc0}, "TILERELEASE")
}

func (t *target) zeroTile(tile int) {
	t.bytesOf(vexRegisters(prefixF2, 0x49, tile, 0, 0), "TILEZERO T%d", tile)
}

func (t *target) loadTile(at tileAt, tile int) {
	t.bytesOf(vexMemory(prefixF2, 0x4b, tile, at), "TILELOADD %v, T%d", at, tile)
}

// streamTile loads what will not be used again soon.
func (t *target) streamTile(at tileAt, tile int) {
	t.bytesOf(vexMemory(prefix66, 0x4b, tile, at), "TILELOADDT1 %v, T%d", at, tile)
}

func (t *target) storeTile(tile int, at tileAt) {
	t.bytesOf(vexMemory(prefixF3, 0x4b, tile, at), "TILESTORED T%d, %v", tile, at)
}

// multiplyTiles adds left·right to sum.
func (t *target) multiplyTiles(left, right, sum int) {
	t.bytesOf(vexRegisters(prefixF3, 0x5c, sum, left, right), "TDPBF16PS T%d, T%d, T%d", right, left, sum)
}

// storeRounded writes 32 values of bfloat16 of two registers of float32.
func (t *target) storeRounded(low, high int, at operand.Mem) {
	for i, src := range []int{low, high} {
		dst := []reg.VecPhysical{reg.Y30, reg.Y31}[i]
		t.bytesOf(roundHalf(src, 30+i), "VCVTNEPS2BF16 Z%d, Y%d", src, 30+i)
		t.VMOVDQU32(dst, at.Offset(i*rowBytes/2))
	}
}

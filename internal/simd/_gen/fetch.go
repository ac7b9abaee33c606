package main

import "github.com/mmcloughlin/avo/operand"

// fetch asks for cache lines. It takes no vectors, so one function serves all widths.
func fetch(t *target) {
	if t.wide() {
		return
	}
	t.suffix = ""
	t.function("fetch", "func(lines []*byte)")
	lines, n, line := t.base("lines"), t.length("lines"), t.GP64()
	t.loop("line", n, 1, func() {
		t.MOVQ(operand.Mem{Base: lines}, line)
		t.PREFETCHT0(operand.Mem{Base: line})
		t.ADDQ(operand.Imm(8), lines)
	})
	t.RET()
}

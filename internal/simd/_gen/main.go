// Command _gen writes the assembly of package simd, one file an operation, and the Go declarations that go with it.
// Run it here with
//
//	go run . -dir ..
//
// The operations read their polynomial coefficients from variables of package simd, so each is written down once.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	dir := flag.String("dir", "..", "where to write: the folder of package simd")
	flag.Parse()
	for _, op := range []struct {
		name string
		emit func(*target)
	}{
		{"dequantize", dequantize},
		{"dot", dot},
		{"dotrows", dotRows},
		{"fetch", fetch},
		{"gelu", gelu},
		{"gemm", gemm},
		{"gemm_int16", gemmInt16},
		{"gemm_int8", gemmInt8},
		{"join", join},
		{"layernorm", layerNorm},
		{"peak", peak},
		{"quantize_int16", quantizeInt16},
		{"quantize_int8", quantizeInt8},
		{"softmax", softmax},
		{"tileattention", tileAttention},
		{"tilegemm", tileGemms},
		{"tilenorm", tileNorm},
	} {
		if err := generate(*dir, op.name, op.emit); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", op.name, err)
			os.Exit(1)
		}
	}
}

// generate writes name_amd64.s and name_amd64.go with the operation for both vector widths, or for tiles.
func generate(dir, name string, emit func(*target)) error {
	ctx := build.NewContext()
	ctx.ConstraintExpr("!purego")
	emit(&target{Context: ctx, suffix: "AVX512", lanes: 16})
	if !strings.HasPrefix(name, "tile") {
		emit(&target{Context: ctx, suffix: "AVX2", lanes: 8})
	}
	file, err := ctx.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	cfg := printer.Config{Name: "internal/simd/_gen/" + name + ".go", Pkg: "simd"}
	if err := write(filepath.Join(dir, name+"_amd64.s"), printer.NewGoAsm(cfg), file); err != nil {
		return err
	}
	return write(filepath.Join(dir, name+"_amd64.go"), printer.NewStubs(cfg), file)
}

func write(path string, p printer.Printer, file *ir.File) error {
	out, err := p.Print(file)
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(bytes.TrimRight(out, "\n"), '\n'), 0o644)
}

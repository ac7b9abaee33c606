//go:build !amd64 || purego

package simd

// What the dispatching functions name but never reach in a build without assembly: hasAVX512, hasVNNI and hasAVX2 are false.

func dotAVX512(_, _ []float32) float32 { panic(noAssembly) }
func dotAVX2(_, _ []float32) float32   { panic(noAssembly) }
func geluAVX512([]float32)             { panic(noAssembly) }
func geluAVX2([]float32)               { panic(noAssembly) }

func maximumAVX512([]float32) float32                  { panic(noAssembly) }
func maximumAVX2([]float32) float32                    { panic(noAssembly) }
func expSumAVX512([]float32, float32, float32) float32 { panic(noAssembly) }
func expSumAVX2([]float32, float32, float32) float32   { panic(noAssembly) }
func multiplyAVX512([]float32, float32)                { panic(noAssembly) }
func multiplyAVX2([]float32, float32)                  { panic(noAssembly) }

func addLayerNormAVX512(_, _, _, _, _ []float32, _, _ float32) { panic(noAssembly) }
func addLayerNormAVX2(_, _, _, _, _ []float32, _, _ float32)   { panic(noAssembly) }

func dequantizeInt8AVX512([]float32, []int8, []float32, int) { panic(noAssembly) }
func dequantizeInt8AVX2([]float32, []int8, []float32, int)   { panic(noAssembly) }

func gemmAVX512(_ *float32, _ int, _ *float32, _ int, _, _ *float32, _, _ int) { panic(noAssembly) }
func gemmAVX2(_ *float32, _ int, _ *float32, _ int, _, _ *float32, _, _ int)   { panic(noAssembly) }

func dotRowsAVX512([]int32, []int16, []*uint8) { panic(noAssembly) }
func dotRowsAVX2([]int32, []int16, []*uint8)   { panic(noAssembly) }
func dotBlockAVX512([]int32, []int16, []uint8) { panic(noAssembly) }
func dotBlockAVX2([]int32, []int16, []uint8)   { panic(noAssembly) }
func joinAVX512([]int16, []uint8, []uint8)     { panic(noAssembly) }
func joinAVX2([]int16, []uint8, []uint8)       { panic(noAssembly) }

func fetch([]*byte) {}

func gemmInt16AVX512(_ *float32, _ int, _ *int16, _ *float32, _ int, _ *int8, _, _ *float32, _, _ int) {
	panic(noAssembly)
}
func gemmInt16AVX2(_ *float32, _ int, _ *int16, _ *float32, _ int, _ *int8, _, _ *float32, _, _ int) {
	panic(noAssembly)
}

func quantizeInt16AVX512(_ *int16, _ *float32, _ int, _ *float32, _ int) { panic(noAssembly) }
func quantizeInt16AVX2(_ *int16, _ *float32, _ int, _ *float32, _ int)   { panic(noAssembly) }

func gemmInt8AVX512(_ *float32, _ int, _ *uint8, _ *float32, _ *int32, _ int, _ *int8, _ *int32, _, _ *float32, _, _ int) {
	panic(noAssembly)
}
func gemmInt8AVX2(_ *float32, _ int, _ *uint8, _ *float32, _ *int32, _ int, _ *int8, _ *int32, _, _ *float32, _, _ int) {
	panic(noAssembly)
}

func quantizeInt8AVX512(_ *uint8, _ *float32, _ *int32, _ int, _ *float32, _ int) { panic(noAssembly) }
func quantizeInt8AVX2(_ *uint8, _ *float32, _ *int32, _ int, _ *float32, _ int)   { panic(noAssembly) }

const noAssembly = "simd: this build has no assembly"

func tileGemm([]float32, *TileProduct)                                { panic(noAssembly) }
func tileGemmRound([]BFloat16, *TileProduct, bool, *TileScratch)      { panic(noAssembly) }
func tileNorm(*TileNorm, []BFloat16, int, []float32, int, int)        { panic(noAssembly) }
func tilePack(*TileKeys, []BFloat16, []BFloat16, int)                 { panic(noAssembly) }
func tileAttend(*TileQueries, *TileKeys, *TileScratch, int, int) bool { panic(noAssembly) }

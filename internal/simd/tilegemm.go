package simd

// TileProduct is a product of rows with a panel: Rows rows of A times the panel, which TileGemm and TileGemmRound make.
type TileProduct struct {
	A      []BFloat16 // from the first row on, in groups that are Stride rows apart
	Stride int
	K      int        // values of a row; a multiple of 32
	Panel  []BFloat16 // of PackTiles
	Next   []BFloat16 // the panel after this one, to be fetched meanwhile; may be empty
	Bias   []float32  // 32 values
	Rows   int
}

func (p *TileProduct) check(outputs int) {
	groups := p.K / PanelWidth
	rows := roundRows(p.Rows)
	switch {
	case p.K <= 0 || p.K%PanelWidth != 0 || rows > p.Stride || len(p.A) < ((groups-1)*p.Stride+rows)*PanelWidth:
		panic("simd: TileProduct: A is too short for its rows, in whole tiles")
	case len(p.Panel) < p.K*PanelWidth:
		panic("simd: TileProduct: Panel is too short for K")
	case p.Bias != nil && len(p.Bias) < PanelWidth:
		panic("simd: TileProduct: Bias has fewer than 32 values")
	case outputs < rows*PanelWidth:
		panic("simd: TileProduct: no room for the outputs, in whole tiles")
	}
}

// roundRows is the number of rows in whole tiles.
func roundRows(m int) int { return (m + TileRows - 1) / TileRows * TileRows }

// TileGemm writes the product to c, rows of 32 values one after the other. It starts from the bias or, if that is nil, from
// what is in c: so a long K can be taken in parts, and the sums have the bits that they have in one. Every row is computed on its own: no other
// row changes its bits.
func TileGemm(c []float32, p *TileProduct) {
	if p.Rows <= 0 {
		return
	}
	p.check(len(c))
	if hasAMX {
		tileGemm(c, p)
		return
	}
	p.into(c)
}

func (p *TileProduct) into(c []float32) {
	for i := range p.Rows {
		row := (*[PanelWidth]float32)(c[i*PanelWidth:])
		if p.Bias != nil {
			copy(row[:], p.Bias)
		}
		p.row(row, i)
	}
}

// row adds the products of row i to c.
func (p *TileProduct) row(c *[PanelWidth]float32, i int) {
	var a [PanelWidth]float32
	low, high := (*[TileRows]float32)(c[:]), (*[TileRows]float32)(c[TileRows:])
	for g := range p.K / PanelWidth {
		WidenRow(a[:], p.A[(g*p.Stride+i)*PanelWidth:], p.Stride)
		tileDot(low, &a, (*[tileValues]BFloat16)(p.Panel[2*g*tileValues:]))
		tileDot(high, &a, (*[tileValues]BFloat16)(p.Panel[(2*g+1)*tileValues:]))
	}
}

// TileGemmRound writes the product plus bias, rounded, to dst, rows of 32 values one after the other; with gelu the activation of
// it. The scratch belongs to the calling goroutine.
func TileGemmRound(dst []BFloat16, p *TileProduct, gelu bool, s *TileScratch) {
	if p.Rows <= 0 {
		return
	}
	p.check(len(dst))
	if p.Bias == nil {
		panic("simd: TileGemmRound: Bias is missing")
	}
	if hasAMX {
		tileGemmRound(dst, p, gelu, s)
		return
	}
	p.intoRounded(dst, gelu)
}

func (p *TileProduct) intoRounded(dst []BFloat16, gelu bool) {
	for i := range p.Rows {
		var row [PanelWidth]float32
		copy(row[:], p.Bias)
		p.row(&row, i)
		for j, v := range row {
			if gelu {
				v = roughGELU(v)
			}
			dst[i*PanelWidth+j] = RoundBFloat16(v)
		}
	}
}

// TileScratch is the memory that a goroutine needs between a tile and a vector.
type TileScratch struct {
	block   [2 * TileRows * PanelWidth]float32 // sums that are about to be rounded
	weights []BFloat16                         // of attention: tiles of 16 queries and 32 keys, for all keys
}

// Reserve makes room for texts of so many tokens.
func (s *TileScratch) Reserve(tokens int) {
	if n := (tokens + PanelWidth - 1) / PanelWidth * tileValues; len(s.weights) < n {
		s.weights = make([]BFloat16, n)
	}
}

// roughGELULimit is T, and roughGELUCoeff a polynomial for Φ(−t) in powers of t ≤ T, the constant first, which _gen/fit derives:
// the minimax one for the error of t·Φ(−t), 9.4e-5. T follows.
const roughGELULimit = 3.75

var roughGELUCoeff = [8]float32{
	0.497528039, -0.376833749, -0.0659351784, 0.157996628, -0.0647634664, 0.0113452942, -0.000753407044, roughGELULimit,
}

// roughGELU is max(x, 0) − t·Φ(−t) with t = min(|x|, T): an activation for values that are rounded to bfloat16, with an absolute error
// below 1e-4 for |x| ≤ T and below 4e-4 beyond.
func roughGELU(x float32) float32 {
	t := min(max(x, -x), roughGELULimit)
	q := roughGELUCoeff[6]
	for j := 5; j >= 0; j-- {
		q = fma(q, t, roughGELUCoeff[j])
	}
	return fma(-t, q, max(x, 0))
}

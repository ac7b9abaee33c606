package search

import (
	"math"

	"searchd/hf"
)

// A score is measured in standard deviations above how unrelated texts score, which makes models comparable, and then
// put on a logistic curve. Its two constants are fitted to judged questions: see docs/relevance.md.
const (
	middle = 4.0 // deviations at which a hit is as often relevant as not
	width  = 1.0
)

// relevance is a score from 0 (unrelated) to 1 (certainly related).
func relevance(score float32, null hf.Null) float64 {
	z := (float64(score) - null.Mean) / null.StdDev
	return 1 / (1 + math.Exp((middle-z)/width))
}

// minScore is the score that has a relevance; 0, which admits all, for 0.
func minScore(min float64, null hf.Null) float32 {
	if min == 0 {
		return 0
	}
	z := middle - width*math.Log(1/min-1)
	return float32(null.Mean + z*null.StdDev)
}

package search

import (
	"math"

	"searchd/hf"
)

// A score is measured in standard deviations above how unrelated texts score, which makes models comparable, and then
// put on a logistic curve. Its two constants are fitted to judged questions: see docs/relevance.md.
const (
	middle = 5.9 // deviations at which a hit is as likely to be relevant as not
	width  = 0.9
)

// perfect is the score of a text and itself, as far as float32 can tell. The curve never reaches 1, so that without it
// nothing at all would have a relevance of 1.
const perfect = 1 - 1e-5

// relevance is a score from 0 (unrelated) to 1 (the same). For a model that was never measured it is the cosine.
func relevance(score float32, null hf.Null) float64 {
	if score >= perfect {
		return 1
	}
	if null.StdDev <= 0 {
		return min(max(float64(score), 0), 1)
	}
	z := (float64(score) - null.Mean) / null.StdDev
	return 1 / (1 + math.Exp((middle-z)/width))
}

// minScore is the score that has a relevance; 0, which admits all, for 0.
func minScore(least float64, null hf.Null) float32 {
	if least == 0 || null.StdDev <= 0 {
		return min(float32(least), perfect)
	}
	z := middle - width*math.Log(1/least-1)
	if score := float32(null.Mean + z*null.StdDev); score != 0 {
		return min(score, perfect)
	}
	return -math.SmallestNonzeroFloat32 // 0 would admit all
}

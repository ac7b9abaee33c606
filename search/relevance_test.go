package search

import (
	"math"
	"testing"

	"searchd/hf"
)

var nulls = []hf.Null{{Mean: 0, StdDev: 0.1}, {Mean: 0.05, StdDev: 0.08}, {Mean: 0.7, StdDev: 0.03}, {Mean: -0.01, StdDev: 0.3}, {}}

func TestRelevanceGrowsWithTheScore(t *testing.T) {
	for _, null := range nulls {
		last := -1.0
		for score := float32(-1); score <= 1; score += 1.0 / 512 {
			r := relevance(score, null)
			if !(r >= 0 && r <= 1) || r < last {
				t.Fatalf("%+v: score %v has relevance %v after %v", null, score, r, last)
			}
			last = r
		}
		if relevance(1, null) < 0.5 && null.StdDev <= 0.1 {
			t.Errorf("%+v: a text itself has relevance %v", null, relevance(1, null))
		}
	}
}

// Whatever relevance is asked for, the score that goes to the index admits just the hits that have it.
func TestMinScoreIsTheInverseOfRelevance(t *testing.T) {
	for _, null := range nulls {
		for _, least := range []float64{1e-9, 0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99} {
			score := minScore(least, null)
			if score < -1 || score >= perfect {
				continue
			}
			if got := relevance(score, null); math.Abs(got-least) > 1e-4*least {
				t.Errorf("%+v: relevance %v has score %v, which has relevance %v", null, least, score, got)
			}
		}
		for score := float32(-0.5); score < 0.9; score += 1.0 / 64 {
			r := relevance(score, null)
			if r > 0.9999999 || r <= 0 {
				continue // too near to the ends for a float64 to tell
			}
			if back := minScore(r, null); math.Abs(float64(back-score)) > 1e-6 {
				t.Errorf("%+v: score %v came back as %v", null, score, back)
			}
		}
	}
}

func TestMinScoreAtTheEnds(t *testing.T) {
	for _, null := range nulls {
		if got := minScore(0, null); got != 0 {
			t.Errorf("%+v: relevance 0 has the score %v, which does not admit all", null, got)
		}
		// Relevance 1 is for what is the same, but for the last bits of its float32s.
		for score, same := range map[float32]bool{1: true, 1 - 1e-6: true, 0.999: false, 0.5: false} {
			if admitted := score >= minScore(1, null); admitted != same || (relevance(score, null) == 1) != same {
				t.Errorf("%+v: relevance 1 admits score %v: %v; its relevance is %v", null, score, admitted, relevance(score, null))
			}
		}
	}
	// Where the score is 0, it must not be read as no minimum.
	null := hf.Null{StdDev: 0.1}
	if got := minScore(relevance(0, null), null); got == 0 || math.Abs(float64(got)) > 1e-6 {
		t.Errorf("the relevance of score 0 came back as %v", got)
	}
}

package search

import (
	"context"
	"math"
	"time"

	"searchd/index/lexical"
	"searchd/models"
)

// A chunk that has all words of a question once, and is of mean length, has a share of 1. The two constants put shares
// on the scale of relevance: see docs/relevance.md.
const (
	middleShare = 0.7
	widthShare  = 0.1
)

// wordRelevance is what a BM25 score of at most about most says, from 0 to 1.
func wordRelevance(score float32, most float64) float64 {
	if score <= 0 || most <= 0 {
		return 0
	}
	return 1 / (1 + math.Exp((middleShare-float64(score)/most)/widthShare))
}

// minWords is the BM25 score that has a relevance.
func minWords(least, most float64) float32 {
	if least == 0 {
		return 0
	}
	return float32(most * (middleShare - widthShare*math.Log(1/least-1)))
}

// rankWords ranks by words alone: only chunks that have at least one of them are hits.
func (s *Service) rankWords(ctx context.Context, c models.Collection, p plan, k int) (ranking, error) {
	x, err := s.words.Get(ctx, c)
	if err != nil {
		return ranking{}, err
	}
	start := time.Now()
	found, err := x.Search(ctx, p.words, p.allow)
	if err != nil {
		return ranking{}, err
	}
	defer found.Close()
	var hits []lexical.Hit
	if p.least > 0 {
		hits = found.Above(minWords(p.least, found.Most))
	} else {
		hits = found.Top(k)
	}
	r := ranking{mode: Lexical, complete: p.least > 0 || len(hits) < k, hits: make([]scored, len(hits))}
	for i, h := range hits {
		r.hits[i] = scored{ID: h.ID, Score: h.Score, Relevance: wordRelevance(h.Score, found.Most), Lexical: wordLeg(h.Score, i+1, found)}
	}
	r.chunks, r.documents = len(hits), len(group(r.hits, ByDocument))
	if !r.complete {
		r.chunks, r.documents = found.Count()
	}
	r.took.Lexical = time.Since(start)
	return r, nil
}

func wordLeg(score float32, rank int, found *lexical.Found) Leg {
	return Leg{Score: score, Evidence: float32(wordEvidence(score, found)), Rank: rank}
}

// wordEvidence is by how many standard deviations a score is above chance: that of a chunk that has each word as likely as
// any other chunk. A chunk that has but one rare word of many is far above chance and yet a chance hit, so that evidence
// counts by the fourth root of its share of what was asked for. It never falls when the score rises.
func wordEvidence(score float32, found *lexical.Found) float64 {
	if found.Deviation == 0 {
		return 0
	}
	u := (float64(score) - found.Mean) / found.Deviation
	if u <= 0 {
		return u
	}
	return u * math.Sqrt(math.Sqrt(min(1, float64(score)/found.Most)))
}

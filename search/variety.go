package search

import (
	"context"
	"fmt"

	"searchd/internal/simd"
)

// window is how many of the best rows are looked at together, to fold duplicates or for diversity: the same ones whatever
// page is asked for, so that pages do not overlap. Each row costs the reading of its vector.
const window = 200

// sameText is the cosine from which two passages are taken for copies of each other.
const sameText = 0.97

// row is what may become a hit: a chunk, and the chunks that it stands for.
type row struct {
	scored
	place      int      // in the ranking before rerank, duplicates and diversity, from 1
	reranked   *float32 // what the cross-encoder says
	duplicates []uint64
}

// vary folds duplicates and orders for diversity, as far as the request asks for it.
func (s *Service) vary(ctx context.Context, collection uint64, rows []row, r Request) ([]row, error) {
	if !r.CollapseDuplicates && r.Diversity == 0 {
		return rows, nil
	}
	head, tail := rows[:min(window, len(rows))], rows[min(window, len(rows)):]
	vectors, err := s.vectorsOf(ctx, collection, head)
	if err != nil {
		return nil, err
	}
	if r.CollapseDuplicates {
		head, vectors = fold(head, vectors)
	}
	if r.Diversity > 0 {
		order := mmr(values(head), vectors, r.Diversity)
		varied := make([]row, len(head))
		for i, at := range order {
			varied[i] = head[at]
		}
		head = varied
	}
	return append(head[:len(head):len(head)], tail...), nil
}

// vectorsOf reads the rows' vectors; nil where a row is gone.
func (s *Service) vectorsOf(ctx context.Context, collection uint64, rows []row) ([][]float32, error) {
	ids, places := make([]uint64, len(rows)), make(map[uint64]int, len(rows))
	for i, r := range rows {
		ids[i], places[r.ID] = r.ID, i
	}
	vectors := make([][]float32, len(rows))
	err := s.db.VectorsOf(ctx, collection, ids, func(id uint64, v []float32) error {
		vectors[places[id]] = v
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read vectors: %w", err)
	}
	return vectors, nil
}

// values are what the rows are worth: their scores, or, where a cross-encoder has ordered some of them, their places,
// since its numbers are on another scale.
func values(rows []row) []float32 {
	list := make([]float32, len(rows))
	for i, r := range rows {
		list[i] = r.Score
		if rows[0].reranked != nil {
			list[i] = -float32(i)
		}
	}
	return list
}

// fold puts each row that is a copy of one before it under that one.
func fold(rows []row, vectors [][]float32) ([]row, [][]float32) {
	var kept []row
	var keptVectors [][]float32
next:
	for i, r := range rows {
		for k, v := range keptVectors {
			if similarity(vectors[i], v) >= sameText {
				kept[k].duplicates = append(kept[k].duplicates, r.ID)
				continue next
			}
		}
		kept, keptVectors = append(kept, r), append(keptVectors, vectors[i])
	}
	return kept, keptVectors
}

// similarity is the cosine; that to a row that is gone is 0.
func similarity(a, b []float32) float32 {
	if a == nil || b == nil {
		return 0
	}
	return simd.Dot(a, b)
}

// mmr orders by maximal marginal relevance (Carbonell and Goldstein, 1998): each next one is the best by
// (1-diversity)·value - diversity·(similarity to the nearest that is placed already), the first the best by value. Values
// are put on the scale 0 to 1 of their own range. It answers places in the lists; ties go to the earlier one.
func mmr(values []float32, vectors [][]float32, diversity float64) []int {
	scaled := scale(values)
	nearest := make([]float32, len(values))
	order := make([]int, 0, len(values))
	placed := make([]bool, len(values))
	for range values {
		best, bestGain := -1, 0.0
		for i := range values {
			gain := (1-diversity)*scaled[i] - diversity*float64(nearest[i])
			if len(order) == 0 {
				gain = scaled[i]
			}
			if !placed[i] && (best < 0 || gain > bestGain) {
				best, bestGain = i, gain
			}
		}
		placed[best] = true
		for i := range values {
			if near := similarity(vectors[i], vectors[best]); !placed[i] && (len(order) == 0 || near > nearest[i]) {
				nearest[i] = near
			}
		}
		order = append(order, best)
	}
	return order
}

// scale puts values on 0 to 1; equal ones are all 1.
func scale(values []float32) []float64 {
	scaled := make([]float64, len(values))
	low, high := float32(0), float32(0)
	for i, v := range values {
		if i == 0 || v < low {
			low = v
		}
		if i == 0 || v > high {
			high = v
		}
	}
	for i, v := range values {
		scaled[i] = 1
		if high > low {
			scaled[i] = float64(v-low) / float64(high-low)
		}
	}
	return scaled
}

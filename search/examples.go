package search

import (
	"context"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/internal/simd"
	"searchd/models"
	"searchd/models/db"
)

// away is how strongly the direction is turned from the documents that the hits shall not be like. The question has
// weight 1, so that it always outweighs them.
const away = 0.5

// examples turn the plan towards the documents in Like, or from those in Unlike, and take both out of the answer
// (Rocchio, 1971).
func (s *Service) examples(ctx context.Context, c models.Collection, r Request, p *plan) error {
	ids := append(append([]string(nil), r.Like...), r.Unlike...)
	if len(ids) == 0 {
		return nil
	}
	found, err := s.db.Examples(ctx, c.ID, ids)
	if err != nil {
		return fmt.Errorf("read the examples: %w", err)
	}
	like, err := directions("like", r.Like, found)
	if err != nil {
		return err
	}
	unlike, err := directions("unlike", r.Unlike, found)
	if err != nil {
		return err
	}
	p.vector = rocchio(p.vector, like, unlike)
	p.allow, err = s.without(ctx, c, p.allow, found)
	return err
}

// directions are the documents' vectors, of unit length.
func directions(field string, ids []string, found map[string]db.Example) ([][]float32, error) {
	list := make([][]float32, len(ids))
	for i, id := range ids {
		e, ok := found[id]
		if !ok {
			return nil, models.Errorf(models.Invalid, fmt.Sprintf("%s[%d]", field, i), "there is no document %.128q in this collection", id)
		}
		list[i] = models.Normalize(e.Vector)
	}
	return list, nil
}

// rocchio is the question's direction, or the middle of like where there is none, turned away from the middle of unlike.
func rocchio(question []float32, like, unlike [][]float32) []float32 {
	if question == nil {
		question = middleOf(like)
	}
	if len(unlike) == 0 {
		return question
	}
	turned := make([]float32, len(question))
	for i, x := range middleOf(unlike) {
		turned[i] = question[i] - away*x
	}
	return models.Normalize(turned)
}

// middleOf is the direction of the sum of vectors of unit length; the first where they cancel out.
func middleOf(vectors [][]float32) []float32 {
	sum := make([]float32, len(vectors[0]))
	for _, v := range vectors {
		for i, x := range v {
			sum[i] += x
		}
	}
	if simd.Dot(sum, sum) < 1e-12 {
		return vectors[0]
	}
	return models.Normalize(sum)
}

// without takes documents out of what is admitted.
func (s *Service) without(ctx context.Context, c models.Collection, allow *roaring64.Bitmap, gone map[string]db.Example) (*roaring64.Bitmap, error) {
	if allow == nil {
		var err error
		if allow, err = s.db.Match(ctx, c.ID, everything); err != nil {
			return nil, err
		}
	}
	allow = allow.Clone() // the store remembers it
	for _, e := range gone {
		first := models.ChunkID(e.Seq, 0)
		allow.RemoveRange(first, first+uint64(e.Chunks))
	}
	return allow, nil
}

// everything is a filter that every document meets.
var everything = &models.Filter{Op: models.Not, Of: []*models.Filter{{Op: models.In, Key: "any"}}}

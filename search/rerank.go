package search

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"searchd/hf"
	"searchd/models"
)

// rerankDepth is how many of the best rows a cross-encoder reads: the same ones whatever page is asked for, so that pages
// do not overlap. What stands below keeps its place.
const rerankDepth = 50

// reranker is the cross-encoder of a request.
func (s *Service) reranker(r Request) (hf.Reranker, error) {
	if r.Reranker != nil {
		return r.Reranker, nil
	}
	m, err := s.models.Reranker(r.RerankModel)
	switch {
	case models.CodeOf(err) != models.NotFound:
		return m, err
	case r.RerankModel != "":
		return nil, models.Errorf(models.Invalid, "rerank_model", "there is no cross-encoder %.128q here; `searchd model list` shows what is, `searchd model pull ID` brings one", r.RerankModel)
	}
	return nil, models.Errorf(models.Invalid, "rerank", "needs a cross-encoder, and there is none here: `searchd model pull cross-encoder/ms-marco-MiniLM-L6-v2` brings one; or leave rerank out")
}

// rerank orders the best rows anew, by what a cross-encoder makes of the question and each passage, read together. Equal
// ones keep their order.
func (s *Service) rerank(ctx context.Context, r Request, rows []row) error {
	m, err := s.reranker(r)
	if err != nil {
		return err
	}
	head := rows[:min(rerankDepth, len(rows))]
	ids := make([]uint64, len(head))
	for i, r := range head {
		ids[i] = r.ID
	}
	passages, err := s.db.Passages(ctx, ids)
	if err != nil {
		return fmt.Errorf("read passages to rerank: %w", err)
	}
	texts := make([]string, len(head))
	for i, r := range head {
		p := passages[r.ID] // the empty one where it has been deleted meanwhile
		texts[i] = p.Text
		if p.Document.Title != "" {
			texts[i] = p.Document.Title + "\n" + p.Text
		}
	}
	scores, err := m.Rerank(ctx, r.Query, texts)
	if err != nil {
		return fmt.Errorf("rerank: %w", err)
	}
	for i := range head {
		head[i].reranked = &scores[i]
	}
	slices.SortStableFunc(head, func(a, b row) int { return cmp.Compare(*b.reranked, *a.reranked) })
	return nil
}

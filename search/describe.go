package search

import (
	"context"
	"fmt"
	"slices"
	"time"

	"searchd/models"
	"searchd/models/db"
)

// describe adds hits to the answer: what the store knows about each row. A row whose document has been deleted meanwhile is
// left out.
func (s *Service) describe(ctx context.Context, rows []row, r Request, answer *Response) error {
	start := time.Now()
	defer func() { answer.spent("read", time.Since(start)) }()
	ids := make([]uint64, 0, len(rows))
	for _, row := range rows {
		ids = append(append(ids, row.ID), row.duplicates...)
	}
	passages, err := s.db.Passages(ctx, ids)
	if err != nil {
		return fmt.Errorf("read the hits: %w", err)
	}
	before := len(answer.Hits)
	answer.Hits = slices.Grow(answer.Hits, len(rows))
	for _, row := range rows {
		p, ok := passages[row.ID]
		if !ok {
			continue
		}
		hit := Hit{
			Document: p.Document, Chunk: p.Chunk, Text: p.Text, Score: row.Score, Relevance: row.Relevance,
			Why: Why{Place: row.place, Mode: answer.Mode, Semantic: row.Semantic, Lexical: row.Lexical, Feedback: row.Feedback, Reranked: row.reranked},
		}
		sections, err := models.DecodeSections(p.Document.Sections)
		if err != nil {
			return fmt.Errorf("sections of document %q: %w", p.Document.ID, err)
		}
		hit.Location = models.Locate(sections, (p.Chunk.Start+p.Chunk.End)/2)
		for _, id := range row.duplicates {
			if d, ok := passages[id]; ok {
				hit.Duplicates = append(hit.Duplicates, Duplicate{DocumentID: d.Document.ID, Chunk: models.ChunkIndex(id)})
			}
		}
		answer.Hits = append(answer.Hits, hit)
	}
	return s.neighbours(ctx, r.Neighbours, answer.Hits[before:])
}

// neighbours adds the text of n chunks before and after each hit. Chunks overlap: what stands in the hit is not repeated.
func (s *Service) neighbours(ctx context.Context, n int, hits []Hit) error {
	if n == 0 {
		return nil
	}
	for i := range hits {
		h := &hits[i]
		index := models.ChunkIndex(h.Chunk.ID)
		first := models.ChunkID(h.Chunk.DocumentSeq, max(index-n, 0))
		last := models.ChunkID(h.Chunk.DocumentSeq, min(index+n, models.MaxChunks-1))
		around, err := s.db.Around(ctx, first, last)
		if err != nil {
			return fmt.Errorf("read the neighbours: %w", err)
		}
		if around.End < h.Chunk.End { // deleted meanwhile
			continue
		}
		h.Before = db.Span{Start: around.Start, End: h.Chunk.Start, Text: around.Text[:h.Chunk.Start-around.Start]}
		h.After = db.Span{Start: h.Chunk.End, End: around.End, Text: around.Text[h.Chunk.End-around.Start:]}
	}
	return nil
}

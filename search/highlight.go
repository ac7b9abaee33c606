package search

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sync/errgroup"

	"searchd/hf"
	"searchd/internal/prose"
	"searchd/internal/simd"
	"searchd/models"
	"searchd/models/db"
)

// Limits of highlights.
const (
	MaxHighlighted = 100 // hits of a page
	mostHighlights = 3   // of a hit
	mostSentences  = 64  // of a hit that are read
	maxSentences   = 64 << 20
)

// nearBest is how near a further highlight has to be, as a part of what the best sentence has above unrelated texts.
const nearBest = 0.8

// sentence is a sentence of a chunk. It does not change.
type sentence struct {
	prose.Span           // of the chunk's text
	question   bool      // it asks
	vector     []float32 // of unit length
}

// highlight marks in each hit the sentences that lie nearest to the question, one to three, in the order of the text.
//
// Sentences are embedded when they are first shown, and kept in memory: a chunk id never changes its meaning.
func (s *Service) highlight(ctx context.Context, m hf.Model, r Request, question []float32, answer *Response) error {
	if !r.Highlight {
		return nil
	}
	const atOnce = 4 // each is small enough to go before bulk work
	start, hits := time.Now(), answer.Hits
	defer func() { answer.spent("highlight", time.Since(start)) }()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range hits {
		group.Go(func() error {
			h := &hits[i]
			list, err := s.sentences(ctx, m, h.Chunk.ID, h.Text)
			for _, best := range nearest(list, question, m.Card().Null) {
				h.Highlights = append(h.Highlights, db.Span{
					Start: h.Chunk.Start + best.Start, End: h.Chunk.Start + best.End, Text: h.Text[best.Start:best.End],
				})
			}
			return err
		})
	}
	return group.Wait()
}

// sentences are those of a chunk, with their vectors.
func (s *Service) sentences(ctx context.Context, m hf.Model, id uint64, text string) ([]sentence, error) {
	if list, ok := s.read.Get(id); ok {
		return list, nil
	}
	var list []sentence
	var texts []string
	for _, span := range prose.Sentences(text) {
		flat := prose.Flatten(text[span.Start:span.End])
		if len(list) < mostSentences && prose.HasWord(flat) {
			list = append(list, sentence{Span: span, question: prose.IsQuestion(flat)})
			texts = append(texts, strings.ToValidUTF8(flat, "\uFFFD"))
		}
	}
	embeddings, err := m.Embed(ctx, hf.Document, texts)
	if err != nil {
		return nil, fmt.Errorf("embed the sentences of a hit: %w", err)
	}
	size := 0
	for i, e := range embeddings {
		list[i].vector = models.Normalize(e.Vector)
		size += int(unsafe.Sizeof(sentence{})) + 4*len(e.Vector)
	}
	s.read.Put(id, list, size)
	return list, nil
}

// nearest picks the sentence that is nearest to a question, and up to two more that are nearly as near. A question in the
// text does not answer another, however alike they are: its nearness counts for what stands under it.
func nearest(list []sentence, question []float32, null hf.Null) []prose.Span {
	type found struct {
		prose.Span
		near float64
	}
	order := make([]found, 0, len(list))
	for i, one := range list {
		near := float64(simd.Dot(one.vector, question)) - null.Mean
		if i > 0 && list[i-1].question && !one.question {
			near = max(near, float64(simd.Dot(list[i-1].vector, question))-null.Mean)
		}
		order = append(order, found{one.Span, near})
	}
	slices.SortStableFunc(order, func(a, b found) int { return cmp.Compare(b.near, a.near) })
	var best []prose.Span
	for _, f := range order[:min(mostHighlights, len(order))] {
		if len(best) == 0 || f.near > 0 && f.near >= nearBest*order[0].near {
			best = append(best, f.Span)
		}
	}
	slices.SortFunc(best, func(a, b prose.Span) int { return cmp.Compare(a.Start, b.Start) })
	return best
}

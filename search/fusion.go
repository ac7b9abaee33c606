package search

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"golang.org/x/sync/errgroup"

	"searchd/hf"
	"searchd/index"
	"searchd/index/lexical"
	"searchd/models"
)

// Both legs measure a chunk against chance, in standard deviations: z for its cosine, u for its BM25. Evidence of
// independent normal variables adds up as squares; that of words has longer tails than a normal one, and counts linearly:
//
//	score = z·|z|/2 + wordWeight·ρ·max(0, u)
//
// ρ is how well words find in this collection, compared with vectors.
const wordWeight = 0.75

// fusion is how the two legs' scores become one.
type fusion struct {
	null    hf.Null // of cosines
	rho     float64
	settled bool // the collection has been measured, or is too small for it
	words   *lexical.Found
}

// score never falls when either of its arguments rises.
func (f fusion) score(cosine, bm25 float32) float32 {
	z := f.z(cosine)
	return float32(z*math.Abs(z)/2 + wordWeight*f.rho*max(0, wordEvidence(bm25, f.words)))
}

func (f fusion) z(cosine float32) float64 {
	if f.null.StdDev <= 0 {
		return float64(cosine)
	}
	return (float64(cosine) - f.null.Mean) / f.null.StdDev
}

// enoughWords is a BM25 score below which no chunk of this cosine has a score: as if evidence counted wholly.
func (f fusion) enoughWords(cosine, score float32) float32 {
	z := f.z(cosine)
	u := (float64(score) - z*math.Abs(z)/2) / (wordWeight * f.rho)
	bm25 := f.words.Mean + u*f.words.Deviation
	return float32(bm25 - 1e-5*math.Abs(bm25)) // for what rounding has lost
}

// patience is how long a question waits for a keyword index that is being filled, before it does without.
const patience = 2 * time.Second

// depth is how many hits each leg is asked for at least.
const depth = 100

// rankBoth ranks by vectors and words. Every chunk that the filter admits is a hit, and has both scores. Where there is no
// keyword index yet, vectors rank alone.
func (s *Service) rankBoth(ctx context.Context, c models.Collection, p plan, k int) (ranking, error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	words, err := s.words.Get(waiting, c)
	cancel()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return s.rankVectors(ctx, c, p, k)
	}
	if err != nil {
		return ranking{}, err
	}
	vectors, err := s.index.Get(ctx, c)
	if err != nil {
		return ranking{}, err
	}
	b := both{plan: p, vectors: vectors, fusion: s.fusionOf(c, p), seen: map[uint64]bool{}}
	near := index.Query{Vector: p.vector, K: max(k, depth), Allow: p.allow, MinScore: minScore(p.least, p.null), Exact: p.exact}
	if p.least > 0 {
		near.K = max(vectors.Len(), 1)
	}
	hits, err := b.ask(ctx, words, near)
	if err != nil {
		return ranking{}, err
	}
	defer b.words.Close()
	r := ranking{mode: Hybrid}
	if err := b.fuse(ctx, hits, near.K, k); err != nil {
		return r, err
	}
	slices.SortFunc(b.hits, func(x, y scored) int {
		return index.Compare(index.Hit{ID: x.ID, Score: x.Score}, index.Hit{ID: y.ID, Score: y.Score})
	})
	r.complete = p.least > 0 || len(hits) < near.K && len(b.hits) <= k
	r.chunks, r.documents = admitted(c, p)
	if p.least > 0 {
		r.chunks, r.documents = len(b.hits), len(group(b.hits, ByDocument))
	} else {
		b.hits = b.hits[:min(k, len(b.hits))]
	}
	r.hits, r.took = b.hits, b.took
	if b.settled {
		r.weight = wordWeight * b.rho
	}
	return r, nil
}

// both is a hybrid ranking in the making.
type both struct {
	fusion
	plan    plan
	vectors index.Index
	hits    []scored
	seen    map[uint64]bool
	took    timing
}

// ask asks both legs at the same time.
func (b *both) ask(ctx context.Context, words *lexical.Index, near index.Query) ([]index.Hit, error) {
	var hits []index.Hit
	g, within := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		start := time.Now()
		b.words, err = words.Search(within, b.plan.words, b.plan.allow)
		b.took.Lexical = time.Since(start)
		return err
	})
	start := time.Now()
	hits, err := b.vectors.Search(ctx, near)
	b.took.Semantic = time.Since(start)
	if err = errors.Join(err, g.Wait()); err != nil && b.words != nil {
		b.words.Close()
	}
	return hits, err
}

// fuse collects candidates until the best k of all chunks are among them: a chunk that is not has a cosine of at most that
// of the last of near, and too few words to make up for it.
func (b *both) fuse(ctx context.Context, near []index.Hit, asked, k int) error {
	for i, h := range near {
		b.add(h, i+1, 0)
	}
	if b.plan.least > 0 {
		return b.lookUp(ctx, b.words.Above(minWords(b.plan.least, b.words.Most)))
	}
	if len(near) < asked { // these are all there are
		return nil
	}
	if err := b.lookUp(ctx, b.words.Top(depth)); err != nil {
		return err
	}
	scores := make([]float32, len(b.hits))
	for i, h := range b.hits {
		scores[i] = h.Score
	}
	slices.Sort(scores)
	low := b.enoughWords(near[len(near)-1].Score, scores[len(scores)-min(k, len(scores))])
	return b.lookUp(ctx, b.words.Above(low))
}

// lookUp adds hits of the keyword index that vectors have not found, with their cosines.
func (b *both) lookUp(ctx context.Context, hits []lexical.Hit) error {
	ranks := make(map[uint64]int, len(hits))
	ids := roaring64.New()
	for i, h := range hits {
		ranks[h.ID] = i + 1
		if !b.seen[h.ID] {
			ids.Add(h.ID)
		}
	}
	for i := range b.hits {
		if rank := ranks[b.hits[i].ID]; rank > 0 {
			b.hits[i].Lexical.Rank = rank
		}
	}
	if ids.IsEmpty() {
		return nil
	}
	found, err := b.vectors.Search(ctx, index.Query{Vector: b.plan.vector, K: int(ids.GetCardinality()), Allow: ids, Exact: true})
	for _, h := range found {
		b.add(h, 0, ranks[h.ID])
	}
	return err
}

func (b *both) add(h index.Hit, near, words int) {
	b.seen[h.ID] = true
	bm25 := b.words.Score(h.ID)
	b.hits = append(b.hits, scored{
		ID: h.ID, Score: b.score(h.Score, bm25),
		Relevance: max(relevance(h.Score, b.plan.null), wordRelevance(bm25, b.words.Most)),
		Semantic:  Leg{Score: h.Score, Evidence: float32(b.z(h.Score)), Rank: near},
		Lexical:   wordLeg(bm25, words, b.words),
	})
}

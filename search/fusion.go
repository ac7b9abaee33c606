package search

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/hf"
	"searchd/index"
	"searchd/index/lexical"
	"searchd/internal/cores"
	"searchd/models"
	"searchd/models/db"
)

// Both legs measure a chunk against chance, in standard deviations: z for its cosine, u for its BM25. Evidence of
// independent normal variables adds up as squares; that of words has longer tails than a normal one, and counts linearly:
//
//	score = z·|z|/2 + wordWeight·ρ·max(0, u)
//
// ρ is how well words find in this collection, compared with vectors. What stands first has feedback on top of it.
const wordWeight = 0.85

// fusion is how the two legs' scores become one.
type fusion struct {
	null    hf.Null // of cosines
	rho     float64
	sample  [][]float32 // vectors of the collection; none until it has been measured
	settled bool        // the collection has been measured, or is too small for it
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

// enoughCosine is a cosine below which no chunk of this BM25 score has a score.
func (f fusion) enoughCosine(bm25, score float32) float32 {
	half := float64(score) - wordWeight*f.rho*max(0, wordEvidence(bm25, f.words))
	z := math.Copysign(math.Sqrt(2*math.Abs(half)), half)
	cosine := z
	if f.null.StdDev > 0 {
		cosine = f.null.Mean + z*f.null.StdDev
	}
	return float32(cosine - 1e-4) // for what rounding has lost
}

// patience is how long a question waits for a keyword index that is being filled, before it does without.
const patience = 2 * time.Second

// depth is how many hits each leg is asked for at least.
const depth = 50

// rankBoth ranks by vectors and words. Every chunk that the filter admits is a hit, and has both scores. Where there is no
// keyword index yet, or the disk has no room for one, vectors rank alone.
func (s *Service) rankBoth(ctx context.Context, c models.Collection, p plan, k int) (ranking, error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	words, err := s.words.Get(waiting, c)
	cancel()
	if ctx.Err() == nil && (errors.Is(err, context.DeadlineExceeded) || db.DiskFailed(err)) {
		return s.rankVectors(ctx, c, p, k)
	}
	if err != nil {
		return ranking{}, err
	}
	vectors, err := s.index.Get(ctx, c)
	if err != nil {
		return ranking{}, err
	}
	k = max(k, headRows)
	b := both{plan: p, vectors: vectors, fusion: s.fusionOf(c, p), places: map[uint64]int{}}
	near := index.Query{Vector: p.vector, K: max(k, depth), Allow: p.allow, Exact: p.exact}
	cores.Enter()
	defer cores.Leave()
	hits, err := b.ask(ctx, words, near)
	if err != nil {
		return ranking{}, err
	}
	defer b.words.Close()
	start := time.Now()
	r := ranking{mode: Hybrid, complete: len(hits) < near.K}
	if err := b.fuse(ctx, hits, near.K, k); err != nil {
		return r, err
	}
	b.sort()
	if err := b.feedBack(); err != nil {
		return r, err
	}
	r.chunks, r.documents = admitted(c, p)
	if p.least > 0 {
		if err := b.relevant(ctx); err != nil {
			return r, err
		}
		r.complete, r.chunks, r.documents = true, len(b.hits), len(group(b.hits, ByDocument))
	} else if len(b.hits) > k {
		r.complete, b.hits = false, b.hits[:k]
	}
	b.took.Fusion = time.Since(start)
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
	places  map[uint64]int // of an id among hits
	took    timing
}

// ask asks both legs, at the same time if there is a core for each.
func (b *both) ask(ctx context.Context, words *lexical.Index, near index.Query) (hits []index.Hit, err error) {
	var leg sync.WaitGroup
	var failed error
	leg.Add(1)
	search := func(int) {
		defer leg.Done()
		start := time.Now()
		b.words, failed = words.Search(ctx, b.plan.words, b.plan.allow)
		b.took.Lexical = time.Since(start)
	}
	if cores.Idle() {
		cores.Elsewhere(1, search)
	} else {
		search(0)
	}
	start := time.Now()
	hits, err = b.vectors.Search(ctx, near)
	if len(b.sample) > 0 { // here, since words take longer
		b.null = nullOf(b.sample, b.plan.vector)
	}
	b.took.Semantic = time.Since(start)
	leg.Wait()
	if err = errors.Join(err, failed); err != nil && b.words != nil {
		b.words.Close()
	}
	return hits, err
}

// fuse collects candidates until the best k of all chunks are among them: a chunk that is not has a cosine of at most that
// of the last of near, and too few words to make up for it. Those that may have enough are looked up by falling words, ever more at a
// time, since each that is found leaves less to look for.
func (b *both) fuse(ctx context.Context, near []index.Hit, asked, k int) error {
	for i, h := range near {
		b.add(h, i+1, 0)
	}
	if len(near) < asked { // these are all there are
		return nil
	}
	top := b.words.Top(depth)
	if err := b.lookUp(ctx, top, 0, 0); err != nil {
		return err
	}
	last := near[len(near)-1].Score
	rest := b.words.Above(b.enoughWords(last, b.kth(k)))
	for from, n := len(top), depth; from < len(rest); from, n = from+n, 2*n {
		bar := b.kth(k)
		part := rest[from:min(from+n, len(rest))]
		if part[0].Score < b.enoughWords(last, bar) {
			return nil
		}
		if err := b.lookUp(ctx, part, from, b.enoughCosine(part[0].Score, bar)); err != nil {
			return err
		}
	}
	return nil
}

// relevant keeps the hits that are relevant enough, and adds those that stand further down.
func (b *both) relevant(ctx context.Context) error {
	all := index.Query{
		Vector: b.plan.vector, K: max(b.vectors.Len(), 1), Allow: b.plan.allow, MinScore: minScore(b.plan.least, b.plan.null), Exact: b.plan.exact,
	}
	near, err := b.vectors.Search(ctx, all)
	if err != nil {
		return err
	}
	clear(b.places)
	for i, h := range b.hits {
		b.places[h.ID] = i
	}
	for i, h := range near {
		if at, ok := b.places[h.ID]; ok {
			b.hits[at].Semantic.Rank = i + 1
		} else {
			b.add(h, i+1, 0)
		}
	}
	if err := b.lookUp(ctx, b.words.Above(minWords(b.plan.least, b.words.Most)), 0, 0); err != nil {
		return err
	}
	b.hits = slices.DeleteFunc(b.hits, func(h scored) bool { return h.Relevance < b.plan.least })
	b.sort()
	return nil
}

func (b *both) sort() { slices.SortFunc(b.hits, byScore) }

func byScore(x, y scored) int {
	return index.Compare(index.Hit{ID: x.ID, Score: x.Score}, index.Hit{ID: y.ID, Score: y.Score})
}

// kth is the k-th best score, or the worst where there are fewer.
func (b *both) kth(k int) float32 {
	scores := make([]float32, len(b.hits))
	for i, h := range b.hits {
		scores[i] = h.Score
	}
	slices.Sort(scores)
	return scores[len(scores)-min(k, len(scores))]
}

// lookUp adds hits of the keyword index that vectors have not found and whose cosine is at least low; 0 adds all. The first of them has
// the place after that of before others.
func (b *both) lookUp(ctx context.Context, hits []lexical.Hit, before int, low float32) error {
	var missing []uint64
	for i, h := range hits {
		if at, ok := b.places[h.ID]; ok {
			b.hits[at].Lexical.Rank = before + i + 1
		} else {
			missing = append(missing, h.ID)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing) // a set is filled many times as fast in order
	ids := roaring64.BitmapOf(missing...)
	found, err := b.vectors.Search(ctx, index.Query{Vector: b.plan.vector, K: len(missing), Allow: ids, MinScore: low, Exact: true})
	if err != nil || len(found) == 0 {
		return err
	}
	cosines := make(map[uint64]index.Hit, len(found))
	for _, h := range found {
		cosines[h.ID] = h
	}
	for i, h := range hits {
		if near, ok := cosines[h.ID]; ok {
			b.add(near, 0, before+i+1)
		}
	}
	return nil
}

func (b *both) add(h index.Hit, near, words int) {
	b.places[h.ID] = len(b.hits)
	bm25 := b.words.Score(h.ID)
	b.hits = append(b.hits, scored{
		ID: h.ID, Score: b.score(h.Score, bm25),
		Relevance: max(relevance(h.Score, b.plan.null), wordRelevance(bm25, b.words.Most)),
		Semantic:  Leg{Score: h.Score, Evidence: float32(b.z(h.Score)), Rank: near},
		Lexical:   wordLeg(bm25, words, b.words),
	})
}

package search

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/hf"
	"searchd/index"
	"searchd/models"
	"searchd/models/db"
)

// plan is a question made ready for ranking: what is asked, and which chunks may answer.
type plan struct {
	mode   Mode
	words  string            // the question; empty where only a vector was given
	vector []float32         // of unit length
	allow  *roaring64.Bitmap // chunks that the filter admits, and that have the phrases; nil admits all
	loose  bool              // nothing has the phrases, and they are not insisted on
	least  float64           // relevance below which nothing is answered
	null   hf.Null           // of the collection's model
	exact  bool              // every vector is looked at
	newest uint64            // documents with a higher Seq are left out; 0 admits all
}

// ranking is the best chunks of a collection for a plan.
type ranking struct {
	hits      []scored // best first, ties by id
	complete  bool     // there are no more
	chunks    int      // in the whole ranking, exact
	documents int      // the same, in documents
	mode      Mode     // the one that was used
	weight    float64  // of a standard deviation of words in a hybrid ranking; 0 until the collection has been measured
	took      timing
}

// scored is a chunk and why it stands where it does.
type scored struct {
	ID        uint64
	Score     float32 // orders
	Relevance float64 // 0 to 1
	Semantic  Leg
	Lexical   Leg
	Feedback  Leg // of how much it is like the best hits; nothing where it was not asked
}

// Leg is what one way of finding has to say about a chunk.
type Leg struct {
	Score    float32 // its own: a cosine, or BM25
	Evidence float32 // the same in standard deviations above chance
	Rank     int     // its place among the hits of this leg, from 1; 0 where it was not among those looked at
}

// timing is how long each leg took, and to make one ranking of both.
type timing struct{ Semantic, Lexical, Fusion time.Duration }

// rank answers the best k chunks; all where only relevant ones are asked for.
func (s *Service) rank(ctx context.Context, c models.Collection, p plan, k int) (ranking, error) {
	switch p.mode {
	case Lexical:
		return s.rankWords(ctx, c, p, k)
	case Hybrid:
		return s.rankBoth(ctx, c, p, k)
	}
	return s.rankVectors(ctx, c, p, k)
}

// rankVectors ranks by cosines alone. Every chunk that the filter admits is a hit.
func (s *Service) rankVectors(ctx context.Context, c models.Collection, p plan, k int) (ranking, error) {
	x, err := s.index.Get(ctx, c)
	if err != nil {
		return ranking{}, err
	}
	if p.least > 0 { // only the scores say how many there are
		k = max(x.Len(), 1)
	}
	start := time.Now()
	hits, err := x.Search(ctx, index.Query{Vector: p.vector, K: k, Allow: p.allow, MinScore: minScore(p.least, p.null), Exact: p.exact})
	if err != nil {
		return ranking{}, err
	}
	r := ranking{mode: Semantic, complete: p.least > 0 || len(hits) < k, took: timing{Semantic: time.Since(start)}, hits: make([]scored, len(hits))}
	for i, h := range hits {
		leg := Leg{Score: h.Score, Evidence: float32(fusion{null: p.null}.z(h.Score)), Rank: i + 1}
		r.hits[i] = scored{ID: h.ID, Score: h.Score, Relevance: relevance(h.Score, p.null), Semantic: leg}
	}
	r.chunks, r.documents = admitted(c, p)
	if p.least > 0 {
		r.chunks, r.documents = len(hits), len(group(r.hits, ByDocument))
	}
	return r, nil
}

// admitted counts the chunks and documents that a plan's filter admits.
func admitted(c models.Collection, p plan) (chunks, documents int) {
	if p.allow == nil {
		return c.Chunks, c.Documents
	}
	return int(p.allow.GetCardinality()), db.CountDocuments(p.allow)
}

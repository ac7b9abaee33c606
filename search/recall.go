package search

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/index"
	"searchd/models"
)

// Recall is how well a collection's index does beside an exact search: the share of the ten nearest chunks that it finds.
type Recall struct {
	Vectors, Queries int           // there are, were asked
	Mean, Least      float64       // over all queries, and of the worst of them; 1 without queries
	Index, Exact     time.Duration // of a query, mean
}

const (
	recallDepth = 10
	// disturbance is the length of what is added to a vector of length 1, so that a query is not its own answer only: about
	// as far off as a question is from the passage that answers it.
	disturbance = 0.75
)

// Recall takes sample of the collection's own vectors and asks for each of them and for a disturbed one. Equal scores stand
// for each other.
func (s *Service) Recall(ctx context.Context, c models.Collection, sample int) (Recall, error) {
	x, err := s.index.Get(ctx, c)
	if err != nil {
		return Recall{}, err
	}
	ids, err := s.db.VectorIDs(ctx, c.ID)
	if err != nil {
		return Recall{}, err
	}
	m := measurement{index: x, Recall: Recall{Vectors: x.Len(), Mean: 1, Least: 1}}
	err = s.db.VectorsOf(ctx, c.ID, spread(ids, sample), func(_ uint64, v []float32) error {
		for _, q := range [][]float32{v, disturbed(v)} {
			if err := m.ask(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Recall{}, err
	}
	if n := m.Queries; n > 0 {
		m.Mean = m.sum / float64(n)
		m.Index, m.Exact = m.Index/time.Duration(n), m.Exact/time.Duration(n)
	}
	s.recalls.Store(c.ID, m.Mean)
	return m.Recall, nil
}

// LastRecall is the mean that Recall has last measured of a collection in this process, if it has.
func (s *Service) LastRecall(collection uint64) (mean float64, ok bool) {
	v, ok := s.recalls.Load(collection)
	if ok {
		mean = v.(float64)
	}
	return mean, ok
}

// measurement adds up; its times are sums.
type measurement struct {
	Recall
	index index.Index
	sum   float64
}

func (m *measurement) ask(ctx context.Context, v []float32) error {
	q := index.Query{Vector: v, K: recallDepth}
	start := time.Now()
	found, err := m.index.Search(ctx, q)
	if err != nil {
		return err
	}
	m.Index += time.Since(start)
	q.Exact, start = true, time.Now()
	best, err := m.index.Search(ctx, q)
	if err != nil {
		return err
	}
	m.Exact += time.Since(start)
	share := 1.0
	if n := len(best); n > 0 {
		short := slices.IndexFunc(found, func(h index.Hit) bool { return h.Score < best[n-1].Score })
		if short < 0 {
			short = len(found)
		}
		share = float64(min(short, n)) / float64(n)
	}
	m.Queries++
	m.sum += share
	m.Least = min(m.Least, share)
	return nil
}

// spread takes n ids at even distances from a place by chance.
func spread(ids *roaring64.Bitmap, n int) []uint64 {
	all := ids.ToArray()
	n = min(n, len(all))
	if n == 0 {
		return nil
	}
	some, first := make([]uint64, n), rand.IntN(len(all))
	for i := range some {
		some[i] = all[(first+i*len(all)/n)%len(all)]
	}
	return some
}

// disturbed is a vector of unit length some way off v.
func disturbed(v []float32) []float32 {
	noise := make([]float32, len(v))
	for i := range noise {
		noise[i] = float32(rand.NormFloat64())
	}
	noise = models.Normalize(noise)
	for i := range noise {
		noise[i] = v[i] + disturbance*noise[i]
	}
	return models.Normalize(noise)
}

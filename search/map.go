package search

import (
	"context"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/hf"
	"searchd/index"
	"searchd/models"
	"searchd/models/db"
)

// Limits of a map.
const (
	DefaultMapSample = 1000
	MaxMapSample     = 5000
	mapHits          = 10
	maxMaps          = 16 << 20 // bytes of the maps that are remembered
)

// Place is a point of a map.
type Place struct{ X, Y float64 }

// Point is a passage on a map.
type Point struct {
	Place
	Chunk uint64
	db.Label
	Rank int // among the passages nearest to the query, from 1; 0 where it is none of them
}

// Map is a collection in two dimensions: those in which its vectors differ most.
type Map struct {
	Points   []Point // a sample of the passages in the order in which they were taken in, then those of the hits that are not among them
	Passages int     // there are in the collection
	Share    [2]float64
	Query    *Place // nil without a query
}

// MapRequest asks for a map. By is a metadata key whose first value is read for each point; it may be empty, as may Query.
type MapRequest struct {
	Sample    int
	By, Query string
}

// drawn is what of a map does not depend on what is asked of it.
type drawn struct {
	plane
	chunks   []uint64
	places   []Place
	passages int
}

// mapOf names what there is one map of.
type mapOf struct {
	collection, change uint64
	sample             int
}

// Map draws a collection. The principal components are those of a sample at even distances; they are remembered until the
// collection changes, so that a query is placed in the time of a search.
func (s *Service) Map(ctx context.Context, c models.Collection, r MapRequest) (Map, error) {
	if err := checkMap(r); err != nil {
		return Map{}, err
	}
	d, err := s.drawn(ctx, c, r.Sample)
	if err != nil || len(d.chunks) == 0 {
		return Map{}, err
	}
	m := Map{Passages: d.passages, Share: d.share, Points: make([]Point, len(d.chunks))}
	for i, chunk := range d.chunks {
		m.Points[i] = Point{Place: d.places[i], Chunk: chunk}
	}
	if r.Query != "" {
		if err := s.locate(ctx, c, d, r.Query, &m); err != nil {
			return Map{}, err
		}
	}
	return m, s.label(ctx, c, r.By, &m)
}

func checkMap(r MapRequest) error {
	if r.Sample < 1 || r.Sample > MaxMapSample {
		return models.Errorf(models.Invalid, "sample", "is %d; it can be 1 to %d", r.Sample, MaxMapSample)
	}
	if r.By != "" {
		if err := models.CheckKey("by", r.By); err != nil {
			return err
		}
	}
	if r.Query != "" {
		return checkQuery(r.Query)
	}
	return nil
}

func (s *Service) drawn(ctx context.Context, c models.Collection, sample int) (*drawn, error) {
	at := mapOf{c.ID, s.db.Change(c.ID), sample}
	if known, ok := s.maps.Get(at); ok {
		return known, nil
	}
	ids, err := s.db.VectorIDs(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	d := &drawn{passages: int(ids.GetCardinality())}
	vectors := make([][]float32, 0, sample)
	err = s.db.VectorsOf(ctx, c.ID, evenly(ids, sample), func(chunk uint64, v []float32) error {
		d.chunks, vectors = append(d.chunks, chunk), append(vectors, v)
		return nil
	})
	if err != nil || len(vectors) == 0 {
		return d, err
	}
	if d.plane, err = principal(ctx, vectors); err != nil {
		return nil, err
	}
	for _, v := range vectors {
		d.places = append(d.places, d.of(v))
	}
	s.maps.Put(at, d, 24*len(d.chunks)+24*c.Dimensions)
	return d, nil
}

// evenly takes n ids at even distances, the first among them.
func evenly(ids *roaring64.Bitmap, n int) []uint64 {
	all := ids.ToArray()
	n = min(n, len(all))
	some := make([]uint64, n)
	for i := range some {
		some[i] = all[i*len(all)/n]
	}
	return some
}

// locate puts the query and the passages nearest to it on the map.
func (s *Service) locate(ctx context.Context, c models.Collection, d *drawn, query string, m *Map) error {
	model, err := hf.ModelOf(s.models, c)
	if err != nil {
		return err
	}
	e, err := model.Embed(ctx, hf.Query, []string{query})
	if err != nil {
		return fmt.Errorf("embed the query: %w", err)
	}
	place := d.of(e[0].Vector)
	m.Query = &place
	x, err := s.index.Get(ctx, c)
	if err != nil {
		return err
	}
	hits, err := x.Search(ctx, index.Query{Vector: e[0].Vector, K: mapHits})
	if err != nil {
		return err
	}
	return s.mark(ctx, c, d, hits, m)
}

// mark gives the hits their rank, and those that are not in the sample a point.
func (s *Service) mark(ctx context.Context, c models.Collection, d *drawn, hits []index.Hit, m *Map) error {
	rank := make(map[uint64]int, len(hits))
	for i, h := range hits {
		rank[h.ID] = i + 1
	}
	for i := range m.Points {
		m.Points[i].Rank = rank[m.Points[i].Chunk]
		delete(rank, m.Points[i].Chunk)
	}
	var rest []uint64
	for _, h := range hits {
		if rank[h.ID] > 0 {
			rest = append(rest, h.ID)
		}
	}
	return s.db.VectorsOf(ctx, c.ID, rest, func(chunk uint64, v []float32) error {
		m.Points = append(m.Points, Point{Place: d.of(v), Chunk: chunk, Rank: rank[chunk]})
		return nil
	})
}

// label says which document each point is of, and leaves out those that are gone since the map was drawn.
func (s *Service) label(ctx context.Context, c models.Collection, by string, m *Map) error {
	chunks := make([]uint64, len(m.Points))
	for i, p := range m.Points {
		chunks[i] = p.Chunk
	}
	labels, err := s.db.Labels(ctx, c.ID, chunks, by)
	if err != nil {
		return err
	}
	kept := m.Points[:0]
	for _, p := range m.Points {
		if l, ok := labels[models.DocumentSeq(p.Chunk)]; ok {
			p.Label = l
			kept = append(kept, p)
		}
	}
	m.Points = kept
	return nil
}

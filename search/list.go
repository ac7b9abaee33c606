package search

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/models"
	"searchd/models/db"
)

// listing is what the pages of a request show.
type listing struct {
	rows   []row // the first ones
	whole  bool  // there are no more
	total  int   // exact
	ranked ranking
	rerank time.Duration // how long the cross-encoder took
}

// list answers at least the first need rows, or all there are.
func (s *Service) list(ctx context.Context, c models.Collection, p plan, r Request, need int) (listing, error) {
	if r.CollapseDuplicates || r.Diversity > 0 {
		need += window // of which any number may be folded
	}
	if r.Rerank {
		need = max(need, rerankDepth)
	}
	perRow := 1
	if r.Group == ByDocument && c.Documents > 0 {
		perRow = c.Chunks/c.Documents + 1
	}
	for k := need * perRow; ; k *= 2 {
		ranked, err := s.rank(ctx, c, p, k)
		if err != nil {
			return listing{}, err
		}
		groups := group(until(p.newest, ranked.hits), r.Group)
		if len(groups) < need && !ranked.complete {
			continue // a few documents have taken all places
		}
		return s.present(ctx, c, groups, ranked, r)
	}
}

// present makes the rows of a ranking.
func (s *Service) present(ctx context.Context, c models.Collection, groups []scored, ranked ranking, r Request) (listing, error) {
	rows := make([]row, len(groups))
	for i, g := range groups {
		rows[i] = row{scored: g, place: i + 1}
	}
	l := listing{whole: ranked.complete, total: ranked.chunks, ranked: ranked}
	if r.Group == ByDocument {
		l.total = ranked.documents
	}
	if r.Rerank {
		start := time.Now()
		if err := s.rerank(ctx, r, rows); err != nil {
			return listing{}, err
		}
		l.rerank = time.Since(start)
	}
	var err error
	l.rows, err = s.vary(ctx, c.ID, rows, r)
	l.total -= len(rows) - len(l.rows)
	return l, err
}

// until leaves out documents that are newer than newest; 0 leaves none out.
func until(newest uint64, hits []scored) []scored {
	if newest == 0 {
		return hits
	}
	return slices.DeleteFunc(hits, func(h scored) bool { return models.DocumentSeq(h.ID) > newest })
}

// group keeps the best chunk of each document.
func group(hits []scored, by Group) []scored {
	if by == ByChunk {
		return hits
	}
	seen := make(map[uint64]bool, len(hits))
	groups := make([]scored, 0, len(hits))
	for _, h := range hits {
		if seq := models.DocumentSeq(h.ID); !seen[seq] {
			seen[seq] = true
			groups = append(groups, h)
		}
	}
	return groups
}

// count answers facets of a set of documents; nil is the whole collection.
func (s *Service) count(ctx context.Context, c models.Collection, keys []string, among *roaring64.Bitmap, answer *Response) (err error) {
	if len(keys) == 0 {
		return nil
	}
	start := time.Now()
	answer.Facets = make(map[string]db.Facet, len(keys))
	for _, key := range keys {
		if answer.Facets[key], err = s.db.Facet(ctx, c.ID, key, among, MaxFacetValues); err != nil {
			return fmt.Errorf("facet %q: %w", key, err)
		}
	}
	answer.spent("facets", time.Since(start))
	return nil
}

// among is the set of all hits, which facets are counted over: what the filter admits, unless fewer were found. Nil is
// the whole collection.
func (s *Service) among(ctx context.Context, c models.Collection, p plan, r Request, ranked ranking) (*roaring64.Bitmap, error) {
	if len(r.Facets) == 0 {
		return nil, nil
	}
	if _, documents := admitted(c, p); documents == ranked.documents {
		return p.allow, nil
	}
	if !ranked.complete {
		var err error
		if ranked, err = s.rank(ctx, c, p, max(ranked.chunks, 1)); err != nil {
			return nil, err
		}
	}
	set := roaring64.New()
	for _, h := range ranked.hits {
		set.Add(firstChunk(h.ID)) // which is what facets look for
	}
	return set, nil
}

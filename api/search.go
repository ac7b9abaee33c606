package api

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

func (s *Server) searchByQuery(c *fiber.Ctx) error {
	p := query(c, "q", "limit", "offset", "cursor", "mode", "filter", "min_relevance", "group_by", "facets", "explain", "highlight", "rerank")
	r := search.Request{
		Query: p.values.Get("q"), Mode: search.Mode(p.values.Get("mode")), Group: search.Group(p.values.Get("group_by")),
		Limit:  p.int("limit", search.DefaultLimit, 1, search.MaxLimit),
		Offset: p.int("offset", 0, 0, search.MaxOffset), Cursor: p.values.Get("cursor"),
		Filter: p.filter("filter"), MinRelevance: p.float("min_relevance"), Facets: p.list("facets"),
	}
	p.notEmpty("mode", "group_by")
	r.Highlight, r.Rerank = p.bool("highlight"), p.bool("rerank")
	explain := p.bool("explain")
	if p.err != nil {
		return p.err
	}
	if err := s.answer(c, r, explain); err != nil {
		return renamed(err, "query", "q")
	}
	return nil
}

// renamed puts the name that a GET has for a field in place of the body's.
func renamed(err error, from, to string) error {
	var e *models.Error
	if errors.As(err, &e) && e.Field == from {
		e.Field = to
	}
	return err
}

func (s *Server) searchByBody(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	var body wire.SearchRequest
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	r, err := s.searchRequest(c.UserContext(), body, search.DefaultLimit)
	if err != nil {
		return err
	}
	return s.answer(c, r, body.Explain)
}

// searchRequest reads the fields of a search; limit is the one that holds where the body gives none.
func (s *Server) searchRequest(ctx context.Context, body wire.SearchRequest, limit int) (r search.Request, err error) {
	filter, err := parseFilter(body.Filter)
	if err != nil {
		return search.Request{}, err
	}
	r = search.Request{
		Query: body.Query, Vector: body.Vector, Mode: search.Mode(body.Mode), Group: search.Group(body.GroupBy),
		Limit: lo.FromPtrOr(body.Limit, limit), Offset: body.Offset, Cursor: lo.FromPtr(body.Cursor), Filter: filter, MinRelevance: body.MinRelevance,
		Like: body.Like, Unlike: body.Unlike, Facets: body.Facets, Diversity: body.Diversity,
		CollapseDuplicates: body.CollapseDuplicates, Neighbours: body.Neighbours, Exact: body.Exact,
		Rerank: body.Rerank, RerankModel: body.RerankModel, RerankProvider: body.RerankProvider, Highlight: body.Highlight,
	}
	if r.Rerank && r.RerankProvider != "" {
		r.Reranker, err = s.Tasks.Reranker(ctx, r.RerankProvider, r.RerankModel)
	}
	return r, err
}

func (s *Server) answer(c *fiber.Ctx, r search.Request, explain bool) error {
	start := time.Now()
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	found, err := s.Search.Search(c.UserContext(), collection, r)
	if err != nil {
		return err
	}
	answer := wire.SearchAnswer{
		Hits: wireHits(found.Hits, explain), Total: found.Total, TotalRelation: "exact", Mode: string(found.Mode), Model: found.Model,
		QueryTruncated: found.QueryTruncated, PhrasesMissing: found.PhrasesMissing,
	}
	if found.NextCursor != "" {
		answer.NextCursor = &found.NextCursor
	}
	addFacets(&answer, found.Facets)
	if explain {
		answer.WordWeight = found.WordWeight
		answer.TimingsMS = map[string]float64{}
		for _, p := range found.Phases {
			answer.TimingsMS[p.Name] += milliseconds(p.Took)
		}
	}
	answer.TookMS = milliseconds(time.Since(start))
	return send(c, answer)
}

func addFacets(answer *wire.SearchAnswer, facets map[string]db.Facet) {
	if len(facets) == 0 {
		return
	}
	answer.Facets, answer.FacetsLeftOut = map[string]wire.Counts{}, map[string]int{}
	for key, f := range facets {
		answer.Facets[key] = lo.Map(f.Values, func(c db.Count, _ int) wire.Count { return wire.Count(c) })
		if f.LeftOut > 0 {
			answer.FacetsLeftOut[key] = f.LeftOut
		}
	}
}

func wireHits(hits []search.Hit, explain bool) []wire.Hit {
	return lo.Map(hits, func(h search.Hit, _ int) wire.Hit {
		hit := wireHit(h)
		if explain {
			hit.Explain = wireExplain(h.Why)
		}
		return hit
	})
}

func wireHit(h search.Hit) wire.Hit {
	return wire.Hit{
		DocumentID: h.Document.ID, Chunk: wireChunk(h.Chunk), Title: h.Document.Title, URL: h.Document.URL,
		Text: h.Text, Metadata: jsontext.Value(h.Document.Metadata), Score: h.Score, Relevance: h.Relevance,
		Location: wireLocation(h.Location), Before: wireSpan(h.Before), After: wireSpan(h.After),
		Highlights: lo.Map(h.Highlights, func(s db.Span, _ int) wire.Span { return wire.Span(s) }),
		Duplicates: lo.Map(h.Duplicates, func(d search.Duplicate, _ int) wire.Duplicate {
			return wire.Duplicate{DocumentID: d.DocumentID, ChunkIndex: d.Chunk}
		}),
	}
}

// wireLocation is nil where nothing is known.
func wireLocation(l models.Location) *wire.Location {
	if l.Page == 0 && len(l.Headings) == 0 {
		return nil
	}
	return &wire.Location{Page: l.Page, Headings: l.Headings}
}

// wireSpan is nil for a span without text: there is no neighbour.
func wireSpan(s db.Span) *wire.Span {
	if s.Text == "" {
		return nil
	}
	return &wire.Span{Start: s.Start, End: s.End, Text: s.Text}
}

func wireExplain(w search.Why) *wire.Explain {
	e := &wire.Explain{Place: w.Place, Rerank: w.Reranked}
	if w.Mode != search.Lexical {
		e.Semantic = wireLeg(w.Semantic)
	}
	if w.Mode != search.Semantic {
		e.Lexical = wireLeg(w.Lexical)
	}
	if w.Feedback != (search.Leg{}) {
		e.Feedback = wireLeg(w.Feedback)
	}
	return e
}

func wireLeg(l search.Leg) *wire.Leg {
	return &wire.Leg{Score: l.Score, Evidence: l.Evidence, Rank: l.Rank}
}

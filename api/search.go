package api

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/models"
	"searchd/search"
)

func (s *Server) searchByQuery(c *fiber.Ctx) error {
	p := query(c, "q", "limit", "offset", "mode", "filter", "min_relevance", "group_by")
	r := search.Request{
		Query: p.values.Get("q"), Mode: search.Mode(p.values.Get("mode")), Group: search.Group(p.values.Get("group_by")),
		Limit:  p.int("limit", search.DefaultLimit, 1, search.MaxLimit),
		Offset: p.int("offset", 0, 0, search.MaxOffset),
		Filter: p.filter("filter"), MinRelevance: p.float("min_relevance"),
	}
	if p.err != nil {
		return p.err
	}
	if err := s.answer(c, r); err != nil {
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
	r, err := searchRequest(body, search.DefaultLimit)
	if err != nil {
		return err
	}
	return s.answer(c, r)
}

// searchRequest reads the fields of a search; limit is the one that holds where the body gives none.
func searchRequest(body wire.SearchRequest, limit int) (search.Request, error) {
	if err := refuseLater(body); err != nil {
		return search.Request{}, err
	}
	filter, err := parseFilter(body.Filter)
	if err != nil {
		return search.Request{}, err
	}
	return search.Request{
		Query: body.Query, Vector: body.Vector, Mode: search.Mode(body.Mode), Group: search.Group(body.GroupBy),
		Limit: lo.FromPtrOr(body.Limit, limit), Offset: body.Offset, Filter: filter, MinRelevance: body.MinRelevance,
	}, nil
}

// refuseLater refuses what the contract names and this release does not do, rather than ignore it. Every answer is
// exact, so exact may be asked for; highlight is a wish that an answer may leave open.
func refuseLater(r wire.SearchRequest) error {
	for _, f := range []struct {
		name  string
		asked bool
	}{
		{"like", len(r.Like) > 0}, {"unlike", len(r.Unlike) > 0}, {"cursor", r.Cursor != nil}, {"facets", len(r.Facets) > 0},
		{"diversity", r.Diversity != 0}, {"rerank", r.Rerank}, {"explain", r.Explain},
	} {
		if f.asked {
			return models.Errorf(models.Invalid, f.name, "is not there yet in this release; leave it out")
		}
	}
	return nil
}

func (s *Server) answer(c *fiber.Ctx, r search.Request) error {
	start := time.Now()
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	found, err := s.Search.Search(c.UserContext(), collection, r)
	if err != nil {
		return err
	}
	return send(c, wire.SearchAnswer{
		Hits:  wireHits(found.Hits),
		Total: found.Total, TotalRelation: "exact", Mode: string(found.Mode), Model: found.Model,
		QueryTruncated: found.QueryTruncated, TookMS: milliseconds(time.Since(start)),
	})
}

func wireHits(hits []search.Hit) []wire.Hit {
	return lo.Map(hits, func(h search.Hit, _ int) wire.Hit { return wireHit(h) })
}

func wireHit(h search.Hit) wire.Hit {
	return wire.Hit{
		DocumentID: h.Document.ID, Chunk: wireChunk(h.Chunk), Title: h.Document.Title, URL: h.Document.URL,
		Text: h.Text, Metadata: jsontext.Value(h.Document.Metadata), Score: h.Score, Relevance: h.Relevance,
	}
}

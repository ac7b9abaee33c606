package api

import (
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/models"
	"searchd/search"
)

// collectionMap draws a collection in two dimensions.
func (s *Server) collectionMap(c *fiber.Ctx) error {
	start := time.Now()
	p := query(c, "sample", "by", "q")
	r := search.MapRequest{Sample: p.int("sample", search.DefaultMapSample, 1, search.MaxMapSample), By: p.values.Get("by"), Query: p.values.Get("q")}
	if p.err != nil {
		return p.err
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	m, err := s.Search.Map(c.UserContext(), collection, r)
	if err != nil {
		return renamed(err, "query", "q")
	}
	answer := wire.Map{
		Points:   lo.Map(m.Points, func(p search.Point, _ int) wire.MapPoint { return wirePoint(p) }),
		Passages: m.Passages, Explained: m.Share[:],
	}
	if m.Query != nil {
		answer.Query = &wire.MapPlace{X: m.Query.X, Y: m.Query.Y}
	}
	answer.TookMS = milliseconds(time.Since(start))
	return send(c, answer)
}

func wirePoint(p search.Point) wire.MapPoint {
	return wire.MapPoint{
		MapPlace: wire.MapPlace{X: p.X, Y: p.Y}, DocumentID: p.ID, ChunkIndex: models.ChunkIndex(p.Chunk), Title: p.Title,
		Value: labelValue(p.Value), Rank: p.Rank,
	}
}

// labelValue is a value as JSON has it, with times in UTC; nil for none.
func labelValue(v *models.Value) any {
	switch {
	case v == nil:
		return nil
	case v.Kind == models.KindString:
		return v.Text
	case v.Kind == models.KindBool:
		return v.Number != 0
	}
	return bound(v.Kind, &v.Number)
}

package api

import (
	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
)

// Vectors of a collection that its recall is measured with.
const (
	defaultRecallSample = 100
	maxRecallSample     = 1000
)

// recall measures how many of the nearest chunks the index of a collection finds.
func (s *Server) recall(c *fiber.Ctx) error {
	p := query(c, "sample")
	sample := p.int("sample", defaultRecallSample, 1, maxRecallSample)
	if p.err != nil {
		return p.err
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	r, err := s.Search.Recall(c.UserContext(), collection, sample)
	if err != nil {
		return err
	}
	return send(c, wire.Recall{
		Vectors: r.Vectors, Queries: r.Queries, Recall: r.Mean, LeastRecall: r.Least,
		IndexMS: milliseconds(r.Index), ExactMS: milliseconds(r.Exact), IndexState: s.IndexState(collection),
	})
}

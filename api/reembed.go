package api

import (
	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
	"searchd/models"
)

// reembed has another model read the documents of a collection.
func (s *Server) reembed(c *fiber.Ctx) error {
	p := query(c, "wait")
	wait := p.wait()
	if p.err != nil {
		return p.err
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	var body wire.Reembed
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	if body.Model == "" {
		return models.Errorf(models.Invalid, "model", "is empty; name the model that is to read the documents: GET /models")
	}
	job, err := s.Ingest.Reembed(c.UserContext(), collection, body.Model)
	if err != nil {
		return err
	}
	return s.sendWhenDone(c, job, wait)
}

// deletePrevious gives up the vectors from before the last change of model.
func (s *Server) deletePrevious(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	gone, err := s.Ingest.DropPrevious(c.UserContext(), collection)
	if err != nil {
		return err
	}
	return send(c, wire.Deleted{Deleted: gone.Documents})
}

package api

import (
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/ingest"
	"searchd/models"
)

func (s *Server) createCollection(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	var body wire.NewCollection
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	made, err := s.Ingest.CreateCollection(c.UserContext(), ingest.CollectionSpec{
		Name: body.Name, Model: body.Model, Engine: string(body.Engine), Dimensions: body.Dimensions, Description: body.Description,
	})
	if err != nil {
		return err
	}
	c.Status(fiber.StatusCreated)
	return s.sendCollection(c, made)
}

func (s *Server) listCollections(c *fiber.Ctx) error {
	p := query(c, "limit", "cursor")
	page := p.page()
	if p.err != nil {
		return p.err
	}
	list, total, err := s.DB.Collections(c.UserContext(), page)
	if err != nil {
		return err
	}
	list, next := shown(list, page, func(c models.Collection) string { return c.Name })
	answers, err := s.wireCollections(c.UserContext(), list)
	if err != nil {
		return err
	}
	return send(c, wire.CollectionList{Collections: answers, Total: total, NextCursor: next})
}

func (s *Server) readCollection(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	return s.sendCollection(c, collection)
}

func (s *Server) patchCollection(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	var body wire.CollectionPatch
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	if body.Description == nil {
		return models.Errorf(models.Invalid, "", "changes nothing; give a description")
	}
	if err := models.CheckDescription("description", *body.Description); err != nil {
		return err
	}
	changed, err := s.DB.DescribeCollection(c.UserContext(), collection.Name, *body.Description)
	if err != nil {
		return err
	}
	return s.sendCollection(c, changed)
}

func (s *Server) deleteCollection(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	name, err := collectionName(c)
	if err != nil {
		return err
	}
	gone, err := s.Ingest.DropCollection(c.UserContext(), name)
	if err != nil {
		return err
	}
	return send(c, wire.Deleted{Deleted: gone.Documents})
}

func (s *Server) sendCollection(c *fiber.Ctx, collection models.Collection) error {
	answers, err := s.wireCollections(c.UserContext(), []models.Collection{collection})
	if err != nil {
		return err
	}
	return send(c, answers[0])
}

// wireCollections are collections with their generations.
func (s *Server) wireCollections(ctx context.Context, list []models.Collection) ([]wire.Collection, error) {
	others, err := s.DB.Generations(ctx, lo.Map(list, func(c models.Collection, _ int) string { return c.Name }))
	if err != nil {
		return nil, err
	}
	return lo.Map(list, func(c models.Collection, _ int) wire.Collection {
		answer := wire.Collection{
			Name: c.Name, Description: c.Description, Model: c.Model, Revision: c.Revision, Dimensions: c.Dimensions,
			Pooling: c.Pooling, Engine: c.Engine, Documents: c.Documents, Chunks: c.Chunks, IndexState: s.IndexState(c),
			CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
		}
		for _, other := range others[c.Name] {
			g := &wire.Generation{Model: other.Model, Revision: other.Revision, Dimensions: other.Dimensions, Documents: other.Documents, Chunks: other.Chunks}
			if other.Generation == models.Building {
				answer.Building = g
			} else {
				answer.Previous = g
			}
		}
		return answer
	}), nil
}

package api

import (
	"context"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/tasks"
)

// openAIModels lists what a client may name.
func (s *Server) openAIModels(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	list, err := s.namedModels(c.UserContext())
	if err != nil {
		return err
	}
	return send(c, wire.OpenAIModels{Object: "list", Data: list})
}

// openAIModel answers one of them. An id has a slash, which some clients encode.
func (s *Server) openAIModel(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	list, err := s.namedModels(c.UserContext())
	if err != nil {
		return err
	}
	id, err := url.PathUnescape(c.Params("*"))
	if err != nil {
		id = c.Params("*") // which is the id of no model
	}
	for _, m := range list {
		if m.ID == id {
			return send(c, m)
		}
	}
	return hf.NoModel(id, "model")
}

// namedModels are the models here, and those that the providers are set to.
func (s *Server) namedModels(ctx context.Context) ([]wire.OpenAIModel, error) {
	list := []wire.OpenAIModel{}
	for _, card := range s.Models.Cards() {
		list = append(list, wire.OpenAIModel{ID: card.ID, Object: "model", OwnedBy: tasks.Local})
	}
	providers, err := s.DB.Providers(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range providers {
		for _, id := range []string{p.Configuration.DefaultModel, p.Configuration.EmbeddingModel} {
			if id != "" {
				list = append(list, wire.OpenAIModel{ID: id, Object: "model", Created: p.CreatedAt.Unix(), OwnedBy: p.ProviderID})
			}
		}
	}
	return list, nil
}

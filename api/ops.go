package api

import (
	_ "embed"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/hf/catalog"
	"searchd/hf/gateway"
	"searchd/internal/metrics"
)

//go:embed openapi.yaml
var openapiYAML []byte

func (s *Server) openapi(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "application/yaml")
	return c.Send(openapiYAML)
}

// health says that the process answers.
func (s *Server) health(c *fiber.Ctx) error {
	return send(c, map[string]string{"status": "ok", "version": s.Version})
}

// ready says that the store can be read, and which indexes are slow or fail.
func (s *Server) ready(c *fiber.Ctx) error {
	type readiness struct {
		Status   string   `json:"status"`
		Degraded []string `json:"degraded"`
	}
	if err := s.DB.Ping(c.UserContext()); err != nil {
		s.Log.Error("store not readable", "error", err)
		c.Status(fiber.StatusServiceUnavailable)
		return send(c, readiness{Status: "unavailable", Degraded: []string{"store"}})
	}
	return send(c, readiness{Status: "ok", Degraded: s.Degraded()})
}

// metrics shows what the process does, to Prometheus.
func (s *Server) metrics(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, metrics.ContentType)
	if err := s.Metrics.Write(c.Response().BodyWriter()); err != nil {
		s.Log.Error("metrics incomplete", "error", err)
	}
	return nil
}

// listModels is the catalogue: first what runs in this process, then what is known of others and where they can run.
func (s *Server) listModels(c *fiber.Ctx) error {
	p := query(c, "task")
	if p.err != nil {
		return p.err
	}
	task := p.values.Get("task")
	answer := wire.ModelList{Models: []wire.Model{}}
	cards := s.Models.Cards()
	for i, card := range cards {
		if task != "" && task != card.Task {
			continue
		}
		known, _ := s.Tasks.Catalog.Model(card.ID)
		answer.Models = append(answer.Models, wire.Model{
			ID: card.ID, Revision: card.Revision, Task: card.Task, Architecture: card.Architecture, Parameters: card.Parameters,
			Dimensions: card.Dimensions, MaxTokens: card.MaxTokens, Pooling: card.Pooling, Licence: card.Licence,
			Precision: card.Precision, Arithmetic: card.Arithmetic, Runs: lo.Uniq(append([]string{card.Source}, places(known)...)), Default: i == 0,
			Hosted: known.Hosted(), Price: s.price(known),
		})
	}
	for _, m := range s.Tasks.Catalog.All(task) {
		if lo.ContainsBy(cards, func(card hf.Card) bool { return card.ID == m.ID }) {
			continue
		}
		answer.Models = append(answer.Models, wire.Model{
			ID: m.ID, Task: m.Task, Architecture: m.Architecture, Parameters: m.Parameters, Dimensions: m.Dimensions,
			MaxTokens: m.MaxInputTokens, Licence: m.Licence, Runs: places(m),
			Hosted: m.Hosted(), Price: s.price(m),
		})
	}
	answer.Total = len(answer.Models)
	return send(c, answer)
}

// price is what hosted Hugging Face takes for a million characters, where it serves the model.
func (s *Server) price(m catalog.Model) float64 {
	if !m.RunsAt(catalog.Router) {
		return 0
	}
	return gateway.Estimate(s.Tasks.Tier, 1_000_000)
}

// places are where a model can run, in words.
func places(m catalog.Model) []string {
	return lo.Map(m.Runs, func(p catalog.Place, _ int) string { return string(p) })
}

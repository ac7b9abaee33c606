package api

import (
	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
)

// hubFeatures answers a vector for a text, and a list of vectors for a list.
func (s *Server) hubFeatures(c *fiber.Ctx, model string, body wire.HubRequest) error {
	v, err := s.hubVectors(c, model, body)
	if err != nil {
		return err
	}
	if rows := v.rows(); len(rows) == 1 && body.Inputs.Kind() != '[' {
		return send(c, rows[0])
	}
	return send(c, v.rows())
}

// hubVectors embeds a request's inputs, and tells the cost in headers.
func (s *Server) hubVectors(c *fiber.Ctx, model string, body wire.HubRequest) (vectors, error) {
	in, err := parseInput("inputs", body.Inputs)
	if err != nil {
		return vectors{}, err
	}
	o := body.EmbedOptions
	if err := parameters(body, &o); err != nil { // some clients put them there
		return vectors{}, err
	}
	r, err := readingOf(o)
	if err != nil {
		return vectors{}, err
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	v, err := s.embedInput(ctx, modelName(model), "inputs", in, r)
	if err == nil {
		v.tellCost(c, in.characters())
	}
	return v, err
}

// hubSimilarity answers the cosines of a sentence and others.
func (s *Server) hubSimilarity(c *fiber.Ctx, model string, body wire.HubRequest) error {
	var pairs wire.SimilarityInputs
	if err := unmarshal(body.Inputs, &pairs); err != nil {
		return within("inputs", explainJSON(err))
	}
	o := body.EmbedOptions
	if err := parameters(body, &o); err != nil {
		return err
	}
	scores, err := s.similarities(c, modelName(model), pairs, o)
	if err != nil {
		return err
	}
	return send(c, scores)
}

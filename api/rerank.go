package api

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/models"
)

// openAIRerank orders documents as Cohere and Jina do, with a cross-encoder of this process.
func (s *Server) openAIRerank(c *fiber.Ctx) error {
	var body wire.RerankRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	texts, err := rerankTexts(body.Documents)
	if err != nil {
		return err
	}
	most := len(texts)
	if n := body.TopN; n != nil {
		if *n < 1 {
			return models.Errorf(models.Invalid, "top_n", "is %d; it must be 1 or more", *n)
		}
		most = min(most, *n)
	}
	ranks, card, err := s.rank(modelName(body.Model), body.Query, texts)
	if err != nil {
		return err
	}
	answer := wire.Reranked{ID: "rerank-" + requestID(c), Model: card.ID, Results: make([]wire.RerankResult, most)}
	for i, r := range ranks[:most] {
		answer.Results[i] = wire.RerankResult{Index: r.index, RelevanceScore: sigmoid(r.score)}
		if body.ReturnDocuments {
			answer.Results[i].Document = &wire.RerankDocument{Text: texts[r.index]}
		}
	}
	return send(c, answer)
}

// rerankTexts reads documents: strings, or objects with a text.
func rerankTexts(list []jsontext.Value) ([]string, error) {
	if err := checkCount("documents", len(list)); err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	for i, raw := range list {
		var document struct {
			Text string `json:"text"`
		}
		var err error
		if raw.Kind() == jsontext.KindString {
			err = json.Unmarshal(raw, &document.Text)
		} else {
			err = json.Unmarshal(raw, &document)
		}
		at := fmt.Sprintf("documents[%d]", i)
		if err != nil {
			return nil, models.Errorf(models.Invalid, at, "must be a string, or an object with a text")
		}
		if document.Text == "" {
			return nil, empty(at)
		}
		texts[i] = document.Text
	}
	return texts, nil
}

func checkCount(field string, n int) error {
	switch {
	case n == 0:
		return empty(field)
	case n > maxInputs:
		return models.Errorf(models.Invalid, field, "has %d texts; at most %d are allowed: send several requests", n, maxInputs)
	}
	return nil
}

// ranked is a text's place and the model's score.
type ranked struct {
	index int
	score float64
}

// rank orders texts by how well they answer a query; equal scores keep their order.
func (s *Server) rank(model, query string, texts []string) ([]ranked, hf.Card, error) {
	if query == "" {
		return nil, hf.Card{}, empty("query")
	}
	m, err := s.Models.Reranker(model)
	if err != nil {
		return nil, hf.Card{}, err
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	scores, err := rerank(ctx, m, query, texts)
	if err != nil {
		return nil, hf.Card{}, err
	}
	list := make([]ranked, len(texts))
	for i, score := range scores {
		list[i] = ranked{i, float64(score)}
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return cmp.Compare(b.score, a.score) })
	return list, m.Card(), nil
}

func rerank(ctx context.Context, m hf.Reranker, query string, texts []string) ([]float32, error) {
	scores, err := m.Rerank(ctx, query, texts)
	if err != nil {
		return nil, err
	}
	if len(scores) != len(texts) {
		return nil, models.Errorf(models.Internal, "", "%d scores for %d texts", len(scores), len(texts))
	}
	return scores, checkVector(scores)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

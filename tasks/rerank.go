package tasks

import (
	"context"
	"errors"
	"slices"

	"searchd/hf"
	"searchd/models"
)

// Reranker is the cross-encoder of a provider: the named model or, where model is empty, the one that the provider serves.
// Errors name the fields of a search, rerank_provider and rerank_model.
func (s *Service) Reranker(ctx context.Context, provider, model string) (hf.Reranker, error) {
	p, err := s.provider(ctx, provider)
	if err != nil {
		return nil, rerankField(err)
	}
	if slices.Contains(unable[p.ProviderType], hf.TextRanking) {
		return nil, models.Errorf(models.Invalid, "rerank_provider", "%q is of type %s, which ranks no texts; name one of type tei or openai", provider, p.ProviderType)
	}
	r, err := s.route(ctx, Ask{Provider: provider, Model: model}, work{task: hf.TextRanking})
	return reranker{s, r}, rerankField(err)
}

func rerankField(err error) error {
	if e, ok := errors.AsType[*models.Error](err); ok && (e.Field == "provider" || e.Field == "model") {
		return at("rerank_"+e.Field, err)
	}
	return err
}

// reranker is a route to a cross-encoder.
type reranker struct {
	tasks *Service
	route route
}

// Card names the model, where it has a name.
func (r reranker) Card() hf.Card {
	return hf.Card{ID: r.route.first().Model, Task: string(hf.TextRanking)}
}

// Rerank asks the provider, through the gateway: with retries, cache and budget.
func (r reranker) Rerank(ctx context.Context, query string, texts []string) ([]float32, error) {
	result, err := r.tasks.send(ctx, Ask{}, r.route, hf.Call{Task: hf.TextRanking, Query: query, Inputs: texts})
	return result.Scores, err
}

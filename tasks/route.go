package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"searchd/hf"
	"searchd/hf/catalog"
	"searchd/hf/gateway"
	"searchd/models"
)

// work is what somebody is to be found for.
type work struct {
	task   hf.Task
	choice *catalog.Choice // of the catalogue, which counts where neither the request nor the provider names a model; may be nil
}

// route is who is asked, in order.
type route struct {
	targets  []gateway.Target
	provider models.Provider // of the first target
	selected bool            // the catalogue chose the first model
}

// first is the target that is asked first.
func (r route) first() gateway.Target { return r.targets[0] }

// told says whether a target is told in words what to do.
func told(t gateway.Target) bool {
	f, ok := t.Do.(fitted)
	return ok && f.told
}

// route finds who is asked: the model of the request, the provider's own or the catalogue's choice; then the fallback
// models of the same provider; then the fallback providers, each with its own model.
func (s *Service) route(ctx context.Context, a Ask, w work) (route, error) {
	p, err := s.provider(ctx, a.Provider)
	if err != nil {
		return route{}, err
	}
	r := route{provider: p}
	if a.Model != "" {
		r.targets, err = s.targets(p, a.Model, w.task, true)
	} else {
		r.targets, r.selected, err = s.ownTargets(p, w)
	}
	if err != nil {
		return route{}, err
	}
	for i, name := range a.Fallbacks {
		if strings.TrimSpace(name) == "" {
			return route{}, models.Errorf(models.Invalid, fmt.Sprintf("fallback_models[%d]", i), "is empty")
		}
		more, err := s.targets(p, name, w.task, true)
		if err != nil {
			return route{}, err
		}
		r.targets = append(r.targets, more...)
	}
	others, err := s.others(ctx, a, r, w)
	r.targets = append(r.targets, others...)
	return r, err
}

// others are the targets at the fallback providers: those of the request or, where it says nothing of them, those of the
// provider's record. One of a record that cannot be used is left out, for a fallback that is gone must not stop the rest.
func (s *Service) others(ctx context.Context, a Ask, r route, w work) ([]gateway.Target, error) {
	ids, named := a.FallbackProviders, a.FallbackProviders != nil
	if !named {
		ids = r.provider.Configuration.FallbackProviders
	}
	var list []gateway.Target
	for i, id := range ids {
		targets, err := s.other(ctx, id, w)
		switch {
		case err != nil && named:
			return nil, at(fmt.Sprintf("fallback_providers[%d]", i), err)
		case err != nil:
			s.Log.Warn("fallback provider left out", "provider", id, "error", err)
		case !named && w.task == hf.FeatureExtraction && targets[0].Model != r.first().Model:
			// Vectors of another model cannot be compared with the expected ones: only who asks may want them.
		case id != r.provider.ProviderID:
			list = append(list, targets...)
		}
	}
	return list, nil
}

// unable is what a type of provider does not do, told in words or not.
var unable = map[string][]hf.Task{
	Local:         {hf.TextGeneration, hf.Translation, hf.TextRanking},
	"huggingface": {hf.TextRanking},
	"tei":         {hf.TextGeneration, hf.Summarization, hf.Translation},
	"tgi":         {hf.FeatureExtraction, hf.TextRanking},
}

func (s *Service) other(ctx context.Context, id string, w work) ([]gateway.Target, error) {
	if id == "" {
		return nil, models.Errorf(models.Invalid, "provider", "is empty; name a provider")
	}
	p, err := s.provider(ctx, id)
	if err != nil {
		return nil, err
	}
	if slices.Contains(unable[p.ProviderType], w.task) {
		return nil, models.Errorf(models.Invalid, "provider", "%q is of type %s, which does no %s; name another", id, p.ProviderType, w.task)
	}
	targets, _, err := s.ownTargets(p, w)
	return targets, err
}

// at says that an error is about a field.
func at(field string, err error) error {
	if e, ok := errors.AsType[*models.Error](err); ok {
		return &models.Error{Code: e.Code, Field: field, Message: e.Message, Err: e.Err}
	}
	return err
}

// ownTargets are those of a provider where the request names no model.
func (s *Service) ownTargets(p models.Provider, w work) (targets []gateway.Target, selected bool, err error) {
	model := p.Configuration.DefaultModel
	switch {
	case w.task == hf.FeatureExtraction:
		model = p.Configuration.EmbeddingModel
	case w.task == hf.TextRanking && p.ProviderType == "openai":
		model = "" // the default is one that chats
	}
	switch {
	case model != "":
		targets, err = s.targets(p, model, w.task, false)
	case p.ProviderType == "huggingface" && w.choice != nil:
		targets, err = s.chosen(p, w)
		selected = true
	case p.ProviderType == "huggingface" || p.ProviderType == "openai":
		err = models.Errorf(models.Invalid, "model", "is not given, and provider %q has no default for %s; name a model", p.ProviderID, w.task)
	default:
		targets, err = s.targets(p, "", w.task, false)
	}
	return targets, selected, err
}

// chosen is the catalogue's choice. Hosted Hugging Face serves few models, so those of the same task that it does serve
// come after it.
func (s *Service) chosen(p models.Provider, w work) ([]gateway.Target, error) {
	names := []string{w.choice.Model}
	if w.task != hf.TextGeneration {
		for _, m := range s.Catalog.All(string(w.task)) {
			if m.ID != w.choice.Model && m.RunsAt(catalog.Router) {
				names = append(names, m.ID)
			}
		}
	}
	var list []gateway.Target
	for _, name := range names {
		targets, err := s.targets(p, name, w.task, true)
		if err != nil {
			return nil, err
		}
		list = append(list, targets...)
	}
	return list, nil
}

// targets are the ways to ask one model of a provider: mostly one. Of a model at hosted Hugging Face that the catalogue
// does not have, nobody knows whether it is made for the task or chats: what does not serve it one way is asked the other
// way. named says that the request names the model, as one for its task; a provider's default is more likely one that chats.
func (s *Service) targets(p models.Provider, model string, task hf.Task, named bool) ([]gateway.Target, error) {
	t := gateway.Target{Provider: p.ProviderID, Type: p.ProviderType, Model: model, Do: s.Local, Unlimited: p.ProviderType == Local}
	if p.ProviderType == Local {
		return []gateway.Target{t}, nil
	}
	server, err := s.connect(p)
	if err != nil {
		return nil, err
	}
	if p.ProviderType == "huggingface" {
		t.Tier = s.Tier
	}
	var list []gateway.Target
	for _, words := range s.ways(p.ProviderType, model, task, named) {
		t.Do = fitted{Provider: server, catalog: s.Catalog, told: words}
		list = append(list, t)
	}
	return list, nil
}

// ways says for each way to ask a model whether it is told in words what to do.
func (s *Service) ways(kind, model string, task hf.Task, named bool) []bool {
	if task != hf.Summarization && task != hf.Translation && task != hf.TextClassification {
		return []bool{false}
	}
	switch kind {
	case "openai", "tgi":
		return []bool{true}
	case "huggingface":
		if known, ok := s.Catalog.Model(model); ok {
			return []bool{known.Task == string(hf.TextGeneration)}
		}
		return []bool{!named, named}
	}
	return []bool{false}
}

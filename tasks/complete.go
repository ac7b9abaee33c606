package tasks

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"searchd/hf"
	"searchd/hf/catalog"
	"searchd/hf/gateway"
	"searchd/models"
)

// Prompt is what is to be continued or answered.
type Prompt struct {
	Text     string
	Messages []hf.Message // in place of Text: a conversation
	TaskType string       // "conversation", "summarization", "sentiment", "code", "creative"; empty is conversation
	Quality  string       // "basic" or "premium"; empty is basic
	Params   hf.Params
}

// Completion is an answer to a prompt.
type Completion struct {
	Text         string
	FinishReason string
	TokenCount   int
	Selected     bool // the catalogue chose the model
	TaskType     string
	Config       hf.Params // what was used
	Notes        []string  // what was left out, and why
}

// Complete continues or answers a prompt.
func (s *Service) Complete(ctx context.Context, a Ask, p Prompt) (Completion, Done, error) {
	c, call, targets, err := s.plan(ctx, a, p)
	if err != nil {
		return c, Done{}, err
	}
	a.Model = targets[0].Model
	reply, done, err := s.do(ctx, a, call)
	if err != nil {
		return c, done, err
	}
	c.Text, c.FinishReason, c.TokenCount = strings.Join(reply.Texts, ""), reply.FinishReason, reply.Usage.CompletionTokens
	return c, done, nil
}

// CompleteStream is Complete piece by piece. The function that it answers tells, after the last piece, what it has cost.
func (s *Service) CompleteStream(ctx context.Context, a Ask, p Prompt) (Completion, iter.Seq2[hf.Delta, error], func() Done, error) {
	c, call, targets, err := s.plan(ctx, a, p)
	if err != nil {
		return c, nil, nil, err
	}
	var done Done
	pieces, err := started(s.Gateway.Stream(s.Usage.noting(ctx, call), gateway.Request{
		Call: call, Targets: targets, AttemptTimeout: a.Timeout,
		Finished: func(r gateway.Result) { done = doneOf(targets, r) },
	}))
	return c, pieces, func() Done { return done }, err
}

// started waits for the first piece, so that a stream which never begins is an error like any other.
func started(pieces iter.Seq2[hf.Delta, error]) (iter.Seq2[hf.Delta, error], error) {
	next, stop := iter.Pull2(pieces)
	first, err, ok := next()
	if err != nil || !ok {
		stop()
		return func(func(hf.Delta, error) bool) {}, err
	}
	return func(yield func(hf.Delta, error) bool) {
		defer stop()
		for ok && yield(first, err) {
			first, err, ok = next()
		}
	}, nil
}

// plan checks a prompt and settles who answers it, with which parameters.
func (s *Service) plan(ctx context.Context, a Ask, p Prompt) (Completion, hf.Call, []gateway.Target, error) {
	c := Completion{TaskType: p.TaskType}
	if c.TaskType == "" {
		c.TaskType = "conversation"
	}
	if len(p.Messages) == 0 {
		if err := CheckText("prompt", p.Text); err != nil {
			return c, hf.Call{}, nil, err
		}
	}
	for i, m := range p.Messages {
		if err := CheckText(fmt.Sprintf("messages[%d].content", i), m.Content); err != nil {
			return c, hf.Call{}, nil, err
		}
	}
	provider, err := s.provider(ctx, a.Provider)
	if err != nil {
		return c, hf.Call{}, nil, err
	}
	read := strings.Join(append(inputs(hf.Call{Messages: p.Messages}), p.Text), "")
	choice, err := s.Catalog.Choose(catalog.Request{Task: c.TaskType, Quality: p.Quality, Text: read})
	if err != nil {
		return c, hf.Call{}, nil, err
	}
	if a.Model == "" && provider.Configuration.DefaultModel == "" && provider.ProviderType == "huggingface" {
		a.Model, c.Selected = choice.Model, true
	}
	targets, err := s.targets(ctx, a, hf.TextGeneration)
	if err != nil {
		return c, hf.Call{}, nil, err
	}
	params := withDefaults(p.Params, provider.Configuration, choice)
	var invalid *models.Error
	if c.Config, c.Notes, invalid = s.Catalog.Check(targets[0].Model, params); invalid != nil {
		return c, hf.Call{}, nil, invalid
	}
	call := hf.Call{Task: hf.TextGeneration, Messages: p.Messages, Params: c.Config}
	if len(p.Messages) == 0 {
		call.Inputs = []string{p.Text}
	}
	return c, call, targets, nil
}

// withDefaults fills in what a request does not say: from the provider's configuration, then from the preset of its task.
func withDefaults(p hf.Params, config models.ProviderConfig, preset catalog.Choice) hf.Params {
	if p.Temperature == nil {
		p.Temperature = config.Temperature
	}
	if p.MaxTokens == nil {
		p.MaxTokens = config.MaxTokens
	}
	if p.Temperature == nil {
		p.Temperature = &preset.Temperature
	}
	if p.MaxTokens == nil {
		p.MaxTokens = &preset.MaxTokens
	}
	return p
}

// Compared is what one model made of a prompt.
type Compared struct {
	Completion Completion
	Done       Done
	Err        error
}

const maxCompared = 10

// Compare asks several models the same, at the same time. One that fails fails alone.
func (s *Service) Compare(ctx context.Context, a Ask, p Prompt, names []string) (map[string]Compared, error) {
	if len(names) == 0 || len(names) > maxCompared {
		return nil, models.Errorf(models.Invalid, "models", "has %d models; it can have 1 to %d", len(names), maxCompared)
	}
	if err := CheckText("prompt", p.Text); err != nil {
		return nil, err
	}
	for i, name := range names {
		if strings.TrimSpace(name) == "" {
			return nil, models.Errorf(models.Invalid, fmt.Sprintf("models[%d]", i), "is empty")
		}
	}
	first := a
	first.Model, first.Fallbacks = names[0], nil
	if _, _, _, err := s.plan(ctx, first, p); err != nil { // what is wrong for one is wrong for all
		return nil, err
	}
	results := make(map[string]Compared, len(names))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		wg.Go(func() {
			one := a
			one.Model, one.Fallbacks = name, nil
			c, done, err := s.Complete(ctx, one, p)
			mu.Lock()
			defer mu.Unlock()
			results[name] = Compared{c, done, err}
		})
	}
	wg.Wait()
	return results, nil
}

package tasks

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
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
	Style    string       // of code: "generation" or "analysis"; empty is generation
	Params   hf.Params
}

// Completion is an answer to a prompt.
type Completion struct {
	Text         string
	FinishReason string
	TokenCount   int
	TaskType     string
	Made
}

// Complete continues or answers a prompt.
func (s *Service) Complete(ctx context.Context, a Ask, p Prompt) (Completion, Done, error) {
	c, call, r, err := s.plan(ctx, a, p)
	if err != nil {
		return c, Done{}, err
	}
	result, err := s.send(ctx, a, r, call)
	if err != nil {
		return c, Done{Provider: result.Provider, Took: result.Elapsed, Attempts: result.Attempts}, err
	}
	c.Text, c.FinishReason, c.TokenCount = strings.Join(result.Texts, ""), result.FinishReason, result.Usage.CompletionTokens
	c.Made = s.made(r, call.Params, result)
	return c, doneOf(r, result), nil
}

// CompleteStream is Complete piece by piece. The function that it answers tells, after the last piece, what it has cost. How
// it is made is said of the target that is asked first, for it is said before another may answer.
func (s *Service) CompleteStream(ctx context.Context, a Ask, p Prompt) (Completion, iter.Seq2[hf.Delta, error], func() Done, error) {
	c, call, r, err := s.plan(ctx, a, p)
	if err != nil {
		return c, nil, nil, err
	}
	var done Done
	pieces, err := started(s.Gateway.Stream(s.Usage.noting(ctx, call), gateway.Request{
		Call: call, Targets: r.targets, AttemptTimeout: a.Timeout, Deadline: a.deadline(),
		Finished: func(result gateway.Result) { done = doneOf(r, result) },
	}))
	return c, pieces, func() Done { return done }, s.explain(err)
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
func (s *Service) plan(ctx context.Context, a Ask, p Prompt) (Completion, hf.Call, route, error) {
	c := Completion{TaskType: cmp.Or(p.TaskType, "conversation")}
	read, err := p.check()
	if err != nil {
		return c, hf.Call{}, route{}, err
	}
	choice, err := s.Catalog.Choose(catalog.Request{Task: c.TaskType, Quality: p.Quality, Style: p.Style, Text: read})
	if err != nil {
		return c, hf.Call{}, route{}, err
	}
	r, err := s.route(ctx, a, work{hf.TextGeneration, &choice})
	if err != nil {
		return c, hf.Call{}, route{}, err
	}
	config := r.provider.Configuration
	if p.Quality != "" {
		config.MaxTokens = nil // the request says how long, in a word
	}
	params := withDefaults(p.Params, config, choice)
	var invalid *models.Error
	if c.Config, c.Notes, invalid = s.Catalog.Check(r.first().Model, params); invalid != nil {
		return c, hf.Call{}, route{}, invalid
	}
	c.Selected = r.selected
	call := hf.Call{Task: hf.TextGeneration, Messages: p.Messages, Params: params}
	if len(p.Messages) == 0 {
		call.Inputs = []string{p.Text}
	}
	return c, call, r, nil
}

// check makes sure that a prompt can be sent, and answers all that a model will read of it.
func (p Prompt) check() (string, error) {
	if len(p.Messages) == 0 {
		return p.Text, CheckText("prompt", p.Text)
	}
	var all strings.Builder
	for i, m := range p.Messages {
		if err := CheckText(fmt.Sprintf("messages[%d].content", i), m.Content); err != nil {
			return "", err
		}
		all.WriteString(m.Content)
	}
	return all.String(), nil
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

// Together is what a comparison has cost. Its model names all of them.
func Together(results map[string]Compared) Done {
	var total Done
	for _, name := range slices.Sorted(maps.Keys(results)) {
		total = total.plus(results[name].Done)
		total.Provider = cmp.Or(results[name].Done.Provider, total.Provider)
	}
	total.Model = strings.Join(slices.Sorted(maps.Keys(results)), ", ")
	return total
}

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
	// A model that fails is not replaced, or it would look as if it had answered.
	a.Fallbacks, a.FallbackProviders = nil, []string{}
	a.Model = names[0]
	if _, _, _, err := s.plan(ctx, a, p); err != nil { // what is wrong for one is wrong for all
		return nil, err
	}
	results := make(map[string]Compared, len(names))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		wg.Go(func() {
			one := a
			one.Model = name
			c, done, err := s.Complete(ctx, one, p)
			mu.Lock()
			defer mu.Unlock()
			results[name] = Compared{c, done, err}
		})
	}
	wg.Wait()
	return results, nil
}

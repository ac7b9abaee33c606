package inproc

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/jonreiter/govader"

	"searchd/hf"
	"searchd/models"
)

// Name is what this provider is called where providers are listed.
const Name = "local"

// Provider runs what can be run in this process. It is safe for concurrent use.
type Provider struct {
	models hf.Models
	vader  func() *govader.SentimentIntensityAnalyzer
}

var _ hf.Provider = (*Provider)(nil)

// New makes a provider over the models of this process. The rules for sentiment are read when first needed, which takes
// some milliseconds.
func New(available hf.Models) *Provider {
	return &Provider{models: available, vader: sync.OnceValue(govader.NewSentimentIntensityAnalyzer)}
}

// Do answers a call. Summarization and FeatureExtraction take the id of an embedding model of this process, or none for
// the default one; TextClassification takes that of a classifier of this process, VADER or none, which is VADER.
//
// For a summary, Params.MaxTokens and MinTokens count words, as Words does.
func (p *Provider) Do(ctx context.Context, c hf.Call) (hf.Reply, error) {
	switch c.Task {
	case hf.TextClassification:
		return p.classify(ctx, c)
	case hf.Summarization:
		return p.summarize(ctx, c)
	case hf.FeatureExtraction:
		return p.embed(ctx, c)
	}
	return hf.Reply{}, unsupported(c.Task)
}

// Stream yields one error: nothing here generates text.
func (p *Provider) Stream(ctx context.Context, c hf.Call) iter.Seq2[hf.Delta, error] {
	return func(yield func(hf.Delta, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(hf.Delta{}, err)
			return
		}
		yield(hf.Delta{}, unsupported(c.Task))
	}
}

func (p *Provider) embed(ctx context.Context, c hf.Call) (hf.Reply, error) {
	m, err := p.model(c.Model)
	if err != nil {
		return hf.Reply{}, err
	}
	if len(c.Inputs) == 0 {
		return hf.Reply{}, invalid("there is no text to embed")
	}
	embeddings, err := m.Embed(ctx, hf.Document, c.Inputs)
	if err != nil {
		return hf.Reply{}, failed(ctx, err)
	}
	r := hf.Reply{Model: m.Card().ID, Vectors: make([][]float32, len(embeddings))}
	for i, e := range embeddings {
		r.Vectors[i] = e.Vector
		r.Usage.PromptTokens += e.Tokens
	}
	return r, nil
}

func (p *Provider) model(id string) (hf.Model, error) {
	m, err := p.models.Model(id)
	if err == nil {
		return m, nil
	}
	return nil, notServed(err, "the model %s is not in this process: name one that `searchd model list` shows, or none", id)
}

// notServed is the error of a model that is not here, in the words of format, or that cannot be opened, in its own.
func notServed(err error, format, id string) error {
	message := fmt.Sprintf(format, clip(id, 100))
	if models.CodeOf(err) != models.NotFound {
		message = fmt.Sprintf("the model %s cannot be opened: %v", clip(id, 100), err)
	}
	return &hf.CallError{Err: err, Fault: hf.FaultNotServed, Message: message}
}

func unsupported(t hf.Task) error {
	what := "does not do " + clip(string(t), 50)
	switch t {
	case hf.TextGeneration:
		what = "does not generate text"
	case hf.Translation:
		what = "does not translate"
	}
	return &hf.CallError{
		Fault:   hf.FaultUnsupport,
		Message: "searchd itself " + what + ": configure a provider with `searchd provider add huggingface --name NAME --api-key KEY`",
	}
}

func invalid(format string, args ...any) error {
	return &hf.CallError{Fault: hf.FaultInvalid, Message: fmt.Sprintf(format, args...)}
}

// failed is the error of a model that failed: ctx's own where ctx has ended. A model with too much to do has not failed,
// and who asks through a gateway is told at once instead of waiting for more attempts.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*models.Error](err); ok && e.Code == models.RateLimited {
		return &hf.CallError{Fault: hf.FaultBusy, Message: e.Message, RetryAfter: e.RetryAfter, Err: err}
	}
	return &hf.CallError{Fault: hf.FaultServer, Message: "the model in this process failed", Err: err}
}

// clip keeps a name from somebody else short enough for a message.
func clip(s string, runes int) string {
	for i := range s {
		if runes == 0 {
			return s[:i] + "…"
		}
		runes--
	}
	return s
}

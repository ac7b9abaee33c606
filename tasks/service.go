package tasks

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"searchd/hf"
	"searchd/hf/catalog"
	"searchd/hf/gateway"
	"searchd/hf/inproc"
	"searchd/hf/remote"
	"searchd/internal/secret"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

// Local is the name of the provider that is this process.
const Local = "local"

// Connect opens the provider of a record, with its key in the clear. It checks the endpoint's address.
type Connect func(p models.Provider, key string) (*remote.Provider, error)

// Options are what a Service is made of.
type Options struct {
	DB      *db.DB
	Gateway *gateway.Gateway
	Catalog *catalog.Catalog
	Secrets *secret.Box
	Connect Connect
	Local   *inproc.Provider
	Search  *search.Service
	// Environment is the provider that the environment names, or nil: used where no record is the default.
	Environment *models.Provider
	Key         string // of Environment
	Usage       *Log
	Tier        gateway.Tier // how hosted Hugging Face is paid
	Log         *slog.Logger
}

// Service does tasks. It is safe for concurrent use.
type Service struct {
	Options
	mu   sync.Mutex
	open map[string]connection // by provider id
}

// connection is an open provider, and which version of its record it was opened for.
type connection struct {
	remote  *remote.Provider
	updated time.Time
}

// New makes a service.
func New(o Options) *Service {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &Service{Options: o, open: map[string]connection{}}
}

// Ask is what every task takes: who is to do it, and how long it may take.
type Ask struct {
	Provider  string
	Model     string
	Fallbacks []string // models of the same provider, tried in order
	NoCache   bool
	Timeout   time.Duration // of one attempt; 0 means a minute
}

// Done is what every task answers.
type Done struct {
	Model    string
	Provider string
	Took     time.Duration
	Attempts int
	Cached   bool
	Usage    Usage
	CostUSD  float64
}

// Usage is what a task has cost.
type Usage struct {
	PromptCharacters, CompletionCharacters int
	PromptTokens, CompletionTokens         int
}

// MaxPromptBytes bounds a prompt.
const MaxPromptBytes = 1 << 20

// do asks a provider through the gateway.
func (s *Service) do(ctx context.Context, a Ask, call hf.Call) (hf.Reply, Done, error) {
	targets, err := s.targets(ctx, a, call.Task)
	if err != nil {
		return hf.Reply{}, Done{}, err
	}
	result, err := s.Gateway.Do(s.Usage.noting(ctx, call), gateway.Request{Call: call, Targets: targets, UseCache: !a.NoCache, AttemptTimeout: a.Timeout})
	if err != nil {
		return hf.Reply{}, Done{}, err
	}
	return result.Reply, doneOf(targets, result), nil
}

func doneOf(targets []gateway.Target, r gateway.Result) Done {
	return Done{
		Model: cmp.Or(r.Model, targets[0].Model), Provider: r.Provider, Took: r.Elapsed, Attempts: r.Attempts,
		Cached: r.FromCache, CostUSD: r.EstimatedCostUSD,
		Usage: Usage{
			PromptCharacters: r.PromptCharacters, CompletionCharacters: r.CompletionCharacters,
			PromptTokens: r.Usage.PromptTokens, CompletionTokens: r.Usage.CompletionTokens,
		},
	}
}

func inputs(call hf.Call) []string {
	texts := call.Inputs
	for _, m := range call.Messages {
		texts = append(texts, m.Content)
	}
	return texts
}

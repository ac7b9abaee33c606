package tasks

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

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
	// FallbackProviders are tried after those, with their own models. Nil takes those of the provider's record, an empty
	// list is none.
	FallbackProviders []string
	NoCache           bool
	Timeout           time.Duration // of one attempt; 0 means a minute
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
	r, err := s.route(ctx, a, work{task: call.Task})
	if err != nil {
		return hf.Reply{}, Done{}, err
	}
	result, err := s.send(ctx, a, r, call)
	if err != nil {
		return hf.Reply{}, Done{}, err
	}
	return result.Reply, doneOf(r, result), nil
}

func (s *Service) send(ctx context.Context, a Ask, r route, call hf.Call) (gateway.Result, error) {
	result, err := s.Gateway.Do(s.Usage.noting(ctx, call), gateway.Request{
		Call: call, Targets: r.targets, UseCache: !a.NoCache, AttemptTimeout: a.Timeout, Deadline: a.deadline(),
	})
	return result, s.explain(err)
}

// deadline is that of all attempts together: the gateway's own, unless one attempt may take longer.
func (a Ask) deadline() time.Duration {
	const usual = 5 * time.Minute
	if a.Timeout > usual {
		return a.Timeout
	}
	return 0
}

// callsAtOnce is how many calls of one request run at a time: few enough that a long one leaves places to others.
const callsAtOnce = 4

// each sends calls, a few at a time, and answers their results in order, with what they have cost together. It fails as a
// whole, as soon as one fails.
func (s *Service) each(ctx context.Context, a Ask, r route, calls []hf.Call) ([]gateway.Result, Done, error) {
	start := time.Now()
	results := make([]gateway.Result, len(calls))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	for i, call := range calls {
		group.Go(func() (err error) {
			results[i], err = s.send(gctx, a, r, call)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, Done{}, err
	}
	var total Done
	for _, result := range results {
		total = total.plus(doneOf(r, result))
	}
	total.Took = time.Since(start)
	return results, total, nil
}

func doneOf(r route, result gateway.Result) Done {
	return Done{
		Model: cmp.Or(result.Model, r.targets[result.Target].Model), Provider: result.Provider, Took: result.Elapsed,
		Attempts: result.Attempts, Cached: result.FromCache, CostUSD: result.EstimatedCostUSD,
		Usage: Usage{
			PromptCharacters: result.PromptCharacters, CompletionCharacters: result.CompletionCharacters,
			PromptTokens: result.Usage.PromptTokens, CompletionTokens: result.Usage.CompletionTokens,
		},
	}
}

// plus adds what two calls have cost, one after the other.
func (d Done) plus(e Done) Done {
	e.Took += d.Took
	e.Attempts += d.Attempts
	e.CostUSD += d.CostUSD
	e.Usage.PromptCharacters += d.Usage.PromptCharacters
	e.Usage.CompletionCharacters += d.Usage.CompletionCharacters
	e.Usage.PromptTokens += d.Usage.PromptTokens
	e.Usage.CompletionTokens += d.Usage.CompletionTokens
	e.Cached = e.Cached && (d.Cached || d.Provider == "")
	return e
}

// Made says how a task was done.
type Made struct {
	Selected bool      // the catalogue chose the model
	Config   hf.Params // what was used
	Notes    []string  // what was left out or cannot be relied on, and why
}

// made says how a model was asked, which answered with the last of the results.
func (s *Service) made(r route, p hf.Params, result gateway.Result) Made {
	m := Made{Selected: r.selected && result.Target == 0}
	if kept, notes, err := s.Catalog.Check(r.targets[result.Target].Model, p); err == nil {
		m.Config, m.Notes = kept, notes
	}
	return m
}

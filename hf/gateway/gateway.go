package gateway

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"searchd/hf"
)

// Options tune a Gateway. The zero value works.
type Options struct {
	Attempts        int            // at one target, the first included; default 3
	Backoff         time.Duration  // before the second attempt, doubling after that; default 2s
	Jitter          time.Duration  // the most that chance adds to a wait; default 2s
	LoadingWait     time.Duration  // the least wait while a model is loading; default 10s
	AttemptTimeout  time.Duration  // default 60s
	Deadline        time.Duration  // of a whole request; default 5m
	CacheTTL        time.Duration  // default 600s
	CacheBytes      int64          // default 64 MiB
	EmbeddingBatch  int            // texts in one upstream call; default 32
	Concurrency     int            // calls at one provider at a time; default 8
	CircuitFailures int            // transient failures in a row that open a circuit; default 10, which a provider that fails half of the time seldom has
	CircuitWait     time.Duration  // how long it stays open; default 30s
	Recorder        Recorder       // nil records nothing
	Budget          Budget         // nil allows everything
	Random          func() float64 // 0 ≤ x < 1, for jitter; default math/rand. Must be safe for concurrent use.
}

func (o Options) withDefaults() Options {
	o.Attempts = cmp.Or(o.Attempts, 3)
	o.Backoff = cmp.Or(o.Backoff, 2*time.Second)
	o.Jitter = cmp.Or(o.Jitter, 2*time.Second)
	o.LoadingWait = cmp.Or(o.LoadingWait, 10*time.Second)
	o.AttemptTimeout = cmp.Or(o.AttemptTimeout, time.Minute)
	o.Deadline = cmp.Or(o.Deadline, 5*time.Minute)
	o.CacheTTL = cmp.Or(o.CacheTTL, 600*time.Second)
	o.CacheBytes = cmp.Or(o.CacheBytes, 64<<20)
	o.EmbeddingBatch = cmp.Or(o.EmbeddingBatch, 32)
	o.Concurrency = cmp.Or(o.Concurrency, 8)
	o.CircuitFailures = cmp.Or(o.CircuitFailures, 10)
	o.CircuitWait = cmp.Or(o.CircuitWait, 30*time.Second)
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return o
}

// Target is one place that can answer: a model at a provider.
type Target struct {
	Provider string // its name; targets of one name share a limit, a circuit a model and cached answers
	Type     string // "huggingface", "tei", …
	Model    string // empty keeps the Model of the Call
	Tier     Tier   // how the provider is paid; the zero Tier costs nothing
	Do       hf.Provider
	// Unlimited lets any number of calls run at a time: Do has a queue of its own.
	Unlimited bool
}

// Request is a Call and where it may go.
type Request struct {
	hf.Call
	Targets        []Target      // the first is the primary, the rest are its fallbacks, in order
	UseCache       bool          // false asks upstream in any case: nothing is read, written or joined
	AttemptTimeout time.Duration // 0 takes the default. Of a stream: until the first piece, and between two
	Deadline       time.Duration // of the whole, retries and waits included; 0 takes the default
	Finished       func(Result)  // called when a Stream has ended, well or not; may be nil
}

// Result is an answer, and how it came about.
type Result struct {
	hf.Reply
	Target               int // which of the request's targets answered
	Provider             string
	Attempts             int // calls sent upstream, failed ones included
	FromCache            bool
	Joined               bool // another request in flight, which this one waited with, accounts for the cost
	Elapsed              time.Duration
	PromptCharacters     int
	CompletionCharacters int
	EstimatedCostUSD     float64 // of what was sent upstream: nothing for a cached or joined answer
	Trace                []Attempt
}

// Gateway sends requests to providers. Close it after use.
type Gateway struct {
	opt      Options
	cache    *cache
	flights  flights
	circuits circuits
	limits   limits
}

// New makes a Gateway.
func New(o Options) *Gateway {
	o = o.withDefaults()
	return &Gateway{
		opt:      o,
		cache:    newCache(o.CacheBytes, o.CacheTTL),
		flights:  flights{byKey: map[key]*flight{}},
		circuits: circuits{failures: o.CircuitFailures, wait: o.CircuitWait, byID: map[circuitID]breaker{}},
		limits:   limits{size: int64(o.Concurrency), byProvider: map[string]*limit{}},
	}
}

// Close ends the upkeep of the cache. Calls still running are not ended.
func (g *Gateway) Close() { g.cache.close() }

// Do answers a request. A failure is an *Error.
func (g *Gateway) Do(ctx context.Context, req Request) (Result, error) {
	start := time.Now()
	r, err := g.newRun(req, start)
	if err != nil {
		return Result{}, err
	}
	if reply, ok := r.lookup(); ok {
		return g.finish(ctx, r, start, answer{reply: reply, fromCache: true}, nil, false)
	}
	wctx, cancel := context.WithDeadline(ctx, r.deadline)
	defer cancel()
	f, pays, err := g.flights.wait(wctx, r)
	a := answer{}
	if err == nil {
		a = f.answer
	}
	return g.finish(ctx, f.run, start, a, err, !pays)
}

// finish makes the Result of one caller, and records it.
func (g *Gateway) finish(ctx context.Context, r *run, start time.Time, a answer, err error, joined bool) (Result, error) {
	res := Result{Joined: joined, Trace: r.snapshot(), PromptCharacters: promptCharacters(r.call)}
	res.Attempts, res.Elapsed = upstream(res.Trace), time.Since(start)
	if !joined {
		res.EstimatedCostUSD = r.cost()
	}
	t := r.targets[a.target]
	if err != nil {
		e := r.fail(err, res.Trace)
		if at, ok := e.last(); ok {
			t.Provider, t.Type, t.Model = at.Provider, at.Type, at.Model
		}
		res.Provider = t.Provider
		g.record(ctx, r.call.Task, t, res, e.Fault, false)
		return res, e
	}
	res.Reply = clone(a.reply)
	res.Target, res.Provider, res.FromCache = a.target, t.Provider, a.fromCache
	res.CompletionCharacters = completionCharacters(res.Reply)
	g.record(ctx, r.call.Task, t, res, "", false)
	return res, nil
}

// clone copies a reply, so that a caller may change what it got without changing what another gets.
func clone(r hf.Reply) hf.Reply {
	r.Texts = slices.Clone(r.Texts)
	r.Labels = slices.Clone(r.Labels)
	for i, l := range r.Labels {
		r.Labels[i] = slices.Clone(l)
	}
	r.Vectors = slices.Clone(r.Vectors)
	for i, v := range r.Vectors {
		r.Vectors[i] = slices.Clone(v)
	}
	r.Scores = slices.Clone(r.Scores)
	return r
}

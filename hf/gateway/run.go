package gateway

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"searchd/hf"
)

// run is the way of one request, or of several joined ones, through its targets.
type run struct {
	g              *Gateway
	call           hf.Call
	targets        []Target // with the model that each is asked for
	keys           []key    // of the call at each target
	key            key      // of the flight
	useCache       bool
	attemptTimeout time.Duration
	final          bool // of a stream: a piece has been forwarded, so there is no second try

	mu       sync.Mutex
	deadline time.Time // the latest of those who wait
	trace    []Attempt
	spent    float64
	doing    string // for the message of a request that runs out of time
}

// answer is a reply, which target it is from.
type answer struct {
	reply     hf.Reply
	target    int
	fromCache bool
}

func (g *Gateway) newRun(req Request, start time.Time) (*run, error) {
	if len(req.Targets) == 0 {
		return nil, invalid("targets: there is none; name a provider")
	}
	if req.Task == hf.FeatureExtraction && len(req.Inputs) == 0 {
		return nil, invalid("inputs: there is no text to embed; give one")
	}
	r := &run{g: g, call: req.Call, targets: slices.Clone(req.Targets), useCache: req.UseCache, doing: "it was being prepared"}
	r.attemptTimeout = orDefault(req.AttemptTimeout, g.opt.AttemptTimeout)
	r.deadline = start.Add(orDefault(req.Deadline, g.opt.Deadline))
	for i, t := range r.targets {
		if t.Model == "" {
			r.targets[i].Model = req.Model
		}
		if r.useCache {
			r.keys = append(r.keys, keyOf(t, r.callFor(i)))
		}
	}
	if r.useCache {
		r.key = flightKey(r)
	}
	return r, nil
}

func invalid(message string) *Error {
	return newError(&hf.CallError{Fault: hf.FaultInvalid, Message: message}, nil, "")
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// callFor is the call as target i gets it.
func (r *run) callFor(i int) hf.Call {
	c := r.call
	c.Model = r.targets[i].Model
	return c
}

// lookup is the answer of the primary, where it is cached.
func (r *run) lookup() (hf.Reply, bool) {
	if !r.useCache {
		return hf.Reply{}, false
	}
	if r.call.Task == hf.FeatureExtraction {
		p := r.planEmbeddings(0)
		return p.reply, len(p.missing) == 0
	}
	return r.g.cache.get(r.keys[0])
}

// do asks one target after the other.
func (r *run) do(ctx context.Context) (answer, error) {
	var a answer
	err := r.overTargets(ctx, func(i int) (err error) {
		if r.call.Task == hf.FeatureExtraction {
			a, err = r.embed(ctx, i)
		} else {
			a, err = r.ask(ctx, i)
		}
		return err
	})
	return a, err
}

// overTargets tries targets until one succeeds or the failure is one that no other target can mend.
//
// A request that met a passing failure and has not been let through to some targets, because their circuits were open,
// waits for the first of these to close and tries them then. Where all circuits are open it fails at once: that is what
// they are for.
func (r *run) overTargets(ctx context.Context, try func(target int) error) error {
	var err error
	var later []int
	passing, wait := false, time.Duration(math.MaxInt64)
	for i := range r.targets {
		if err = try(i); r.over(ctx, err) {
			return err
		}
		passing = passing || faultOf(err).Transient()
		if left, ok := r.shutOut(i, err); ok {
			later, wait = append(later, i), min(wait, left)
		}
	}
	if !passing || len(later) == 0 || !r.sleep(ctx, wait+r.g.opt.jitter()) {
		return err
	}
	for _, i := range later {
		if err = try(i); r.over(ctx, err) {
			return err
		}
	}
	return err
}

// over says that no other target is to be tried after err.
func (r *run) over(ctx context.Context, err error) bool {
	return err == nil || ctx.Err() != nil || r.final || faultOf(err) == hf.FaultInvalid
}

// shutOut says whether err kept the request from its first attempt at a target, and for how long that will be so.
func (r *run) shutOut(target int, err error) (time.Duration, bool) {
	call, ok := errors.AsType[*hf.CallError](err)
	if !ok || call.Fault != FaultCircuit {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.targets[target]
	return call.RetryAfter, !slices.ContainsFunc(r.trace, func(a Attempt) bool {
		return a.Provider == t.Provider && a.Model == t.Model && !a.refused()
	})
}

// ask answers from the cache or from upstream.
func (r *run) ask(ctx context.Context, i int) (answer, error) {
	if r.useCache {
		if reply, ok := r.g.cache.get(r.keys[i]); ok {
			return answer{reply: reply, target: i, fromCache: true}, nil
		}
	}
	reply, err := r.send(ctx, r.targets[i], r.callFor(i))
	if err != nil {
		return answer{}, err
	}
	if r.useCache {
		r.g.cache.set(r.keys[i], reply)
	}
	return answer{reply: reply, target: i}, nil
}

// send makes a call at one target, several times if need be.
func (r *run) send(ctx context.Context, t Target, c hf.Call) (reply hf.Reply, err error) {
	err = r.retry(ctx, func() error {
		reply, err = r.attempt(ctx, t, c)
		return err
	})
	return reply, err
}

// retry tries until it succeeds, the failure is one that will not pass, the attempts are used up, or the next wait would
// outlast the deadline.
func (r *run) retry(ctx context.Context, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil || n == r.g.opt.Attempts || r.final || !faultOf(err).Transient() || ctx.Err() != nil {
			return err
		}
		if !r.sleep(ctx, r.g.opt.wait(n, err)) {
			return err
		}
	}
}

// wait is how long to wait after the nth attempt, which failed with err.
func (o Options) wait(n int, err error) time.Duration {
	least := o.Backoff << (n - 1)
	if call, ok := errors.AsType[*hf.CallError](err); ok {
		least = max(least, call.RetryAfter)
		if call.Fault == hf.FaultLoading {
			least = max(least, o.LoadingWait)
		}
	}
	return least + o.jitter()
}

func (o Options) jitter() time.Duration { return time.Duration(o.Random() * float64(o.Jitter)) }

// sleep reports whether the time has passed with some left before the deadline.
func (r *run) sleep(ctx context.Context, d time.Duration) bool {
	r.mu.Lock()
	r.doing = "it waited " + d.Round(time.Millisecond).String() + " to try again"
	inTime := time.Now().Add(d).Before(r.deadline)
	r.mu.Unlock()
	if !inTime {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// extend gives a run the time of another request that has joined it.
func (r *run) extend(deadline time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if deadline.After(r.deadline) {
		r.deadline = deadline
	}
}

// begin notes an attempt that starts, and says where.
func (r *run) begin(t Target, c hf.Call) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doing = "it waited for the answer of " + t.Provider
	r.trace = append(r.trace, Attempt{Provider: t.Provider, Type: t.Type, Model: c.Model, started: time.Now()})
	return len(r.trace) - 1
}

// end notes how an attempt went, and how long it took.
func (r *run) end(i int, err error) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &r.trace[i]
	a.Took, a.started = time.Since(a.started), time.Time{}
	if call, ok := errors.AsType[*hf.CallError](err); ok {
		a.Fault, a.Status, a.Message = call.Fault, call.Status, call.Message
	} else if err != nil {
		a.Fault, a.Message = FaultCanceled, "given up: nobody waits for the answer any more"
	}
	return a.Took
}

// snapshot is the trace so far. An attempt that still runs is shown as one that was too slow.
func (r *run) snapshot() []Attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	trace := slices.Clone(r.trace)
	for i, a := range trace {
		if !a.started.IsZero() {
			trace[i].Took, trace[i].started = time.Since(a.started), time.Time{}
			trace[i].Fault, trace[i].Message = hf.FaultTimeout, "no answer before the request ended"
		}
	}
	return trace
}

// spend adds the price of an answered call. One that failed is not billed.
func (r *run) spend(t Target, characters int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spent += Estimate(t.Tier, characters)
}

func (r *run) cost() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spent
}

func (r *run) fail(err error, trace []Attempt) *Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return newError(err, trace, r.doing)
}

func faultOf(err error) hf.Fault {
	if call, ok := errors.AsType[*hf.CallError](err); ok {
		return call.Fault
	}
	return ""
}

package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"searchd/hf"
)

// fake is a provider that does what a test tells it to, and remembers what it was asked and when.
type fake struct {
	do     func(ctx context.Context, n int, c hf.Call) (hf.Reply, error)                 // n counts from 1
	stream func(ctx context.Context, n int, c hf.Call, yield func(hf.Delta, error) bool) // likewise

	mu      sync.Mutex
	calls   []hf.Call
	at      []time.Time
	running int
	most    int // that ran at a time
}

func (f *fake) enter(c hf.Call) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at = append(f.calls, c), append(f.at, time.Now())
	f.running++
	f.most = max(f.most, f.running)
	return len(f.calls)
}

func (f *fake) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

// gaps are the times between the calls.
func (f *fake) gaps() []time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(f.at); i++ {
		gaps = append(gaps, f.at[i].Sub(f.at[i-1]))
	}
	return gaps
}

func (f *fake) Do(ctx context.Context, c hf.Call) (hf.Reply, error) {
	n := f.enter(c)
	defer f.leave()
	return f.do(ctx, n, c)
}

func (f *fake) Stream(ctx context.Context, c hf.Call) iter.Seq2[hf.Delta, error] {
	return func(yield func(hf.Delta, error) bool) {
		n := f.enter(c)
		defer f.leave()
		f.stream(ctx, n, c, yield)
	}
}

// outcomes is a provider that fails with each error in turn, nil being an answer, and then goes on with the last.
func outcomes(errs ...error) *fake {
	return &fake{do: func(_ context.Context, n int, c hf.Call) (hf.Reply, error) {
		return say(fmt.Sprint("answer ", n)), errs[min(n, len(errs))-1]
	}}
}

// hang is a provider that never answers.
func hang() *fake {
	return &fake{
		do: func(ctx context.Context, _ int, _ hf.Call) (hf.Reply, error) {
			<-ctx.Done()
			return hf.Reply{}, ctx.Err()
		},
		stream: func(ctx context.Context, _ int, _ hf.Call, yield func(hf.Delta, error) bool) {
			<-ctx.Done()
			yield(hf.Delta{}, ctx.Err())
		},
	}
}

// slow is a provider that answers after a time.
func slow(d time.Duration) *fake {
	return &fake{do: func(ctx context.Context, n int, _ hf.Call) (hf.Reply, error) {
		select {
		case <-time.After(d):
			return say(fmt.Sprint("answer ", n)), nil
		case <-ctx.Done():
			return hf.Reply{}, ctx.Err()
		}
	}}
}

func say(text string) hf.Reply { return hf.Reply{Model: "m", Texts: []string{text}} }

func fault(f hf.Fault) *hf.CallError { return &hf.CallError{Fault: f, Message: "no " + string(f)} }

func after(f hf.Fault, d time.Duration) *hf.CallError {
	e := fault(f)
	e.RetryAfter = d
	return e
}

// noJitter makes waits exact.
func noJitter() float64 { return 0 }

// open makes a gateway whose waits are exact, and whose circuits open after five failures.
func open(t testing.TB, o Options) *Gateway {
	o.CircuitFailures = cmp.Or(o.CircuitFailures, 5)
	if o.Random == nil {
		o.Random = noJitter
	}
	g := New(o)
	t.Cleanup(g.Close)
	return g
}

// route names its targets p0, p1, …
func route(providers ...hf.Provider) []Target {
	var list []Target
	for i, p := range providers {
		list = append(list, Target{Provider: fmt.Sprint("p", i), Model: fmt.Sprint("m", i), Do: p})
	}
	return list
}

func ask(prompt string, providers ...hf.Provider) Request {
	return Request{
		Call:     hf.Call{Task: hf.TextGeneration, Inputs: []string{prompt}},
		Targets:  route(providers...),
		UseCache: true,
	}
}

// fresh is ask past the cache.
func fresh(prompt string, providers ...hf.Provider) Request {
	r := ask(prompt, providers...)
	r.UseCache = false
	return r
}

func mustDo(t testing.TB, g *Gateway, r Request) Result {
	t.Helper()
	res, err := g.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func mustFail(t testing.TB, g *Gateway, r Request, want hf.Fault) *Error {
	t.Helper()
	_, err := g.Do(t.Context(), r)
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error is %v, want an *Error of %s", err, want)
	}
	if e.Fault != want {
		t.Fatalf("fault is %s (%v), want %s", e.Fault, e, want)
	}
	return e
}

// faults are all that a provider can answer with.
var faults = []hf.Fault{
	hf.FaultLoading, hf.FaultRateLimit, hf.FaultServer, hf.FaultConnection, hf.FaultTimeout, hf.FaultKey, hf.FaultPermission,
	hf.FaultCredits, hf.FaultNotServed, hf.FaultInvalid, hf.FaultRetired, hf.FaultUnreadable, hf.FaultForbidden, hf.FaultUnsupport,
}

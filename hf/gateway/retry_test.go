package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
)

func TestRetriesWaitAsTheyShould(t *testing.T) {
	const s = time.Second
	for name, c := range map[string]struct {
		errs   []error
		random float64
		want   []time.Duration
		fails  hf.Fault
	}{
		"answers at once":             {errs: []error{nil}},
		"fails once":                  {errs: []error{fault(hf.FaultServer), nil}, want: []time.Duration{2 * s}},
		"doubles":                     {errs: []error{fault(hf.FaultServer), fault(hf.FaultConnection), nil}, want: []time.Duration{2 * s, 4 * s}},
		"three attempts and no more":  {errs: []error{fault(hf.FaultServer)}, want: []time.Duration{2 * s, 4 * s}, fails: hf.FaultServer},
		"jitter":                      {errs: []error{fault(hf.FaultServer)}, random: 0.5, want: []time.Duration{3 * s, 5 * s}, fails: hf.FaultServer},
		"loading":                     {errs: []error{fault(hf.FaultLoading), fault(hf.FaultLoading), nil}, want: []time.Duration{10 * s, 10 * s}},
		"loading, and told how long":  {errs: []error{after(hf.FaultLoading, 25*s), nil}, want: []time.Duration{25 * s}},
		"told to wait":                {errs: []error{after(hf.FaultRateLimit, 17*s), nil}, want: []time.Duration{17 * s}},
		"told to wait less":           {errs: []error{after(hf.FaultRateLimit, s), nil}, want: []time.Duration{2 * s}},
		"jitter on what it was told":  {errs: []error{after(hf.FaultRateLimit, 17*s), nil}, random: 0.25, want: []time.Duration{17*s + s/2}},
		"told to wait for too long":   {errs: []error{after(hf.FaultRateLimit, 6*time.Minute), nil}, fails: hf.FaultRateLimit},
		"an error without a fault":    {errs: []error{errors.New("odd"), nil}, want: []time.Duration{2 * s}},
		"a timeout that it saw first": {errs: []error{context.DeadlineExceeded, nil}, want: []time.Duration{2 * s}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := outcomes(c.errs...)
				g := open(t, Options{Random: func() float64 { return c.random }})
				res, err := g.Do(t.Context(), ask("hello", p))
				if got := faultIn(err); got != c.fails {
					t.Fatalf("fault is %q (%v), want %q", got, err, c.fails)
				}
				if diff := cmp.Diff(c.want, p.gaps()); diff != "" {
					t.Errorf("waits (-want +got):\n%s", diff)
				}
				if res.Attempts != len(c.want)+1 || len(res.Trace) != len(c.want)+1 {
					t.Errorf("reported %d attempts with a trace of %d, want %d", res.Attempts, len(res.Trace), len(c.want)+1)
				}
			})
		})
	}
}

func faultIn(err error) hf.Fault {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fault
	}
	return ""
}

func TestEachFaultIsRetriedOrFallsBackOrEnds(t *testing.T) {
	for _, f := range faults {
		t.Run(string(f), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first, second := outcomes(fault(f)), outcomes(nil)
				g := open(t, Options{})
				start := time.Now()
				res, err := g.Do(t.Context(), ask("hello", first, second))
				tries := 1
				if f.Transient() {
					tries = 3
				}
				if first.count() != tries {
					t.Errorf("the primary was asked %d times, want %d", first.count(), tries)
				}
				if f == hf.FaultInvalid {
					if faultIn(err) != f || second.count() != 0 {
						t.Errorf("an invalid call went on to the fallback: %v", err)
					}
					return
				}
				if err != nil || res.Provider != "p1" || res.Attempts != tries+1 {
					t.Fatalf("got %q after %d attempts, %v; want the fallback's answer after %d", res.Provider, res.Attempts, err, tries+1)
				}
				if second.calls[0].Model != "m1" {
					t.Errorf("the fallback was asked for %q, want its own model", second.calls[0].Model)
				}
				if wait := second.at[0].Sub(first.at[tries-1]); wait != 0 || tries == 1 && time.Since(start) != 0 {
					t.Errorf("the fallback was asked %v after the primary's last failure, want at once", wait)
				}
			})
		})
	}
}

func TestAnAttemptEndsAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g, start := hang(), open(t, Options{}), time.Now()
		e := mustFail(t, g, ask("hello", p), hf.FaultTimeout)
		if got, want := time.Since(start), 3*time.Minute+6*time.Second; got != want {
			t.Errorf("took %v, want %v", got, want)
		}
		if e.Attempts[0].Took != time.Minute || !strings.Contains(e.Message, "1m0s") {
			t.Errorf("the first attempt took %v, and says %q", e.Attempts[0].Took, e.Message)
		}
	})
}

func TestTheDeadlineEndsTheWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g, start := hang(), open(t, Options{}), time.Now()
		r := ask("hello", p)
		r.AttemptTimeout, r.Deadline = 4*time.Second, 10*time.Second // attempts 0–4, 6–10
		e := mustFail(t, g, r, hf.FaultTimeout)
		if got := time.Since(start); got > 10*time.Second || len(e.Attempts) != 2 {
			t.Errorf("took %v and %d attempts, want 10s and 2", got, len(e.Attempts))
		}
		start, r.AttemptTimeout = time.Now(), time.Hour
		e = mustFail(t, g, r, hf.FaultTimeout)
		if got := time.Since(start); got != 10*time.Second || !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("took %v, want 10s: %v", got, e)
		}
		if len(e.Attempts) != 1 || e.Attempts[0].Fault != hf.FaultTimeout || e.Attempts[0].Took != 10*time.Second {
			t.Errorf("the attempt cut short is shown as %+v", e.Attempts)
		}
	})
}

func TestAWaitThatOutlastsTheDeadlineGoesToTheFallbackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, start := outcomes(after(hf.FaultRateLimit, time.Minute)), outcomes(nil), time.Now()
		r := ask("hello", first, second)
		r.Deadline = 30 * time.Second
		if res := mustDo(t, open(t, Options{}), r); res.Provider != "p1" || time.Since(start) != 0 || first.count() != 1 {
			t.Errorf("%s answered after %v", res.Provider, time.Since(start))
		}
	})
}

func TestACallerThatLeavesEndsTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := hang(), open(t, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := g.Do(ctx, ask("hello", p))
		if faultIn(err) != FaultCanceled || !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		synctest.Wait()
		if p.running != 0 {
			t.Error("the call goes on though nobody waits for it")
		}
	})
}

func TestAnErrorTellsEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := &hf.CallError{Fault: hf.FaultServer, Status: 503, Message: "try later", RetryAfter: 5 * time.Second}
		gone := &hf.CallError{Fault: hf.FaultNotServed, Status: 404, Message: "no such model"}
		e := mustFail(t, open(t, Options{Attempts: 2}), ask("secret prompt", outcomes(gone), outcomes(busy)), hf.FaultServer)
		want := []Attempt{
			{Provider: "p0", Model: "m0", Fault: hf.FaultNotServed, Status: 404, Message: "no such model"},
			{Provider: "p1", Model: "m1", Fault: hf.FaultServer, Status: 503, Message: "try later"},
			{Provider: "p1", Model: "m1", Fault: hf.FaultServer, Status: 503, Message: "try later"},
		}
		if !slices.Equal(e.Attempts, want) {
			t.Errorf("attempts are %+v", e.Attempts)
		}
		if e.Status != 503 || e.RetryAfter != 5*time.Second || !errors.Is(e, busy) {
			t.Errorf("the error is %+v", e)
		}
		if got, want := e.Error(), "after 3 attempts, the last at p1 with m1: server (HTTP 503): try later"; got != want {
			t.Errorf("it reads %q, want %q", got, want)
		}
	})
}

func TestAPanicOfAProviderIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := &fake{do: func(context.Context, int, hf.Call) (hf.Reply, error) { panic("index out of range") }}
		e := mustFail(t, open(t, Options{}), ask("hello", bad), hf.FaultUnreadable)
		if cause := errors.Unwrap(e.Err); cause == nil || !strings.Contains(cause.Error(), "index out of range") {
			t.Errorf("the cause is lost: %v", cause)
		}
		if strings.Contains(e.Error(), "index") {
			t.Errorf("the user is shown the panic: %v", e)
		}
	})
}

func TestARequestNeedsATarget(t *testing.T) {
	g := open(t, Options{})
	mustFail(t, g, ask("hello"), hf.FaultInvalid)
	for _, err := range g.Stream(t.Context(), ask("hello")) {
		if faultIn(err) != hf.FaultInvalid {
			t.Errorf("got %v", err)
		}
	}
}

func TestARouteIsAProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, p := open(t, Options{}), outcomes(fault(hf.FaultKey), nil)
		base := Request{Targets: []Target{{Provider: "p", Do: p}}}
		_, err := g.Provider(base).Do(t.Context(), hf.Call{Model: "theirs", Inputs: []string{"hello"}})
		call, ok := err.(*hf.CallError)
		if !ok || call.Fault != hf.FaultKey {
			t.Errorf("got %T %v, want a *hf.CallError", err, err)
		}
		if e, ok := errors.AsType[*Error](err); !ok || len(e.Attempts) != 1 {
			t.Error("the attempts are lost")
		}
		reply, err := g.Provider(base).Do(t.Context(), hf.Call{Model: "theirs", Inputs: []string{"hello"}})
		if err != nil || reply.Texts[0] != "answer 2" || p.calls[1].Model != "theirs" {
			t.Errorf("got %v %v, asked for %q", reply, err, p.calls[1].Model)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.Provider(base).Do(ctx, hf.Call{}); err != context.Canceled {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}

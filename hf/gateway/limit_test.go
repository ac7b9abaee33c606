package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"searchd/hf"
)

func TestAProviderGetsEightCallsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, other, g, start := slow(time.Second), slow(time.Second), open(t, Options{}), time.Now()
		var all sync.WaitGroup
		for i := range 80 {
			all.Go(func() { mustDo(t, g, fresh(fmt.Sprint(i), p)) })
		}
		synctest.Wait()
		r := fresh("hello", other)
		r.Targets[0].Provider = "other"
		mustDo(t, g, r)
		if time.Since(start) != time.Second {
			t.Error("another provider's calls wait too")
		}
		all.Wait()
		if p.most != 8 || time.Since(start) != 10*time.Second {
			t.Errorf("%d at a time, in %v; want 8, 10s", p.most, time.Since(start))
		}
		if len(g.limits.byProvider) != 0 {
			t.Error("limits of idle providers are kept")
		}
	})
}

func TestTheLimitHoldsForTheModelsOfAProviderTogetherAndForStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := slow(time.Second), open(t, Options{Concurrency: 2})
		p.stream = func(_ context.Context, _ int, _ hf.Call, yield func(hf.Delta, error) bool) {
			time.Sleep(time.Second)
			yield(hf.Delta{Text: "x", FinishReason: "stop"}, nil)
		}
		var all sync.WaitGroup
		for i := range 6 {
			r := fresh("hello", p)
			r.Targets[0].Model = fmt.Sprint(i)
			all.Go(func() { mustDo(t, g, r) })
			all.Go(func() {
				for _, err := range g.Stream(t.Context(), r) {
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if p.most != 2 || p.count() != 12 {
			t.Errorf("%d at a time, %d in all; want 2 and 12", p.most, p.count())
		}
	})
}

func TestWhoWaitsIsServedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := slow(time.Second), open(t, Options{Concurrency: 1})
		var all sync.WaitGroup
		var want, got []string
		for i := range 20 {
			want = append(want, fmt.Sprint(i))
			all.Go(func() { mustDo(t, g, fresh(fmt.Sprint(i), p)) })
			synctest.Wait()
		}
		all.Wait()
		for _, c := range p.calls {
			got = append(got, c.Inputs[0])
		}
		if !slices.Equal(got, want) {
			t.Errorf("served in the order %v", got)
		}
	})
}

func TestWaitingForAPlaceEndsWithTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := slow(10*time.Second), open(t, Options{Concurrency: 1})
		go g.Do(t.Context(), fresh("first", p))
		synctest.Wait()
		r, start := fresh("second", p), time.Now()
		r.Deadline = 3 * time.Second
		e := mustFail(t, g, r, hf.FaultTimeout)
		if time.Since(start) != 3*time.Second || !strings.Contains(e.Message, "one of the 1 places at p0") {
			t.Errorf("after %v: %v", time.Since(start), e)
		}
		r.Deadline = time.Minute
		mustDo(t, g, r) // the one that left does not hold a place
		if p.count() != 2 {
			t.Errorf("%d calls, want 2", p.count())
		}
	})
}

// A provider that waits before it is tried again does not keep others from it.
func TestAWaitHoldsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, start := open(t, Options{Concurrency: 1}), time.Now()
		go g.Do(t.Context(), fresh("first", outcomes(fault(hf.FaultServer), nil)))
		synctest.Wait()
		mustDo(t, g, fresh("second", outcomes(nil)))
		if time.Since(start) != 0 {
			t.Errorf("waited %v", time.Since(start))
		}
		time.Sleep(time.Minute)
	})
}

// Where the circuit is open there is nothing to queue for.
func TestAnOpenCircuitRefusesWithoutWaitingForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := open(t, Options{Concurrency: 1})
		busy := fresh("first", slow(10*time.Second))
		busy.Targets[0].Model = "other"
		go g.Do(t.Context(), busy)
		synctest.Wait()
		r, start := fresh("second", outcomes(nil)), time.Now()
		shutTargets(t, g, r.Targets, 1)
		mustFail(t, g, r, FaultCircuit)
		if time.Since(start) != 0 {
			t.Errorf("waited %v for a place", time.Since(start))
		}
		time.Sleep(time.Minute)
	})
}

package gateway

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"searchd/hf"
)

func TestTenThousandEqualRequestsMakeOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, log := slow(time.Second), &recorder{}
		g := open(t, Options{Recorder: log})
		r := ask("hello", p)
		r.Targets[0].Tier = Tiers()[2]
		var all sync.WaitGroup
		for range 10_000 {
			all.Go(func() {
				if res, err := g.Do(t.Context(), r); err != nil || res.Texts[0] != "answer 1" || res.Elapsed != time.Second {
					t.Errorf("got %+v, %v", res, err)
				}
			})
		}
		all.Wait()
		if p.count() != 1 {
			t.Errorf("%d upstream calls", p.count())
		}
		payers := 0
		for _, r := range log.all() {
			if !r.Joined {
				payers++
			}
			if (r.EstimatedCostUSD > 0) == r.Joined {
				t.Fatalf("a request with joined %v cost %v", r.Joined, r.EstimatedCostUSD)
			}
		}
		if payers != 1 || len(log.all()) != 10_000 {
			t.Errorf("%d of %d requests accounted for the cost, want 1 of 10,000", payers, len(log.all()))
		}
		if len(g.flights.byKey) != 0 {
			t.Error("the flight is kept after its end")
		}
	})
}

func TestRequestsThatDifferAreNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, other, g := slow(time.Second), slow(time.Second), open(t, Options{})
		patient := ask("hello", p)
		patient.AttemptTimeout = 5 * time.Second
		var all sync.WaitGroup
		for _, r := range []Request{ask("hello", p), ask("hello!", p), fresh("hello", p), fresh("hello", p), ask("hello", p, other), patient} {
			all.Go(func() { mustDo(t, g, r) })
		}
		all.Wait()
		if p.count() != 6 {
			t.Errorf("%d upstream calls, want 6", p.count())
		}
	})
}

func TestACallerThatLeavesDoesNotCancelTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := slow(10*time.Second), open(t, Options{})
		first, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := g.Do(first, ask("hello", p)); !errors.Is(err, context.Canceled) {
				t.Errorf("the one that left got %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if res := mustDo(t, g, ask("hello", p)); res.Joined {
				t.Error("nobody accounts for the cost")
			}
		})
		time.Sleep(time.Second)
		leave()
		all.Wait()
		if p.count() != 1 {
			t.Errorf("%d upstream calls, want 1", p.count())
		}
	})
}

func TestWhenAllHaveLeftTheCallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := hang(), open(t, Options{})
		ctx, leave := context.WithCancel(t.Context())
		for range 3 {
			go g.Do(ctx, ask("hello", p))
		}
		synctest.Wait()
		if p.running != 1 {
			t.Fatalf("%d calls run, want 1", p.running)
		}
		leave()
		synctest.Wait()
		if p.running != 0 || len(g.flights.byKey) != 0 {
			t.Error("the call goes on")
		}
		done := slow(0)
		if res := mustDo(t, g, ask("hello", done)); res.Texts[0] != "answer 1" {
			t.Error("the next request joined a call that had ended")
		}
	})
}

func TestEachOfTheJoinedKeepsItsOwnDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g, start := outcomes(after(hf.FaultRateLimit, 20*time.Second), nil), open(t, Options{}), time.Now()
		r := ask("hello", p)
		r.Targets[0].Do = &fake{do: func(ctx context.Context, n int, c hf.Call) (hf.Reply, error) {
			if n == 1 {
				time.Sleep(2 * time.Second)
			}
			return p.Do(ctx, c)
		}}
		var all sync.WaitGroup
		for _, c := range []struct {
			deadline, want time.Duration
			answered       bool
		}{{10 * time.Second, 10 * time.Second, false}, {time.Minute, 22 * time.Second, true}} {
			r.Deadline = c.deadline
			all.Go(func() {
				_, err := g.Do(t.Context(), r)
				if got := time.Since(start); got != c.want || (err == nil) != c.answered {
					t.Errorf("with a deadline of %v: %v after %v, want %v", c.deadline, err, got, c.want)
				}
			})
			synctest.Wait()
		}
		all.Wait()
	})
}

func TestNobodyJoinsACallThatAllHaveLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := open(t, Options{})
		stubborn := &fake{do: func(ctx context.Context, n int, _ hf.Call) (hf.Reply, error) {
			time.Sleep(10 * time.Second) // also after ctx has ended
			return say("late"), ctx.Err()
		}}
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		g.Do(ctx, ask("hello", stubborn))
		if res := mustDo(t, g, ask("hello", outcomes(nil))); res.Texts[0] != "answer 1" {
			t.Errorf("got %q", res.Texts[0])
		}
		time.Sleep(time.Minute)
	})
}

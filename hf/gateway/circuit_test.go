package gateway

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"searchd/hf"
)

// failing makes n requests that fail, with one attempt each.
func failing(t *testing.T, g *Gateway, n int, f hf.Fault, r Request) {
	t.Helper()
	for range n {
		mustFail(t, g, r, f)
	}
}

func TestACircuitOpensAfterFiveFailuresAndIsTriedAgainAfterHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		p := &fake{do: func(context.Context, int, hf.Call) (hf.Reply, error) {
			if down {
				return hf.Reply{}, fault(hf.FaultServer)
			}
			return say("up"), nil
		}}
		g, r := open(t, Options{Attempts: 1}), fresh("hello", p)
		failing(t, g, 5, hf.FaultServer, r)
		e := mustFail(t, g, r, FaultCircuit)
		if p.count() != 5 || e.RetryAfter != 30*time.Second || upstream(e.Attempts) != 0 {
			t.Errorf("%d calls, want 5; %+v", p.count(), e)
		}
		time.Sleep(30*time.Second - 1)
		failing(t, g, 1, FaultCircuit, r)
		time.Sleep(time.Nanosecond)
		failing(t, g, 3, hf.FaultServer, r) // the trials
		failing(t, g, 1, FaultCircuit, r)
		down = false
		time.Sleep(30 * time.Second)
		mustDo(t, g, r)
		mustDo(t, g, r)
		if p.count() != 10 || len(g.circuits.byID) != 0 {
			t.Errorf("%d calls, want 10; %d circuits are kept of targets that work", p.count(), len(g.circuits.byID))
		}
		down = true
		failing(t, g, 5, hf.FaultServer, r)
		failing(t, g, 1, FaultCircuit, r)
	})
}

func TestACircuitLetsThreeTrialsThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := outcomes(fault(hf.FaultServer))
		g, r := open(t, Options{Attempts: 1}), fresh("hello", p)
		failing(t, g, 5, hf.FaultServer, r)
		time.Sleep(30 * time.Second)
		trial := slow(time.Second)
		r.Targets[0].Do = trial
		for range 3 {
			go g.Do(t.Context(), r)
		}
		synctest.Wait()
		failing(t, g, 3, FaultCircuit, r)
		if trial.count() != 3 {
			t.Errorf("%d trials at a time, want 3", trial.count())
		}
		time.Sleep(2 * time.Second)
		mustDo(t, g, r)
	})
}

func TestATrialThatIsGivenUpDoesNotHoldTheCircuitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, r := open(t, Options{Attempts: 1}), fresh("hello", outcomes(fault(hf.FaultServer)))
		failing(t, g, 5, hf.FaultServer, r)
		time.Sleep(30 * time.Second)
		r.Targets[0].Do, r.Deadline = hang(), time.Second
		failing(t, g, 3, hf.FaultTimeout, r)
		synctest.Wait()
		r.Targets[0].Do = outcomes(nil)
		failing(t, g, 1, FaultCircuit, r)
		time.Sleep(30 * time.Second)
		mustDo(t, g, r)
	})
}

func TestOnlyTransientFailuresInARowOpenACircuit(t *testing.T) {
	for name, between := range map[string]error{"an answer": nil, "a failure that is an answer": fault(hf.FaultInvalid)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := fault(hf.FaultServer)
				p := outcomes(bad, bad, bad, bad, between, bad, bad, bad, bad, nil)
				g := open(t, Options{Attempts: 1})
				for range 10 {
					g.Do(t.Context(), fresh("hello", p))
				}
				if p.count() != 10 {
					t.Errorf("%d calls, want 10: the circuit opened", p.count())
				}
			})
		})
	}
}

func TestACircuitIsOfOneModelAtOneProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad, good, g := outcomes(fault(hf.FaultServer)), outcomes(nil), open(t, Options{Attempts: 1})
		failing(t, g, 5, hf.FaultServer, fresh("hello", bad))
		for _, other := range []Target{{Provider: "p0", Model: "other", Do: good}, {Provider: "other", Model: "m0", Do: good}} {
			r := fresh("hello")
			r.Targets = []Target{other}
			mustDo(t, g, r)
		}
	})
}

func TestTheFallbackAnswersWhileACircuitIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad, good, g := outcomes(fault(hf.FaultServer)), outcomes(nil), open(t, Options{})
		mustDo(t, g, fresh("hello", bad, good))
		mustDo(t, g, fresh("hello", bad, good)) // the fifth failure opens the circuit: no third attempt
		start := time.Now()
		res := mustDo(t, g, fresh("hello", bad, good))
		if bad.count() != 5 || res.Provider != "p1" || res.Attempts != 1 || time.Since(start) != 0 {
			t.Errorf("%d calls of the primary, want 5; %s answered after %v", bad.count(), res.Provider, time.Since(start))
		}
		if res.Trace[0].Fault != FaultCircuit {
			t.Errorf("the trace does not say why the primary was left out: %+v", res.Trace)
		}
	})
}

func TestCallersInAHurryDoNotOpenACircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := open(t, Options{Attempts: 1})
		short, brief := fresh("hello", hang()), fresh("hello", hang())
		short.AttemptTimeout, brief.Deadline = time.Second, time.Second
		failing(t, g, 10, hf.FaultTimeout, short)
		failing(t, g, 10, hf.FaultTimeout, brief)
		synctest.Wait()
		if len(g.circuits.byID) != 0 {
			t.Error("impatience counts as failure")
		}
		long := fresh("hello", hang())
		long.Deadline = time.Minute
		failing(t, g, 5, hf.FaultTimeout, long)
		synctest.Wait() // the caller left at its deadline, the attempt ends at the same moment
		failing(t, g, 1, FaultCircuit, long)
	})
}

// shutTargets opens the circuits of the first n of a route.
func shutTargets(t *testing.T, g *Gateway, targets []Target, n int) {
	for _, target := range targets[:n] {
		for range 5 {
			g.circuits.failed(circuitID{target.Provider, target.Model})
		}
	}
}

func TestARequestThatMetAPassingFailureWaitsForTheTargetsThatWereShut(t *testing.T) {
	for name, c := range map[string]struct {
		shut     int
		fault    hf.Fault
		deadline time.Duration
		want     hf.Fault
		took     time.Duration
	}{
		"the fallback fails for now":  {shut: 1, fault: hf.FaultServer, took: 30 * time.Second},
		"the fallback fails for good": {shut: 1, fault: hf.FaultKey, want: hf.FaultKey},
		"all are shut":                {shut: 2, fault: hf.FaultServer, want: FaultCircuit},
		"the deadline leaves no time": {shut: 1, fault: hf.FaultServer, deadline: 20 * time.Second, want: hf.FaultServer, took: 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first, second, g := outcomes(nil), outcomes(fault(c.fault)), open(t, Options{})
				r := ask("hello", first, second)
				r.Deadline = c.deadline
				shutTargets(t, g, r.Targets, c.shut)
				start := time.Now()
				res, err := g.Do(t.Context(), r)
				if faultIn(err) != c.want || time.Since(start).Truncate(10*time.Second) != c.took.Truncate(10*time.Second) {
					t.Errorf("got %v after %v, want %q after %v", err, time.Since(start), c.want, c.took)
				}
				if err == nil && (res.Provider != "p0" || second.count() != 3) {
					t.Errorf("%s answered, and the fallback was asked %d times", res.Provider, second.count())
				}
			})
		})
	}
}

// Random events at one circuit, one after the other, against the rule in its simplest form.
func TestCircuitsAgainstTheRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random, id := rand.New(rand.NewPCG(1, 2)), circuitID{"p", "m"}
		c := &open(t, Options{}).circuits
		row, opened := 0, false // failures in a row, or of trials
		var until time.Time
		for i := range 20_000 {
			time.Sleep(time.Duration(random.IntN(8000)) * time.Millisecond)
			may := !opened || !time.Now().Before(until)
			if got := c.admit(id); got != may {
				t.Fatalf("step %d: admitted %v, want %v", i, got, may)
			}
			if !may {
				continue
			}
			if random.Float64() < 0.3 {
				c.succeeded(id)
				row, opened = 0, false
				continue
			}
			c.failed(id)
			if row++; !opened && row == 5 || opened && row == trials {
				row, opened, until = 0, true, time.Now().Add(30*time.Second)
			}
		}
	})
}

func TestTheNumberOfCircuitsIsBounded(t *testing.T) {
	c := &open(t, Options{}).circuits
	for i := range 3 * maxCircuits {
		c.failed(circuitID{"p", fmt.Sprint(i)})
	}
	if len(c.byID) != maxCircuits {
		t.Errorf("%d circuits, want %d", len(c.byID), maxCircuits)
	}
}

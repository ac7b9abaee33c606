package gateway

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"searchd/hf"
)

// stormy is a provider of which half of the answers are failures, and that notes each call with its outcome.
type stormy struct {
	mu     sync.Mutex
	random *rand.Rand
	most   int
	now    int
	seen   map[string][]outcome // by prompt
}

type outcome struct {
	start, end time.Time
	err        *hf.CallError
}

func newStormy(seed uint64) *stormy {
	return &stormy{random: rand.New(rand.NewPCG(seed, 1)), seen: map[string][]outcome{}}
}

// next draws how a call will end, and how long it takes.
func (s *stormy) next() (*hf.CallError, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now++
	s.most = max(s.most, s.now)
	took := time.Duration(s.random.IntN(2000)) * time.Millisecond
	if s.random.Float64() < 0.5 {
		return nil, took
	}
	switch s.random.IntN(20) {
	case 0:
		return fault(hf.FaultTimeout), time.Minute // and longer: the gateway ends it
	case 1, 2:
		return fault(hf.FaultLoading), took
	case 3, 4, 5:
		return after(hf.FaultRateLimit, time.Duration(s.random.IntN(15))*time.Second), took
	case 6, 7, 8, 9, 10:
		return fault(hf.FaultConnection), took
	default:
		return fault(hf.FaultServer), took
	}
}

func (s *stormy) Do(ctx context.Context, c hf.Call) (hf.Reply, error) {
	start := time.Now()
	err, took := s.next()
	if took == time.Minute {
		<-ctx.Done()
	} else {
		time.Sleep(took)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	o := outcome{start, time.Now(), err}
	s.seen[c.Inputs[0]] = append(s.seen[c.Inputs[0]], o)
	if ctx.Err() != nil {
		return hf.Reply{}, ctx.Err()
	}
	if err != nil {
		return hf.Reply{}, err
	}
	return say("answer to " + c.Inputs[0]), nil
}

func (*stormy) Stream(context.Context, hf.Call) iter.Seq2[hf.Delta, error] { panic("not used") }

// checkPolicy holds what a provider saw against the retry policy.
func (s *stormy) checkPolicy(t *testing.T) {
	if s.most > 8 {
		t.Errorf("%d calls at a time", s.most)
	}
	for prompt, tries := range s.seen {
		if len(tries) > 3 {
			t.Errorf("%s was tried %d times", prompt, len(tries))
		}
		for i := 1; i < len(tries); i++ {
			before, wait := tries[i-1].err, tries[i].start.Sub(tries[i-1].end)
			least := 2 * time.Second << (i - 1)
			if before == nil {
				t.Fatalf("%s was asked again after an answer", prompt)
			}
			if before.Fault == hf.FaultLoading {
				least = 10 * time.Second
			}
			if least = max(least, before.RetryAfter); wait < least {
				t.Errorf("%s was tried again %v after %v, want at least %v", prompt, wait, before, least)
			}
		}
	}
}

// One provider that fails half of the time cannot answer 99 % in three attempts: 1 − ½³ is 87.5 %. A route of four can.
func TestHalfOfUpstreamFailsAndNinetyNineOfAHundredSucceed(t *testing.T) {
	const requests = 2000
	for _, seed := range []uint64{1, 2, 3} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				jitter := rand.New(rand.NewPCG(seed, 2))
				g := open(t, Options{Random: func() float64 { mu.Lock(); defer mu.Unlock(); return jitter.Float64() }})
				providers := []*stormy{newStormy(seed), newStormy(seed + 100), newStormy(seed + 200), newStormy(seed + 300)}
				route := route(providers[0], providers[1], providers[2], providers[3])
				answered := storm(t, g, requests, rand.New(rand.NewPCG(seed, 3)), route)
				t.Logf("%d of %d answered", answered, requests)
				if answered < requests*99/100 {
					t.Errorf("%d of %d requests were answered, want 99 %%", answered, requests)
				}
				for _, p := range providers {
					p.checkPolicy(t)
				}
			})
		})
	}
}

// storm makes requests at random times, one in two seconds on average, and counts the answers.
func storm(t *testing.T, g *Gateway, n int, random *rand.Rand, targets []Target) (answered int) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
		all.Go(func() {
			prompt, start := fmt.Sprint("prompt ", i), time.Now()
			res, err := g.Do(t.Context(), Request{Call: hf.Call{Inputs: []string{prompt}}, Targets: targets, UseCache: true})
			if time.Since(start) > 5*time.Minute {
				t.Errorf("%s took %v", prompt, time.Since(start))
			}
			if err == nil && res.Texts[0] != "answer to "+prompt {
				t.Errorf("%s got the %s", prompt, res.Texts[0])
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				answered++
			}
		})
	}
	all.Wait()
	return answered
}

func TestMemoryStaysFlat(t *testing.T) {
	requests := 100_000
	if testing.Short() {
		requests = 20_000
	}
	answer := strings.Repeat("x", 200)
	g := open(t, Options{Attempts: 1, CacheBytes: 4 << 20, Recorder: discard{}})
	target := Target{Provider: "p", Do: quiet(func(c hf.Call) (hf.Reply, error) {
		if strings.HasSuffix(c.Inputs[0], "7") {
			return hf.Reply{}, fault(hf.FaultServer)
		}
		return say(answer), nil
	})}
	send := func(from, to int) {
		for i := from; i < to; i++ {
			target.Model = fmt.Sprint("model ", i/1000)
			g.Do(t.Context(), Request{Call: hf.Call{Inputs: []string{fmt.Sprint(i)}}, Targets: []Target{target}, UseCache: i%3 > 0})
		}
	}
	send(0, requests/4)
	before := heap(g)
	send(requests/4, requests)
	after := heap(g)
	t.Logf("heap %d kB after %d requests, %d kB after %d", before>>10, requests/4, after>>10, requests)
	if after > before+before/4+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
}

func heap(g *Gateway) uint64 {
	g.cache.replies.CleanUp()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

type discard struct{}

func (discard) Record(context.Context, Record) {}

// quiet is a provider that remembers nothing.
type quiet func(hf.Call) (hf.Reply, error)

func (q quiet) Do(_ context.Context, c hf.Call) (hf.Reply, error) { return q(c) }

func (quiet) Stream(context.Context, hf.Call) iter.Seq2[hf.Delta, error] { panic("not used") }

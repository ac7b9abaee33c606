package gateway

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
)

// part is a piece, an error or a pause of a scripted stream.
type part struct {
	pause time.Duration
	delta hf.Delta
	err   error
}

func text(s string) part { return part{delta: hf.Delta{Text: s}} }

func end(s string) part {
	return part{delta: hf.Delta{Text: s, FinishReason: "stop", Usage: &hf.Usage{PromptTokens: 1, CompletionTokens: 2}}}
}

// streams is a provider that plays each script in turn, and goes on with the last.
func streams(scripts ...[]part) *fake {
	return &fake{stream: func(ctx context.Context, n int, _ hf.Call, yield func(hf.Delta, error) bool) {
		for _, p := range scripts[min(n, len(scripts))-1] {
			select {
			case <-ctx.Done():
				yield(hf.Delta{}, ctx.Err())
				return
			case <-time.After(p.pause):
			}
			if p.pause == 0 && !yield(p.delta, p.err) {
				return
			}
		}
	}}
}

// collect reads a stream to its end.
func collect(t *testing.T, g *Gateway, r Request) (got string, res Result, err error) {
	t.Helper()
	finished := 0
	r.Finished = func(end Result) { res, finished = end, finished+1 }
	for d, e := range g.Stream(t.Context(), r) {
		if err != nil {
			t.Error("something comes after an error")
		}
		if err = e; e == nil {
			got += d.Text
		}
	}
	if finished != 1 {
		t.Errorf("Finished was called %d times", finished)
	}
	return got, res, err
}

func TestAStreamFallsBackOnlyBeforeItsFirstPiece(t *testing.T) {
	bad, gone := part{err: fault(hf.FaultServer)}, part{err: fault(hf.FaultNotServed)}
	role := part{delta: hf.Delta{}}
	for name, c := range map[string]struct {
		first         []([]part)
		want          string
		fault         hf.Fault
		asked, second int
		took          time.Duration
	}{
		"answers":                    {first: [][]part{{text("a"), end("b")}}, want: "ab", asked: 1},
		"fails once, then answers":   {first: [][]part{{bad}, {end("b")}}, want: "b", asked: 2, took: 2 * time.Second},
		"fails always":               {first: [][]part{{bad}}, want: "fallback", asked: 3, second: 1, took: 6 * time.Second},
		"is not served":              {first: [][]part{{gone}}, want: "fallback", asked: 1, second: 1},
		"fails after the role":       {first: [][]part{{role, gone}}, want: "fallback", asked: 1, second: 1},
		"ends before it begins":      {first: [][]part{{role}}, want: "fallback", asked: 1, second: 1},
		"fails after a piece":        {first: [][]part{{text("a"), bad}}, want: "a", fault: hf.FaultServer, asked: 1},
		"fails for good after piece": {first: [][]part{{text("a"), gone}}, want: "a", fault: hf.FaultNotServed, asked: 1},
		"hangs before it begins":     {first: [][]part{{{pause: time.Hour}}}, want: "fallback", asked: 3, second: 1, took: 186 * time.Second},
		"hangs, with signs of life":  {first: [][]part{{role, {pause: 50 * time.Second}, role, {pause: time.Hour}}}, want: "fallback", asked: 3, second: 1, took: 186 * time.Second},
		"hangs after a piece":        {first: [][]part{{text("a"), {pause: time.Hour}}}, want: "a", fault: hf.FaultTimeout, asked: 1, took: time.Minute},
		"is long but alive": {
			first: [][]part{{{pause: 50 * time.Second}, text("a"), {pause: 50 * time.Second}, text("b"), {pause: 50 * time.Second}, end("c")}},
			want:  "abc", asked: 1, took: 150 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first, second, start := streams(c.first...), streams([]part{end("fallback")}), time.Now()
				got, res, err := collect(t, open(t, Options{}), ask("hello", first, second))
				if got != c.want || faultIn(err) != c.fault || time.Since(start) != c.took {
					t.Errorf("got %q, %v, in %v; want %q, %s, in %v", got, err, time.Since(start), c.want, c.fault, c.took)
				}
				if first.count() != c.asked || second.count() != c.second || res.Attempts != c.asked+c.second {
					t.Errorf("asked %d and %d, reported %d; want %d and %d", first.count(), second.count(), res.Attempts, c.asked, c.second)
				}
				if first.running+second.running != 0 {
					t.Error("a call goes on")
				}
			})
		})
	}
}

func TestAPieceIsForwardedWhenItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := streams([]part{{pause: time.Second}, text("a"), {pause: time.Second}, end("b")}), time.Now()
		var at []time.Duration
		for range open(t, Options{}).Stream(t.Context(), ask("hello", p)) {
			at = append(at, time.Since(start))
		}
		if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second}, at); diff != "" {
			t.Errorf("pieces came at (-want +got):\n%s", diff)
		}
	})
}

func TestASlowReaderIsNotTheProvidersFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, n := streams([]part{text("a"), text("b"), end("c")}), 0
		for _, err := range open(t, Options{}).Stream(t.Context(), ask("hello", p)) {
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(70 * time.Second)
			n++
		}
		if n != 3 {
			t.Errorf("%d pieces, want 3", n)
		}
	})
}

func TestTheDeadlineEndsAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, start := ask("hello", streams([]part{text("a"), {pause: 50 * time.Second}, end("b")})), time.Now()
		r.Deadline = 10 * time.Second
		g := open(t, Options{})
		got, _, err := collect(t, g, r)
		if got != "a" || faultIn(err) != hf.FaultTimeout || time.Since(start) != 10*time.Second {
			t.Errorf("got %q, %v after %v", got, err, time.Since(start))
		}
	})
}

func TestAReaderThatStopsEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, log := streams([]part{text("abc"), text("d"), end("e")}), &recorder{}
		g := open(t, Options{Recorder: log})
		for range g.Stream(t.Context(), ask("hello", p)) {
			break
		}
		if p.running != 0 || len(g.limits.byProvider) != 0 {
			t.Error("the stream goes on")
		}
		if r := log.all(); len(r) != 1 || r[0].CompletionCharacters != 3 || r[0].Fault != "" {
			t.Errorf("recorded %+v", r)
		}
	})
}

func TestAStreamIsRecordedAndNeitherCachedNorJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, log := streams([]part{text("héé"), {pause: time.Second}, end("!")}), &recorder{}
		g := open(t, Options{Recorder: log})
		r := ask("hello", p)
		r.Targets[0].Type, r.Targets[0].Tier = "tgi", Tiers()[2]
		_, res, _ := collect(t, g, r)
		collect(t, g, r)
		if p.count() != 2 {
			t.Errorf("%d calls for two streams", p.count())
		}
		got := log.all()[0]
		got.Time = time.Time{}
		want := Record{
			Provider: "p0", Type: "tgi", Model: "m0", Task: hf.TextGeneration, Attempts: 1, PromptCharacters: 5, CompletionCharacters: 4,
			Usage: hf.Usage{PromptTokens: 1, CompletionTokens: 2}, EstimatedCostUSD: Estimate(Tiers()[2], 9), Took: time.Second, Stream: true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
		if res.Provider != "p0" || res.FinishReason != "stop" || res.Model != "m0" || res.EstimatedCostUSD != want.EstimatedCostUSD {
			t.Errorf("result %+v", res)
		}
	})
}

func TestFailingStreamsOpenTheCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := streams([]part{text("a"), {err: fault(hf.FaultConnection)}}), open(t, Options{Attempts: 1})
		for range 5 {
			collect(t, g, ask("hello", p))
		}
		if _, _, err := collect(t, g, ask("hello", p)); faultIn(err) != FaultCircuit || p.count() != 5 {
			t.Errorf("%d calls, and %v", p.count(), err)
		}
	})
}

func TestARouteStreamsAsAProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, Options{}).Provider(ask("", streams([]part{text("a"), {err: fault(hf.FaultCredits)}})))
		var got []string
		for d, err := range p.Stream(t.Context(), hf.Call{Task: hf.TextGeneration, Inputs: []string{"hello"}}) {
			if err != nil {
				if call, ok := err.(*hf.CallError); !ok || call.Fault != hf.FaultCredits {
					t.Errorf("got %T %v, want a *hf.CallError", err, err)
				}
				break
			}
			got = append(got, d.Text)
		}
		if diff := cmp.Diff([]string{"a"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

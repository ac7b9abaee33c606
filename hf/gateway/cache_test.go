package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
)

func TestAnAnswerIsCachedForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := outcomes(nil), open(t, Options{})
		for _, c := range []struct {
			after  time.Duration
			cached bool
			want   string
		}{{0, false, "answer 1"}, {599 * time.Second, true, "answer 1"}, {2 * time.Second, false, "answer 2"}} {
			time.Sleep(c.after)
			res := mustDo(t, g, ask("hello", p))
			if res.FromCache != c.cached || res.Texts[0] != c.want {
				t.Errorf("after %v: %q, from cache %v; want %q, %v", c.after, res.Texts[0], res.FromCache, c.want, c.cached)
			}
			if c.cached && (res.Attempts != 0 || res.Elapsed != 0 || res.EstimatedCostUSD != 0 || res.Provider != "p0") {
				t.Errorf("the cached answer is %+v", res)
			}
		}
	})
}

func TestWithoutUseCacheNothingIsReadOrWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := outcomes(nil), open(t, Options{})
		mustDo(t, g, fresh("hello", p))
		if res := mustDo(t, g, ask("hello", p)); res.FromCache {
			t.Error("an answer was written")
		}
		if res := mustDo(t, g, fresh("hello", p)); res.FromCache || res.Texts[0] != "answer 3" {
			t.Error("an answer was read")
		}
	})
}

func TestAFailureIsNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := outcomes(fault(hf.FaultKey), nil), open(t, Options{})
		mustFail(t, g, ask("hello", p), hf.FaultKey)
		if res := mustDo(t, g, ask("hello", p)); res.FromCache {
			t.Error("the answer came from the cache")
		}
	})
}

func TestAFallbacksAnswerIsCachedAsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, g := outcomes(fault(hf.FaultCredits), nil), outcomes(nil), open(t, Options{})
		mustDo(t, g, ask("hello", first, second))
		if res := mustDo(t, g, ask("hello", first, second)); res.Provider != "p0" || res.FromCache {
			t.Errorf("the primary works again, and %s answered (from cache: %v)", res.Provider, res.FromCache)
		}
		other := outcomes(fault(hf.FaultCredits))
		r := ask("hello", other, second)
		r.Targets[0].Provider = "broken"
		if res := mustDo(t, g, r); res.Provider != "p1" || !res.FromCache || second.count() != 1 {
			t.Errorf("the fallback was asked again: %+v", res)
		}
	})
}

func TestTheCacheIsBoundedInBytes(t *testing.T) {
	const limit = 1 << 20
	text := strings.Repeat("x", 10_000)
	p := &fake{do: func(context.Context, int, hf.Call) (hf.Reply, error) { return say(text), nil }}
	g := open(t, Options{CacheBytes: limit})
	for i := range 500 {
		mustDo(t, g, ask(fmt.Sprint(i), p))
	}
	g.cache.replies.CleanUp()
	if got := g.cache.replies.WeightedSize(); got > limit || got < limit/2 {
		t.Errorf("the cache holds %d bytes of %d", got, limit)
	}
	if n := g.cache.replies.EstimatedSize(); n == 0 || n > limit/10_000 {
		t.Errorf("%d answers of 10 kB are in a cache of 1 MiB", n)
	}
}

func TestNobodyCanChangeWhatIsCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := hf.Reply{Texts: []string{"a"}, Labels: [][]hf.Label{{{Name: "good", Score: 0.5}}}, Vectors: [][]float32{{1, 2}}}
		upstream := clone(want)
		p, g := &fake{do: func(context.Context, int, hf.Call) (hf.Reply, error) { return upstream, nil }}, open(t, Options{})
		for range 3 {
			res := mustDo(t, g, ask("hello", p))
			if diff := cmp.Diff(want, res.Reply); diff != "" {
				t.Fatalf("another caller's change is seen (-want +got):\n%s", diff)
			}
			res.Texts[0], res.Labels[0][0].Score, res.Vectors[0][0] = "spoilt", 9, 9
			upstream.Texts[0], upstream.Labels[0][0].Score, upstream.Vectors[0][0] = "spoilt", 9, 9
		}
	})
}

// What the cache believes to hold must not be less than what it takes.
func TestTheCacheTakesNoMoreMemoryThanItCounts(t *testing.T) {
	g := open(t, Options{CacheBytes: 1 << 30})
	before := heap(g)
	for i := range 30_000 {
		g.cache.set(keyOf(Target{}, hf.Call{Params: hf.Params{TopK: &i}}), say(fmt.Sprint("answer ", i)))
	}
	taken, counted := float64(heap(g)-before), float64(g.cache.replies.WeightedSize())
	t.Logf("an entry takes %.0f bytes and counts %.0f", taken/30_000, counted/30_000)
	if taken > counted || taken < counted/3 {
		t.Errorf("takes %.0f bytes, counts %.0f", taken, counted)
	}
}

func TestSizeCountsEverythingOfAReply(t *testing.T) {
	empty := size(hf.Reply{})
	for name, r := range map[string]hf.Reply{
		"model":   {Model: strings.Repeat("m", 1000)},
		"texts":   {Texts: []string{strings.Repeat("x", 1000)}},
		"labels":  {Labels: [][]hf.Label{{{Name: strings.Repeat("x", 1000)}}}},
		"vectors": {Vectors: [][]float32{make([]float32, 250)}},
	} {
		if got := size(r) - empty; got < 1000 || got > 1100 {
			t.Errorf("%s of 1,000 bytes counts %d", name, got)
		}
	}
}

package gateway

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"searchd/hf"
)

func benchRequest(p hf.Provider) Request {
	r := ask(strings.Repeat("word ", 400), p) // 2,000 characters
	r.Params = hf.Params{Temperature: new(0.7), MaxTokens: new(256), Stop: []string{"\n\n"}}
	return r
}

func BenchmarkCachedAnswer(b *testing.B) {
	g := open(b, Options{Recorder: discard{}})
	r := benchRequest(quiet(func(hf.Call) (hf.Reply, error) { return say(strings.Repeat("x", 1000)), nil }))
	mustDo(b, g, r)
	b.ReportAllocs()
	percentile(b, func() {
		if !mustDo(b, g, r).FromCache {
			b.Fatal("not cached")
		}
	})
}

func BenchmarkCachedEmbeddings(b *testing.B) {
	g := open(b, Options{Recorder: discard{}})
	r := embed(nil, quiet(func(c hf.Call) (hf.Reply, error) {
		return hf.Reply{Vectors: slices.Repeat([][]float32{make([]float32, 384)}, len(c.Inputs))}, nil
	}))
	for i := range 32 {
		r.Inputs = append(r.Inputs, fmt.Sprint(strings.Repeat("word ", 100), i))
	}
	mustDo(b, g, r)
	b.ReportAllocs()
	percentile(b, func() { mustDo(b, g, r) })
}

// The provider answers at once, so the whole time is overhead.
func BenchmarkForwardedCall(b *testing.B) {
	g := open(b, Options{Recorder: discard{}})
	r, n := benchRequest(quiet(func(hf.Call) (hf.Reply, error) { return say("x"), nil })), 0
	b.ReportAllocs()
	percentile(b, func() {
		n++
		r.Inputs = []string{fmt.Sprint(r.Inputs[0][:2000], n)}
		if mustDo(b, g, r).FromCache {
			b.Fatal("cached")
		}
	})
}

// pieces streams the time of each piece, so that a reader can tell how long it was on its way.
type pieces struct{ at time.Time }

func (p *pieces) Do(context.Context, hf.Call) (hf.Reply, error) { panic("not used") }

func (p *pieces) Stream(context.Context, hf.Call) iter.Seq2[hf.Delta, error] {
	return func(yield func(hf.Delta, error) bool) {
		p.at = time.Now()
		yield(hf.Delta{Text: "x", FinishReason: "stop"}, nil)
	}
}

// The time from a provider's first piece to the reader.
func BenchmarkFirstPiece(b *testing.B) {
	g, p := open(b, Options{}), &pieces{}
	r := benchRequest(p)
	var times []time.Duration
	for b.Loop() {
		for range g.Stream(b.Context(), r) {
			times = append(times, time.Since(p.at))
		}
	}
	report(b, times)
}

func percentile(b *testing.B, f func()) {
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		f()
		times = append(times, time.Since(start))
	}
	report(b, times)
}

func report(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1000, "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds())/1000, "p99-µs")
}

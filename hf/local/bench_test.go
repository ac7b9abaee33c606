package local_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"searchd/hf"
	"searchd/hf/bundled"
	"searchd/hf/local"
)

// ofTokens is one text of n tokens, special ones included, in real words.
func ofTokens(b *testing.B, e *local.Embedder, n int) string {
	b.Helper()
	_, texts := loadGoldens(b)
	text := strings.Join(texts, " ")
	tokens := e.Tokenize(text)
	begin := len(tokens) / 4 // past the single words
	return text[tokens[begin].Start:tokens[begin+n-3].End]
}

func benchmark(b *testing.B, texts, tokens int) {
	e := openBundled(b, local.Options{})
	text := ofTokens(b, e, tokens)
	batch := make([]string, texts)
	for i := range batch {
		batch[i] = text
	}
	if got := embed(b, e, text)[0].Tokens; got != tokens {
		b.Fatalf("%d tokens, not %d", got, tokens)
	}
	embed(b, e, batch...) // the workspaces grow
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Embed(b.Context(), hf.Document, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(texts)*float64(b.N)/b.Elapsed().Seconds(), "texts/s")
}

func BenchmarkPassages128(b *testing.B) { benchmark(b, 256, 128) }
func BenchmarkPassage128(b *testing.B)  { benchmark(b, 1, 128) }
func BenchmarkPassage256(b *testing.B)  { benchmark(b, 1, 256) }
func BenchmarkQueries12(b *testing.B)   { benchmark(b, 256, 12) }
func BenchmarkQuery12(b *testing.B)     { benchmark(b, 1, 12) }

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := bundled.Open(local.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCallers12 has 16 callers a core with one short text each.
func BenchmarkCallers12(b *testing.B) {
	e := openBundled(b, local.Options{})
	text := []string{ofTokens(b, e, 12)}
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := e.Embed(b.Context(), hf.Query, text); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "texts/s")
}

// BenchmarkQueryDuringIngest asks one question after the other while passages are embedded without end.
func BenchmarkQueryDuringIngest(b *testing.B) {
	e := openBundled(b, local.Options{})
	passages := slices.Repeat([]string{ofTokens(b, e, 128)}, 8)
	question := []string{ofTokens(b, e, 12)}
	ctx, stop := context.WithCancel(b.Context())
	var ingest sync.WaitGroup
	defer ingest.Wait()
	defer stop()
	embedded := 0
	ingest.Go(func() {
		for ctx.Err() == nil {
			if _, err := e.Embed(ctx, hf.Document, passages); err == nil {
				embedded += len(passages)
			}
		}
	})
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := e.Embed(ctx, hf.Query, question); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
		time.Sleep(20 * time.Millisecond) // people think
	}
	slices.Sort(took)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(took[(len(took)-1)*percent/100].Microseconds())/1000, fmt.Sprintf("ms/p%d", percent))
	}
	stop()
	ingest.Wait()
	b.ReportMetric(float64(embedded)/b.Elapsed().Seconds(), "passages/s")
}

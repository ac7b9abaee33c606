package local_test

import (
	"strings"
	"testing"

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

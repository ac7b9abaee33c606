package tokenizer

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const bundled = "../bundled/tokenizer.json"

// english is ordinary text of our own, with a little that is not ASCII.
const english = "A tokenizer reads a sentence and cuts it into pieces that the model has seen before. " +
	"Common words stay whole; rarer ones, like electroencephalography, fall apart into several. " +
	"In 1998 the harbour café “Blue Anchor” served 2,500 bowls of soup in one week — nobody knows why. "

func BenchmarkParse(b *testing.B) {
	json, err := os.ReadFile(bundled)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(json)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(json); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	tok := load(b)
	for _, bench := range []struct{ name, text string }{
		{"English", strings.Repeat(english, 40)},
		{"ASCII", strings.Repeat(strings.Map(asciiOnly, english), 40)},
		{"French", strings.Repeat("Les élèves français préfèrent où naît l'été à Orléans. ", 200)},
		{"Chinese", strings.Repeat("黑豹队的防守只丢了分，在联赛中排名第六。", 200)},
		{"Korean", strings.Repeat("한국어 문장은 띄어쓰기를 합니다. ", 200)},
		{"Noise", strings.Repeat("xq7zvwkjhgfdpqmnbv", 5) + " " + strings.Repeat("zqxj", 2000)},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkText(b, tok, bench.text) })
	}
}

// BenchmarkRepeat shows that time is linear: 10 MB is to take the same time a byte as 1 MB.
func BenchmarkRepeat(b *testing.B) {
	tok := load(b)
	for _, unit := range []string{"a", "a ", "é", "中", "\u0301", "\u0301\u0323", "[", "[SEP]"} {
		for _, size := range []int{1e6, 1e7} {
			b.Run(fmt.Sprintf("%+q/%dMB", unit, size/1e6), func(b *testing.B) {
				benchmarkText(b, tok, strings.Repeat(unit, size/len(unit)))
			})
		}
	}
}

// BenchmarkModels is BenchmarkAppend for the other kinds of model. Their vocabularies are small: real ones make fewer
// tokens of a text.
func BenchmarkModels(b *testing.B) {
	for _, name := range trained {
		tok := parseConfig(b, readConfig(b, name))
		for _, bench := range []struct{ name, text string }{
			{"English", strings.Repeat(english, 40)},
			{"French", strings.Repeat("Les élèves français préfèrent où naît l'été à Orléans. ", 200)},
			{"Chinese", strings.Repeat("黑豹队的防守只丢了分，在联赛中排名第六。", 200)},
		} {
			b.Run(name+"/"+bench.name, func(b *testing.B) { benchmarkText(b, tok, bench.text) })
		}
	}
}

// BenchmarkLongWord shows that a word of 1 MB takes about the same time a byte as one of 10 kB.
func BenchmarkLongWord(b *testing.B) {
	for _, name := range trained {
		tok := parseConfig(b, readConfig(b, name))
		for _, size := range []int{1e4, 1e6} {
			b.Run(fmt.Sprintf("%s/%dkB", name, size/1e3), func(b *testing.B) {
				benchmarkText(b, tok, strings.Repeat("theharbourisin", size/14))
			})
		}
	}
}

func benchmarkText(b *testing.B, tok *Tokenizer, text string) {
	dst := tok.Append(nil, text) // grown once, as in a caller that goes on
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		dst = tok.Append(dst[:0], text)
	}
}

func asciiOnly(r rune) rune {
	if r < 0x80 {
		return r
	}
	return '-'
}

func load(tb testing.TB) *Tokenizer {
	tb.Helper()
	json, err := os.ReadFile(bundled)
	if err != nil {
		tb.Fatal(err)
	}
	tok, err := Parse(json)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

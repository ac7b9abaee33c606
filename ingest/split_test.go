package ingest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"searchd/hf"
	"searchd/hf/hftest"
)

var tokenizer = hftest.NewModel(hftest.Options{})

// checkSpans holds what must be true of every split.
func checkSpans(t *testing.T, text string, tokens []hf.Token, spans []span, limit, overlap int) {
	t.Helper()
	if len(spans) == 0 || spans[0].start != 0 {
		t.Fatalf("spans %v do not begin with the text", spans)
	}
	for i, s := range spans {
		if s.tokens > limit {
			t.Fatalf("span %d has %d tokens, the limit is %d", i, s.tokens, limit)
		}
		if s.start > s.end || s.end > len(text) || !boundary(text, s.start) || !boundary(text, s.end) {
			t.Fatalf("span %d is [%d:%d] of %d bytes, or cuts a character", i, s.start, s.end, len(text))
		}
		if n := len(tokenizer.Tokenize(text[s.start:s.end])); n != s.tokens {
			t.Fatalf("span %d says %d tokens, read alone it has %d: %q", i, s.tokens, n, text[s.start:s.end])
		}
		if i > 0 {
			checkNeighbours(t, text, tokens, spans[i-1], s, overlap)
		}
	}
	if tail := text[spans[len(spans)-1].end:]; tail != "" {
		t.Fatalf("the end is lost: %q", tail)
	}
}

func checkNeighbours(t *testing.T, text string, tokens []hf.Token, a, b span, overlap int) {
	t.Helper()
	if b.start <= a.start || b.end <= a.end {
		t.Fatalf("no progress from %v to %v", a, b)
	}
	if b.start > a.end && strings.TrimSpace(text[a.end:b.start]) != "" {
		t.Fatalf("lost between spans: %q", text[a.end:b.start])
	}
	shared := 0
	for _, token := range tokens {
		if token.Start >= b.start && token.End <= a.end {
			shared++
		}
	}
	if shared > overlap {
		t.Fatalf("%v and %v share %d tokens, at most %d were asked for", a, b, shared, overlap)
	}
}

func boundary(text string, at int) bool { return at == len(text) || utf8.RuneStart(text[at]) }

func TestSplitRandomTexts(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	kinds := map[string]func(*rand.Rand) string{
		"english": func(r *rand.Rand) string { return sentences(r, 1+r.IntN(60)) },
		"chinese": func(r *rand.Rand) string {
			return pieces(r, r.IntN(900), "灯塔守护人出海。", "！", "风浪很大", "，", "\n")
		},
		"no space": func(r *rand.Rand) string { return pieces(r, r.IntN(900), "abc", "XYZ", "123", "é") },
		"one word": func(r *rand.Rand) string { return strings.Repeat("w", 1+r.IntN(5000)) },
		"signs": func(r *rand.Rand) string {
			return pieces(r, r.IntN(400), ".", ". ", "!?", "\"", "(", ") ", "…", "\U0001F9ED", "-")
		},
		"newlines": func(r *rand.Rand) string { return strings.Repeat("\n", r.IntN(300)) },
		"blocks": func(r *rand.Rand) string {
			return pieces(r, r.IntN(300), "word ", "Stop. ", "\n", "\n\n", "```\n", "~~~ go\n", "    ```\n", "| a | b |\n", "|---|--:|\n", "x | y\n", "````\n", "|")
		},
		"mixed": func(r *rand.Rand) string {
			return pieces(r, r.IntN(500), "word ", "e\u0301", "灯", "\u200b", "\u3000", "\r\n", "\n\n", "\x01", "Stop. ", "मानक। ", "x", "\u2029", "\t")
		},
	}
	for name, text := range kinds {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			for range 150 {
				limit := 1 + r.IntN(80)
				overlap := r.IntN(limit/4 + 1)
				text := text(r)
				tokens := tokenizer.Tokenize(text)
				checkSpans(t, text, tokens, split(text, tokens, limit, overlap), limit, overlap)
			}
		})
	}
}

func sentences(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		for w := range 3 + r.IntN(9) {
			word := []string{"the", "harbour", "keeps", "its", "old", "light", "through", "storms", "unquestionably"}[r.IntN(9)]
			if w == 0 {
				word = strings.ToUpper(word[:1]) + word[1:]
			} else {
				b.WriteByte(' ')
			}
			b.WriteString(word)
		}
		b.WriteString([]string{". ", "! ", "? ", ".\n", ".\n\n", ".” "}[r.IntN(6)])
	}
	return b.String()
}

func pieces(r *rand.Rand, n int, list ...string) string {
	var b strings.Builder
	for range n {
		b.WriteString(list[r.IntN(len(list))])
	}
	return b.String()
}

func TestShortTextsStayWhole(t *testing.T) {
	for _, text := range []string{"", " \n", "one", "  spaces around  ", strings.TrimSpace(strings.Repeat("w ", 20))} {
		got := split(text, tokenizer.Tokenize(text), 20, 5)
		if len(got) != 1 || got[0].start != 0 || got[0].end != len(text) {
			t.Errorf("%q was cut: %v", text, got)
		}
	}
}

// Where sentences are short beside the limit, every chunk is made of whole sentences.
func TestSplitPrefersSentences(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	text := strings.TrimSpace(sentences(r, 200))
	spans := split(text, tokenizer.Tokenize(text), 120, 30)
	if len(spans) < 10 {
		t.Fatalf("only %d spans", len(spans))
	}
	for i, s := range spans {
		chunk := text[s.start:s.end]
		if !strings.ContainsRune(".!?”", lastRune(chunk)) {
			t.Errorf("span %d ends inside a sentence: …%q", i, chunk[max(0, len(chunk)-30):])
		}
		if first, _ := utf8.DecodeRuneInString(chunk); !unicode.IsUpper(first) {
			t.Errorf("span %d begins inside a sentence: %.30q…", i, chunk)
		}
	}
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

func TestSplitChoosesTheStrongestBreak(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a paragraph before a sentence", "one two three four five six.\n\nSeven eight. Nine ten eleven twelve", "one two three four five six."},
		{"a sentence before a line", "one two three four five. Six\nseven eight nine ten eleven twelve", "one two three four five."},
		{"a line before a word", "one two three four five six\nseven eight nine ten eleven twelve", "one two three four five six"},
		{"the last of equals", "one two three four five six seven eight nine ten eleven twelve", "one two three four five six seven eight nine ten"},
		{"a quotation mark belongs to its sentence", "one two three. Four \"five.\" Six seven eight nine ten", "one two three. Four \"five.\""},
		{"an abbreviation is no end", "one two three four five e.g. seven eight nine ten eleven", "one two three four five e.g. seven"},
		{"full-width stops need no space", "一二三四五六。八九十一二三", "一二三四五六。"},
		{"no break in the first half", "One. Two three four five six seven eight nine ten eleven", "One. Two three four five six seven eight nine"},
	}
	for _, test := range tests {
		spans := split(test.text, tokenizer.Tokenize(test.text), 10, 0)
		if got := test.text[spans[0].start:spans[0].end]; got != test.want {
			t.Errorf("%s: the first span is %q, want %q", test.name, got, test.want)
		}
	}
}

func TestOverlapRestartsAtASentence(t *testing.T) {
	text := "Aa bb cc dd. Ee ff gg hh. Ii jj kk ll. Mm nn oo pp. Qq rr ss tt."
	spans := split(text, tokenizer.Tokenize(text), 20, 7)
	if len(spans) < 2 || !strings.HasPrefix(text[spans[1].start:], "Mm nn") || text[spans[0].start:spans[0].end] != "Aa bb cc dd. Ee ff gg hh. Ii jj kk ll. Mm nn oo pp." {
		var got []string
		for _, s := range spans {
			got = append(got, fmt.Sprintf("%q", text[s.start:s.end]))
		}
		t.Errorf("got %s; want the second to begin with the last whole sentence of the first", strings.Join(got, ", "))
	}
}

// Code and tables that fit into a chunk are whole in one; what stands around them is cut as ever.
func TestBlocksStayWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	code := "```go\nfunc climb(steps int) {\n\n\tfor range steps {\n\t\tlift()\n\t}\n}\n```\n"
	tilde := "  ~~~~\n```\nOne. Two. Three.\n\n~~~\nFour. Five.\n~~~~~  \n"
	table := "| what | how much |\n|:-----|---------:|\n| flour | 500 g. |\n| yeast | 7 g. |\n| salt | 10 g. |\n"
	word := "a | b. |\nc | d. |\ne | f. |\n"
	for range 300 {
		block := []string{code, tilde, table, word}[r.IntN(4)]
		text := sentences(r, r.IntN(12)) + "\n\n" + block + "\n" + sentences(r, r.IntN(12))
		size := len(tokenizer.Tokenize(block))
		limit := size + r.IntN(size)
		overlap := r.IntN(limit/4 + 1)
		tokens := tokenizer.Tokenize(text)
		spans := split(text, tokens, limit, overlap)
		checkSpans(t, text, tokens, spans, limit, overlap)
		whole := false
		for _, s := range spans {
			whole = whole || strings.Contains(text[s.start:s.end], strings.TrimSpace(block))
		}
		if !whole {
			t.Fatalf("limit %d, overlap %d: %q is in no chunk of %q: %v", limit, overlap, block, text, spans)
		}
	}
}

func TestWhatIsNoBlock(t *testing.T) {
	for _, text := range []string{
		"```\nnever closed\n", "``\nnot a fence\n``\n", "    ```\nindented\n    ```\n", "```a`b\ninline\n", "one | two, or\nthree | four\n", "| alone |\n", "---|---\n", "~~~\nclosed by another\n```\n",
	} {
		if got := findBlocks(text, tokenizer.Tokenize(text), 1000); len(got) > 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Two tokens may stand for one character; it is never cut.
func TestTokensOfOneCharacterStayTogether(t *testing.T) {
	text := "aé b"
	tokens := []hf.Token{{Start: 0, End: 1}, {Start: 1, End: 3}, {Start: 1, End: 3}, {Start: 4, End: 5}}
	covered := 0
	for _, s := range split(text, tokens, 2, 0) {
		if s.start > s.end || !utf8.ValidString(text[s.start:s.end]) || s.tokens > 2 || s.start > covered+1 {
			t.Errorf("span %v of %q", s, text)
		}
		covered = s.end
	}
	if covered != len(text) {
		t.Errorf("covered %d of %d bytes", covered, len(text))
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("One sentence. Another one!\n\nA paragraph.", uint8(4), uint8(1))
	f.Add("灯塔守护人。出海", uint8(3), uint8(0))
	f.Add(strings.Repeat("w", 300), uint8(7), uint8(2))
	f.Add("a\n```\nb. c\n\nd\n```\n| e | f |\n|---|---|\n| g. | h |\n", uint8(12), uint8(3))
	f.Add(" \u200b\u3000 a.\"b\" ", uint8(1), uint8(0))
	f.Fuzz(func(t *testing.T, text string, limit, overlap uint8) {
		if limit == 0 || !utf8.ValidString(text) {
			t.Skip("intake refuses such texts")
		}
		l, o := int(limit), min(int(overlap), int(limit)/4)
		tokens := tokenizer.Tokenize(text)
		checkSpans(t, text, tokens, split(text, tokens, l, o), l, o)
	})
}

func BenchmarkSplit(b *testing.B) {
	text := sentences(rand.New(rand.NewPCG(1, 1)), 20_000)
	tokens := tokenizer.Tokenize(text)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		split(text, tokens, 254, 32)
	}
}

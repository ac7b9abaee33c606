package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"searchd/hf"
)

// fuzzText is read with whatever FuzzParse accepts.
const fuzzText = "a New York, aab é \u0301\xff new  york\u3000中[PAD]"

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"model":{"vocab":{"a":1,"a":2}}}`))
	f.Fuzz(func(t *testing.T, json []byte) {
		tok, err := Parse(json)
		if (tok == nil) == (err == nil) {
			t.Fatalf("tokenizer %v, error %v", tok, err)
		}
		if err != nil {
			return
		}
		for _, x := range tok.Tokenize(fuzzText) {
			if x.ID < 0 || int(x.ID) >= tok.VocabSize() {
				t.Errorf("id %d of %d", x.ID, tok.VocabSize())
			}
		}
	})
}

func FuzzTokenize(f *testing.F) {
	tok := load(f)
	whole := load(f)
	whole.cutter = nil
	for _, s := range []string{english, fuzzText, "[CLS] [SEP", "\xed\xa0\x80", "각\u1100\u1161", "\U0001d15e\u0334\u302e", "豈\u0338中"} {
		f.Add(s, "b")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		tokens := tok.Tokenize(a)
		checkOffsets(t, a, tokens)
		// What stands after a space does not matter to what stands before it.
		joined := slices.Concat(tokens, shifted(tok.Tokenize(b), len(a)+1))
		if got := tok.Tokenize(a + " " + b); !slices.Equal(got, joined) {
			t.Errorf("%q and %q apart: %v, together: %v", a, b, joined, got)
		}
		// Nor do the cuts of a long text.
		long := strings.Repeat(a, 2*pieceSize/(len(a)+1)+1) + b
		if got, want := tok.Tokenize(long), whole.Tokenize(long); !slices.Equal(got, want) {
			t.Errorf("%q: in pieces %v, whole %v", long, got, want)
		}
	})
}

func checkOffsets(t *testing.T, text string, tokens []hf.Token) {
	t.Helper()
	if len(tokens) > len(text) {
		t.Errorf("%q: %d tokens of %d bytes", text, len(tokens), len(text))
	}
	valid := utf8.ValidString(text)
	var last hf.Token
	for i, x := range tokens {
		switch {
		case x.Start < 0 || x.Start >= x.End || x.End > len(text):
			t.Errorf("%q: token %d %v out of range", text, i, x)
		case x.Start < last.Start || x.End < last.End:
			t.Errorf("%q: token %d %v goes back from %v", text, i, x, last)
		case valid && !utf8.ValidString(text[x.Start:x.End]):
			t.Errorf("%q: token %d %v cuts a character", text, i, x)
		}
		last = x
	}
}

func shifted(tokens []hf.Token, by int) []hf.Token {
	for i := range tokens {
		tokens[i].Start += by
		tokens[i].End += by
	}
	return tokens
}

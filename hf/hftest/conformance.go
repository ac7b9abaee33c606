package hftest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"searchd/hf"
)

// texts are short enough for every model, and varied: scripts, signs, spaces at the ends, broken UTF-8, nothing.
var texts = []string{
	"The lighthouse keeper rows out before dawn.",
	"",
	"a",
	"  two  spaces  ",
	"tabs\tand\nlines\r\n",
	"灯塔守护人在黎明前出海。",
	"Фонарщик зажигает лампу; море спокойно.",
	"e\u0301 combining, \U0001F9ED emoji, \u200b zero width",
	"x := y[3] != nil && z >= 0x1F",
	"broken \xff\xfe bytes",
	"The lighthouse keeper rows out before dawn.",
}

// RunEmbedder puts the model that open makes through the suite. open may answer the same model every time.
func RunEmbedder(t *testing.T, open func() hf.Model) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, hf.Model)
	}{
		{"the card is filled in", cardFilled},
		{"an embedding a text, in order", inOrder},
		{"the same alone and in a batch", aloneAndTogether},
		{"no texts", noTexts},
		{"a long text is cut, and says so", longText},
		{"a cancelled context", cancelled},
		{"tokens point into the text", tokenOffsets},
		{"tokens are counted as they are split", tokenCounts},
		{"concurrent use", concurrent},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open()) })
	}
}

func cardFilled(t *testing.T, m hf.Model) {
	c := m.Card()
	if c.ID == "" || c.Revision == "" || c.Dimensions < 1 || c.MaxTokens < 3 || c.Pooling == "" {
		t.Errorf("card %+v: ID, Revision, Dimensions, MaxTokens and Pooling must be set", c)
	}
	if math.IsNaN(c.Null.Mean) || c.Null.StdDev < 0 {
		t.Errorf("card's null distribution %+v is none", c.Null)
	}
}

func inOrder(t *testing.T, m hf.Model) {
	got := embed(t, m, hf.Document, texts...)
	for i, e := range got {
		checkVector(t, m.Card(), texts[i], e)
		if e.Truncated || e.Tokens < 0 || e.Tokens > m.Card().MaxTokens {
			t.Errorf("%q: %d tokens, truncated %v", texts[i], e.Tokens, e.Truncated)
		}
	}
	reversed := slices.Clone(texts)
	slices.Reverse(reversed)
	back := embed(t, m, hf.Document, reversed...)
	slices.Reverse(back)
	for i := range got {
		if d := distance(got[i].Vector, back[i].Vector); d > tolerance {
			t.Errorf("%q: differs by %g when the texts come in reverse", texts[i], d)
		}
	}
	if d := distance(got[0].Vector, got[5].Vector); d < 100*tolerance {
		t.Errorf("two different texts are %g apart", d)
	}
}

func aloneAndTogether(t *testing.T, m hf.Model) {
	for _, role := range []hf.Role{hf.Document, hf.Query} {
		together := embed(t, m, role, texts...)
		for i, text := range texts {
			alone := embed(t, m, role, text)[0]
			if d := distance(alone.Vector, together[i].Vector); d > tolerance {
				t.Errorf("%q: differs by %g alone and in a batch", text, d)
			}
			if alone.Tokens != together[i].Tokens || alone.Truncated != together[i].Truncated {
				t.Errorf("%q: %d tokens alone, %d in a batch", text, alone.Tokens, together[i].Tokens)
			}
		}
	}
}

func noTexts(t *testing.T, m hf.Model) {
	if got, err := m.Embed(t.Context(), hf.Document, nil); err != nil || len(got) != 0 {
		t.Errorf("no texts gave %d embeddings, %v", len(got), err)
	}
}

func longText(t *testing.T, m hf.Model) {
	c := m.Card()
	whole := strings.Repeat("a harbour, a storm; ", c.MaxTokens)
	got := embed(t, m, hf.Document, "short", whole, whole+" and a different end")
	if got[0].Truncated || !got[1].Truncated || !got[2].Truncated {
		t.Errorf("truncated %v %v %v; want false, true, true", got[0].Truncated, got[1].Truncated, got[2].Truncated)
	}
	if got[1].Tokens > c.MaxTokens || got[1].Tokens < c.MaxTokens/2 {
		t.Errorf("read %d tokens of a long text; the limit is %d", got[1].Tokens, c.MaxTokens)
	}
	if d := distance(got[1].Vector, got[2].Vector); d > tolerance {
		t.Errorf("what is past the limit moves the vector by %g", d)
	}
	checkVector(t, c, "a long text", got[1])
}

func cancelled(t *testing.T, m hf.Model) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := m.Embed(ctx, hf.Document, texts); !errors.Is(err, context.Canceled) || got != nil {
		t.Errorf("cancelled: %d embeddings and %v; want none and context.Canceled", len(got), err)
	}
	embed(t, m, hf.Document, texts...) // it still works
}

func tokenOffsets(t *testing.T, m hf.Model) {
	long := strings.Repeat("no limit holds here. ", m.Card().MaxTokens)
	if n := len(m.Tokenize(long)); n <= m.Card().MaxTokens {
		t.Errorf("Tokenize stops at %d tokens", n)
	}
	for _, text := range append([]string{long}, texts...) {
		last := 0
		for i, token := range m.Tokenize(text) {
			if token.Start < last || token.End < token.Start || token.End > len(text) {
				t.Fatalf("%.40q: token %d stands for [%d:%d], after one that starts at %d", text, i, token.Start, token.End, last)
			}
			if !boundary(text, token.Start) || !boundary(text, token.End) {
				t.Fatalf("%.40q: token %d cuts a character: [%d:%d]", text, i, token.Start, token.End)
			}
			last = token.Start
		}
	}
}

func boundary(text string, at int) bool {
	return at == len(text) || utf8.RuneStart(text[at]) || !utf8.ValidString(text)
}

func tokenCounts(t *testing.T, m hf.Model) {
	if m.Card().Prompts[hf.Document] != "" {
		t.Skip("the model reads a prompt before each document")
	}
	got := embed(t, m, hf.Document, texts...)
	special := got[1].Tokens // of the empty text
	for i, text := range texts {
		if want := len(m.Tokenize(text)) + special; got[i].Tokens != want {
			t.Errorf("%q: read %d tokens; split, it has %d with %d special ones", text, got[i].Tokens, want, special)
		}
	}
}

func concurrent(t *testing.T, m hf.Model) {
	want := embed(t, m, hf.Document, texts...)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				got, err := m.Embed(t.Context(), hf.Document, texts)
				if err != nil || len(got) != len(want) {
					t.Errorf("%d embeddings, %v", len(got), err)
					return
				}
				for i := range got {
					if d := distance(got[i].Vector, want[i].Vector); d > tolerance {
						t.Errorf("%q: differs by %g among concurrent calls", texts[i], d)
					}
				}
				m.Tokenize(texts[0])
			}
		})
	}
	wg.Wait()
}

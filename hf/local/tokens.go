package local

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"searchd/hf"
	"searchd/hf/tokenizer"
)

// minTokens is what the shortest text takes: the special tokens at its ends, called [CLS] and [SEP] or <s> and </s>.
const minTokens = 2

// maxScratch is how many tokens a worker keeps room for, 1.5 MB. Few texts have more, but one of them must not hold its
// memory for ever.
const maxScratch = 64 << 10

// prepare tokenises a text, cuts it to the model's limit and puts the special tokens around it.
func (e *Embedder) prepare(role hf.Role, s string, scratch []hf.Token) (text, []hf.Token) {
	if prompt := e.card.Prompts[role]; prompt != "" {
		s = prompt + s
	}
	limit := e.card.MaxTokens - minTokens
	scratch = e.firstTokens(scratch[:0], s, limit+1)
	n := min(len(scratch), limit)
	ids := append(make([]int32, 0, n+minTokens), e.tokens.CLS())
	for _, t := range scratch[:n] {
		ids = append(ids, t.ID)
	}
	t := text{ids: append(ids, e.tokens.SEP()), truncated: len(scratch) > limit}
	if cap(scratch) > maxScratch {
		scratch = nil
	}
	return t, scratch
}

// firstTokens answers at least the first n tokens of s, if it has as many. It reads a long text piece by piece, for a text
// of megabytes has hundreds of thousands of tokens and a model reads a few hundred.
//
// A piece ends at a single space, where no word can go on: tokens before it do not depend on what follows.
func (e *Embedder) firstTokens(dst []hf.Token, s string, n int) []hf.Token {
	for size := 16 * n; size < len(s); size *= 4 {
		end := singleSpace(s, size)
		if end < 0 {
			break
		}
		if dst = e.tokens.Append(dst[:0], s[:end]); len(dst) >= n {
			return dst
		}
	}
	return e.tokens.Append(dst[:0], s)
}

// singleSpace is the place of the first space from a place on that is not one of several, -1 if there is none. A run of
// spaces may be one token.
func singleSpace(s string, from int) int {
	for {
		n := strings.IndexByte(s[from:], ' ')
		if n < 0 {
			return -1
		}
		at := from + n
		before, _ := utf8.DecodeLastRuneInString(s[:at])
		after, _ := utf8.DecodeRuneInString(s[at+1:])
		if !unicode.IsSpace(before) && !unicode.IsSpace(after) {
			return at
		}
		from = at + 1
	}
}

// preparePairs tokenises a query and each of the texts as a pair: [CLS] query [SEP] text [SEP], where some models have two
// separators in the middle.
func (e *Embedder) preparePairs(ctx context.Context, query string, texts []string) ([]text, error) {
	limit := max(0, e.card.MaxTokens-minTokens-e.model.Config().Separators())
	first := e.firstTokens(nil, query, limit+1)
	pairs := make([]text, len(texts))
	var scratch []hf.Token
	for i, s := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		scratch = e.firstTokens(scratch[:0], s, limit+1)
		pairs[i] = e.pair(first, scratch, limit)
	}
	return pairs, nil
}

// pair joins two texts of which together limit tokens are read.
func (e *Embedder) pair(a, b []hf.Token, limit int) text {
	n, m := share(len(a), len(b), limit)
	ids := append(make([]int32, 0, limit+minTokens+e.model.Config().Separators()), e.tokens.CLS())
	for _, t := range a[:n] {
		ids = append(ids, t.ID)
	}
	for range e.model.Config().Separators() {
		ids = append(ids, e.tokens.SEP())
	}
	second := len(ids)
	for _, t := range b[:m] {
		ids = append(ids, t.ID)
	}
	return text{append(ids, e.tokens.SEP()), second, n < len(a) || m < len(b)}
}

// share says how many tokens of texts of n and m tokens are read if limit is the most of both together: the longer is cut
// until it is as long as the other, then both are, as the reference tokenizers do it.
func share(n, m, limit int) (int, int) {
	switch {
	case n+m <= limit:
		return n, m
	case n > m:
		m, n = share(m, n, limit)
		return n, m
	}
	short := min(n, limit/2)
	return short, limit - short
}

// checkCase refuses a folder that has texts lower-cased before a tokenizer that keeps the case.
func (l *layout) checkCase(t *tokenizer.Tokenizer) error {
	upper, lower := t.Tokenize("A"), t.Tokenize("a")
	if l.lowerCase && (len(upper) != len(lower) || len(upper) > 0 && upper[0].ID != lower[0].ID) {
		return fmt.Errorf("model folder: do_lower_case is true, but %s keeps upper case: this is not supported", tokenizerFile)
	}
	return nil
}

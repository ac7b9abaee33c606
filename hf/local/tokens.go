package local

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"searchd/hf"
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
func (e *Embedder) firstTokens(dst []hf.Token, s string, n int) []hf.Token {
	_, tokens := e.firstPiece(dst, s, n)
	return tokens
}

// firstPiece answers a piece of s from its beginning that has at least n tokens, and its tokens; or all of s if it has fewer.
//
// A piece ends at a single space, where no word can go on: tokens before it do not depend on what follows.
func (e *Embedder) firstPiece(dst []hf.Token, s string, n int) (string, []hf.Token) {
	for size := 16 * n; size < len(s); size *= 4 {
		end := singleSpace(s, size)
		if end < 0 {
			break
		}
		if dst = e.tokens.Append(dst[:0], s[:end]); len(dst) >= n {
			return s[:end], dst
		}
	}
	return s, e.tokens.Append(dst[:0], s)
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

// preparePairs tokenises a query and each of the texts as a pair, the way the model wants it. Of the two, what is longer is cut
// until both fit.
func (e *Embedder) preparePairs(ctx context.Context, query string, texts []string) ([]text, error) {
	limit := e.card.MaxTokens
	query, scratch := e.firstPiece(nil, query, limit)
	pairs := make([]text, len(texts))
	for i, s := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, scratch = e.firstPiece(scratch, s, limit)
		ids, types, truncated := e.tokens.EncodePair(query, s, limit)
		pairs[i] = text{ids: ids, second: max(0, slices.Index(types, 1)), truncated: truncated}
	}
	return pairs, nil
}

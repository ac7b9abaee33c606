package local

import (
	"strings"

	"searchd/hf"
)

// minTokens is what the shortest text takes: [CLS] and [SEP].
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
	t := text{append(ids, e.tokens.SEP()), len(scratch) > limit}
	if cap(scratch) > maxScratch {
		scratch = nil
	}
	return t, scratch
}

// firstTokens answers at least the first n tokens of s, if it has as many. It reads a long text piece by piece, for a text
// of megabytes has hundreds of thousands of tokens and a model reads a few hundred.
//
// A piece ends at a space, where no word can go on: tokens before it do not depend on what follows.
func (e *Embedder) firstTokens(dst []hf.Token, s string, n int) []hf.Token {
	for size := 16 * n; size < len(s); size *= 4 {
		space := strings.IndexByte(s[size:], ' ')
		if space < 0 {
			break
		}
		if dst = e.tokens.Append(dst[:0], s[:size+space]); len(dst) >= n {
			return dst
		}
	}
	return e.tokens.Append(dst[:0], s)
}

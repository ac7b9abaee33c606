package tokenizer

import (
	"unicode/utf8"

	"searchd/hf"
)

// wordPiece cuts a word into the longest tokens of the vocabulary, from left to right. (Wu et al., "Google's Neural
// Machine Translation System", 2016, section 4.1; longest match first as in BERT.)
type wordPiece struct {
	ids      map[string]int32 // every token
	inner    map[string]int32 // those with the continuing prefix, without it
	longest  int              // bytes of the longest token: no longer match is looked for
	maxChars int              // a word of more characters is unknown
	unknown  int32
}

// tokenize appends the tokens of the word w. A word costs at most its characters times the longest token.
func (m *wordPiece) tokenize(dst []hf.Token, s *scratch, w span) []hf.Token {
	n := &s.norm
	word := n.text[w.start:w.end]
	if len(word) > m.maxChars && utf8.RuneCount(word) > m.maxChars {
		return append(dst, n.token(m.unknown, w))
	}
	if id, ok := m.ids[string(word)]; ok {
		return append(dst, n.token(id, w))
	}
	before := len(dst)
	vocabulary := m.ids
	for start := 0; start < len(word); {
		id, size := m.longestMatch(vocabulary, word[start:])
		if size == 0 {
			return append(dst[:before], n.token(m.unknown, w))
		}
		dst = append(dst, n.token(id, span{w.start + start, w.start + start + size}))
		start += size
		vocabulary = m.inner
	}
	return dst
}

// longestMatch finds the longest prefix of s in the vocabulary; size 0 means none.
func (m *wordPiece) longestMatch(vocabulary map[string]int32, s []byte) (id int32, size int) {
	end := min(len(s), m.longest)
	for end > 0 {
		if end == len(s) || utf8.RuneStart(s[end]) {
			if id, ok := vocabulary[string(s[:end])]; ok {
				return id, end
			}
		}
		end--
	}
	return 0, 0
}

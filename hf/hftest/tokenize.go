package hftest

import (
	"hash/fnv"
	"unicode"
	"unicode/utf8"

	"searchd/hf"
)

// specialTokens stand around a text: one before, one after.
const specialTokens = 2

// pieceRunes is the longest token. A longer word has several, as in a WordPiece vocabulary.
const pieceRunes = 8

// Tokenize splits a text into words, punctuation marks and Chinese characters. White space and characters that are not
// shown have no token.
func (m *Model) Tokenize(text string) []hf.Token {
	var tokens []hf.Token
	runes := 0 // of the last token, if it can grow
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
			runes = 0
		case !inWord(r):
			tokens, runes = append(tokens, hf.Token{Start: at, End: at + size}), 0
		case runes == 0 || runes == pieceRunes:
			tokens, runes = append(tokens, hf.Token{Start: at, End: at + size}), 1
		default:
			tokens[len(tokens)-1].End = at + size
			runes++
		}
		at += size
	}
	for i, t := range tokens {
		tokens[i].ID = wordID(text[t.Start:t.End])
	}
	return tokens
}

func inWord(r rune) bool {
	return !unicode.Is(unicode.Han, r) && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

func wordID(word string) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(word)) // a hash takes everything
	return int32(h.Sum32() & 0x7fffffff)
}

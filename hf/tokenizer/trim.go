package tokenizer

import (
	"unicode"
	"unicode/utf8"

	"searchd/hf"
)

// spaceTrimmer takes the white space at the ends of tokens out of their offsets, as the reference does after all else.
type spaceTrimmer struct {
	prefix bool           // a space before the first word was added, not found
	pads   map[int32]pad  // tokens of the vocabulary with spaces at their ends
	added  map[int32]bool // added tokens: their spaces are those of the text
}

// pad counts the spaces at the ends of a token.
type pad struct{ left, right int }

func (s *spaceTrimmer) trim(tokens []hf.Token, text string) {
	for i := range tokens {
		t := &tokens[i]
		p, ok := s.pads[t.ID]
		if s.added[t.ID] {
			p, ok = padOf(text[t.Start:t.End]), true
		}
		if !ok {
			continue
		}
		if p.left == 1 && s.prefix && (i == 0 || t.Start == 0) {
			p.left = 0
		}
		trimToken(t, p, text)
	}
}

// trimToken moves the ends of a token by as many characters of the text as it has spaces there.
func trimToken(t *hf.Token, p pad, text string) {
	for ; p.left > 0 && t.Start < t.End; p.left-- {
		_, size := utf8.DecodeRuneInString(text[t.Start:])
		t.Start = min(t.Start+size, t.End)
	}
	for ; p.right > 0 && t.Start < t.End; p.right-- {
		_, size := utf8.DecodeLastRuneInString(text[:t.End])
		t.End = max(t.End-size, t.Start)
	}
}

// padOf counts the white space at the ends of a token, and the character that stands for a space there.
func padOf(token string) pad {
	isPad := func(r rune) bool { return r == spaceName || unicode.IsSpace(r) }
	var p pad
	for _, r := range token {
		if !isPad(r) {
			break
		}
		p.left++
	}
	for end := len(token); end > 0; {
		r, size := utf8.DecodeLastRuneInString(token[:end])
		if !isPad(r) {
			break
		}
		end -= size
		p.right++
	}
	return p
}

// spaceName stands for a space in the files of byte-level models.
const spaceName = 'Ġ'

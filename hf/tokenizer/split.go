package tokenizer

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// finder finds what a split is made at: the first match in text at or after from; ok is false where there is none.
// A match is never empty.
type finder interface {
	find(text []byte, from int) (at span, ok bool)
}

// behavior is what becomes of a match.
type behavior uint8

const (
	dropped behavior = iota
	isolated
	mergedWithPrevious
	mergedWithNext
	contiguous
)

// splitter cuts text at matches.
type splitter struct {
	at       finder
	behavior behavior
	invert   bool // what lies between matches is the match
}

func (s *splitter) split(words []span, n *normalized, within span) []span {
	text := n.text[within.start:within.end]
	j := joiner{words: words, first: len(words), behavior: s.behavior}
	done := 0
	for done < len(text) {
		m, ok := s.at.find(text, done)
		if !ok {
			break
		}
		if done < m.start {
			j.add(span{within.start + done, within.start + m.start}, s.invert)
		}
		j.add(span{within.start + m.start, within.start + m.end}, !s.invert)
		done = m.end
	}
	if done < len(text) {
		j.add(span{within.start + done, within.end}, s.invert)
	}
	return j.words
}

// joiner takes matches and what lies between them, and makes words of them as a behavior wants it.
type joiner struct {
	words    []span
	first    int
	behavior behavior
	after    bool // whether the piece before was a match
}

func (j *joiner) add(piece span, match bool) {
	after := j.after
	j.after = match
	join := false
	switch j.behavior {
	case dropped:
		if match {
			return
		}
	case mergedWithPrevious:
		join = match && !after
	case mergedWithNext:
		join = !match && after
	case contiguous:
		join = match == after
	}
	if last := len(j.words) - 1; join && last >= j.first {
		j.words[last].end = piece.end
		return
	}
	j.words = append(j.words, piece)
}

// literal finds a string, which is not empty.
type literal []byte

func (l literal) find(text []byte, from int) (span, bool) {
	i := bytes.Index(text[from:], l)
	return span{from + i, from + i + len(l)}, i >= 0
}

// charFinder finds single characters.
type charFinder func(r rune) bool

func (is charFinder) find(text []byte, from int) (span, bool) {
	for i := from; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		if is(r) {
			return span{i, i + size}, true
		}
		i += size
	}
	return span{}, false
}

// wordFinder finds what the Whitespace pre-tokenizer keeps: \w+|[^\w\s]+
type wordFinder struct{}

func (wordFinder) find(text []byte, from int) (span, bool) {
	kindAt := func(i int) (word, blank bool, size int) {
		r, size := utf8.DecodeRune(text[i:])
		return isWordChar(r), unicode.IsSpace(r), size
	}
	for i := from; i < len(text); {
		word, blank, size := kindAt(i)
		end := i + size
		if blank {
			i = end
			continue
		}
		for end < len(text) {
			w, b, size := kindAt(end)
			if w != word || b {
				break
			}
			end += size
		}
		return span{i, end}, true
	}
	return span{}, false
}

// sequence is one pre-tokenizer after another.
type sequence []preTokenizer

func (s sequence) split(words []span, n *normalized, within span) []span {
	start := len(words)
	words = append(words, within)
	for _, stage := range s {
		end := len(words)
		for _, w := range words[start:end] {
			words = stage.split(words, n, w)
		}
		words = words[:start+copy(words[start:], words[end:])]
	}
	return words
}

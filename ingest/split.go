package ingest

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"searchd/hf"
)

// span is a part of a text that becomes one chunk: text[start:end], and how many tokens of the model it has.
type span struct {
	start, end int
	tokens     int
}

// strength says how good a place is to end a chunk.
type strength uint8

const (
	inWord strength = iota
	betweenWords
	endOfLine
	endOfSentence
	endOfParagraph
)

// split cuts a text into spans of at most limit tokens. A span ends at the strongest break in its second half: a
// paragraph's end before a sentence's, before a line's, before a word's. The next one starts about overlap tokens
// earlier, at the start of a sentence where there is one, so that a sentence cut by a border is whole in one of the two.
// Code between fences and tables are cut only where they have more tokens than a span; a span may end early before one.
// The spans cover the whole text but for white space between them.
func split(text string, tokens []hf.Token, limit, overlap int) []span {
	if len(tokens) <= limit {
		return []span{{start: 0, end: len(text), tokens: len(tokens)}}
	}
	breaks, blocks := findBreaks(text, tokens), findBlocks(text, tokens, limit)
	for _, b := range blocks {
		clear(breaks[b.first+1 : b.next])
	}
	var spans []span
	for first := 0; ; {
		next := first + limit
		if next >= len(tokens) {
			return append(spans, cut(text, tokens, first, len(tokens)))
		}
		next = strongest(breaks, first+limit/2, next)
		if b := around(blocks, next); b.first > first {
			next = b.first
		}
		spans = append(spans, cut(text, tokens, first, next))
		first = max(restart(breaks, next, overlap), first+1)
		if b := startingAt(blocks, next); b.next-first > limit { // it would have no room after the overlap
			first = next
		}
	}
}

// cut is the span of tokens[first:next]. What the tokenizer drops belongs to the span before it, so nothing is lost.
func cut(text string, tokens []hf.Token, first, next int) span {
	s := span{start: tokens[first].Start, end: len(text), tokens: next - first}
	if first == 0 {
		s.start = 0
	}
	if next < len(tokens) {
		s.end = tokens[next].Start
		for s.end > tokens[next-1].End {
			r, size := utf8.DecodeLastRuneInString(text[:s.end])
			if !unicode.IsSpace(r) {
				break
			}
			s.end -= size
		}
	}
	return s
}

// strongest is the last of the strongest breaks in (low, high].
func strongest(breaks []strength, low, high int) int {
	best := high
	for i := high; i > low; i-- {
		if breaks[i] > breaks[best] {
			best = i
		}
	}
	return best
}

// restart is where the span after a break at next begins: at the first sentence within the overlap, or else at the
// first word.
func restart(breaks []strength, next, overlap int) int {
	best := next
	for i := next - 1; i >= max(next-overlap, 0); i-- {
		if breaks[i] >= endOfLine || breaks[i] == betweenWords && breaks[best] <= betweenWords || best == next && breaks[i] > inWord {
			best = i
		}
	}
	return best
}

// findBreaks rates, for every token, the place before it.
func findBreaks(text string, tokens []hf.Token) []strength {
	breaks := make([]strength, len(tokens))
	for i := 1; i < len(tokens); i++ {
		breaks[i] = rate(text, tokens[i-1], tokens[i])
	}
	return breaks
}

func rate(text string, before, after hf.Token) strength {
	if before.End > after.Start { // two tokens of one character
		return inWord
	}
	newlines, spaces := 0, 0
	for _, r := range text[before.End:after.Start] {
		if r == '\n' || r == '\u2029' {
			newlines++
		}
		if unicode.IsSpace(r) {
			spaces++
		}
	}
	last, _ := utf8.DecodeLastRuneInString(text[:before.End])
	stop, _ := utf8.DecodeLastRuneInString(strings.TrimRight(text[max(before.Start-8, 0):before.End], "\"'”’»)]"))
	next, _ := utf8.DecodeRuneInString(text[after.Start:])
	switch {
	case newlines > 1:
		return endOfParagraph
	case isStop(stop) && (spaces > 0 || isFullWidthStop(stop)) && !unicode.IsLower(next):
		return endOfSentence
	case newlines > 0:
		return endOfLine
	case spaces > 0 || standsAlone(last) || standsAlone(next):
		return betweenWords
	}
	return inWord
}

func isStop(r rune) bool {
	switch r {
	case '.', '!', '?', '…', '।', '؟', '۔':
		return true
	}
	return isFullWidthStop(r)
}

func isFullWidthStop(r rune) bool { return r == '。' || r == '！' || r == '？' || r == '；' }

// standsAlone says that a character is a word of its own to every tokenizer: punctuation, symbols, Chinese characters.
func standsAlone(r rune) bool {
	return unicode.Is(unicode.Han, r) || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}

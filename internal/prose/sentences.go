package prose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Span is text[Start:End], in bytes.
type Span struct{ Start, End int }

// MaxSentence is the longest sentence in bytes. What has no full stop for so long is a table or a transcript, and is cut
// at a line or a space.
const MaxSentence = 1000

// Sentences splits a text. The spans are in order, do not overlap, begin and end with something other than space, and
// together hold everything but the space between them. It reads the text once, and never fails.
//
// A sentence ends at a full stop, question mark or exclamation mark of any script that has space after it (Chinese and
// Japanese put none), with the quotes and brackets that close behind it; at a blank line; and before a list item or a
// heading. Points in abbreviations, initials, numbers and list markers end nothing. A small letter may begin a sentence:
// people and some collections write without capitals.
func Sentences(text string) []Span {
	var out []Span
	start := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		next := i + size
		switch {
		case r == '\n' || r == '\u2029':
			if breaksLine(text[next:]) || r == '\u2029' {
				out = appendSentence(out, text, start, i)
				start = next
			}
		case isTerminal(r):
			end := afterClosers(text, next)
			if ends(text, start, i, r, end) {
				out = appendSentence(out, text, start, end)
				start = end
			}
			next = end
		}
		i = next
	}
	return appendSentence(out, text, start, len(text))
}

// isTerminal says whether a rune may end a sentence.
func isTerminal(r rune) bool { return unicode.Is(unicode.Sentence_Terminal, r) || r == '…' }

// isWide says whether a terminal needs no space behind it.
func isWide(r rune) bool {
	switch r {
	case '。', '！', '？', '｡', '．':
		return true
	}
	return false
}

// afterClosers is where the terminals, quotes and brackets that go with a terminal end.
func afterClosers(text string, i int) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		if !isTerminal(r) && !isCloser(r) {
			break
		}
		i += size
	}
	return i
}

func isCloser(r rune) bool {
	return r == '"' || r == '\'' || r == '*' || r == '_' || unicode.In(r, unicode.Pe, unicode.Pf)
}

// ends decides about the terminal r at text[at:], with all that closes behind it up to end, in a sentence that began at
// start.
func ends(text string, start, at int, r rune, end int) bool {
	if isWide(r) {
		return true
	}
	next, _ := utf8.DecodeRuneInString(text[end:])
	if end < len(text) && !unicode.IsSpace(next) {
		return false
	}
	following := firstRune(text[end:])
	tail := text[at:end]
	switch {
	case following == utf8.RuneError:
		return true
	case isTerminal(following):
		return false // more of the same follows, as in ". . ."
	case r == '…' || strings.HasPrefix(tail, ".."):
		return !unicode.IsLower(following)
	case r != '.':
		// In “Really?” he asked, the sentence goes on.
		last, _ := utf8.DecodeLastRuneInString(tail)
		return !isCloser(last) || !unicode.IsLower(following)
	}
	return !isAbbreviation(text, start, at, following)
}

// firstRune is the first rune of s that is no space, quote or bracket; utf8.RuneError where there is none near.
func firstRune(s string) rune {
	const near = 64
	for i, r := range s {
		if i > near {
			break
		}
		if !unicode.IsSpace(r) && !unicode.In(r, unicode.Ps, unicode.Pi) && r != '"' && r != '\'' {
			return r
		}
	}
	return utf8.RuneError
}

// breaksLine says whether what follows a newline begins a new sentence whatever stood before: a blank line, a list item, a
// heading.
func breaksLine(rest string) bool {
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '\n':
			return true
		case c == ' ' || c == '\t' || c == '\r':
		case c == '#' || c == '|' || c == '>':
			return true
		case c == '-' || c == '*' || c == '+':
			return i+1 < len(rest) && rest[i+1] == ' '
		case c >= '0' && c <= '9':
			return isMarker(rest[i:])
		default:
			return strings.HasPrefix(rest[i:], "•")
		}
		if i > 64 {
			return false
		}
	}
	return false
}

// isMarker says whether s begins with the number of a list item: one to three digits, a point or bracket, a space.
func isMarker(s string) bool {
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	return digits > 0 && digits <= 3 && digits+1 < len(s) && (s[digits] == '.' || s[digits] == ')') && s[digits+1] == ' '
}

// appendSentence adds text[start:end] without the space around it, in pieces where it is too long.
func appendSentence(out []Span, text string, start, end int) []Span {
	for {
		start, end = trim(text, start, end)
		if start == end {
			return out
		}
		if end-start <= MaxSentence {
			return append(out, Span{start, end})
		}
		cut := start + longCut(text[start:start+MaxSentence+1])
		s, e := trim(text, start, cut)
		if s < e {
			out = append(out, Span{s, e})
		}
		start = cut
	}
}

// longCut is where to cut a piece that is one byte too long: at its last newline or space, but not in its first half.
func longCut(piece string) int {
	for _, separator := range []string{"\n", " "} {
		if i := strings.LastIndex(piece, separator); i > len(piece)/2 {
			return i
		}
	}
	return Cut(piece, len(piece)-1)
}

func trim(text string, start, end int) (int, int) {
	s := strings.TrimLeftFunc(text[start:end], unicode.IsSpace)
	start = end - len(s)
	return start, start + len(strings.TrimRightFunc(s, unicode.IsSpace))
}

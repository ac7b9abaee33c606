package lexical

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// word is a piece of a text as it is looked up, in lower case and before stemming.
type word struct {
	text  string
	place int  // of the word in the text; a compound has that of its first part
	whole bool // not to be stemmed: an identifier, a number, or two letters of a script without spaces
}

// words are the words of a text. An identifier ("mean_date", "writeBoolean", "utf8") is there whole and in its parts; texts
// in scripts without spaces are cut into overlapping pairs of letters.
func words(text string) []word {
	var s splitter
	rest := norm.NFKC.String(text)
	for rest != "" {
		n, dense := span(rest)
		switch {
		case n == 0:
			_, n = utf8.DecodeRuneInString(rest)
		case dense:
			s.pairs(rest[:n])
		default:
			s.compound(rest[:n])
		}
		rest = rest[n:]
	}
	return s.words
}

// span is the length of the word that a text starts with, 0 where it starts with none, and whether it is written
// without spaces.
func span(text string) (n int, dense bool) {
	end := 0 // after the last letter: a joiner at the end is no part of the word
	for i, r := range text {
		switch {
		case unspaced(r):
			if i == 0 {
				dense = true
			} else if !dense {
				return end, false
			}
		case inWord(r):
			if dense && !unicode.Is(unicode.Mn, r) {
				return end, true
			}
		case !dense && i > 0 && i == end && joins(r):
			continue
		default:
			return end, dense
		}
		end = i + len(string(r))
	}
	return end, dense
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
}

func joins(r rune) bool { return r == '_' || r == '-' || r == '\'' || r == '’' }

// unspaced says whether a letter is of a script that does not put spaces between words.
func unspaced(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

type splitter struct {
	words []word
	place int
}

func (s *splitter) add(text string, whole bool) {
	s.words = append(s.words, word{text: text, place: s.place, whole: whole})
}

// pairs adds the overlapping pairs of letters of a run; a letter alone is its own word.
func (s *splitter) pairs(run string) {
	letters := []rune(run)
	for i := range max(len(letters)-1, 1) {
		s.add(string(letters[i:min(i+2, len(letters))]), true)
		s.place++
	}
}

// compound adds a word, or a compound and its parts.
func (s *splitter) compound(run string) {
	run = withoutClitics(run)
	parts := partsOf(run)
	if len(parts) > 1 {
		s.add(strings.ToLower(run), true)
	}
	for _, part := range parts {
		s.add(strings.ToLower(part), unicode.IsDigit(rune(part[0])))
		s.place++
	}
}

// withoutClitics takes off what an apostrophe joins to a word and is no word: "l'", "qu'" before it, "'s", "'re" after it.
func withoutClitics(run string) string {
	run = strings.ReplaceAll(run, "’", "'")
	if first, rest, ok := strings.Cut(run, "'"); ok && len(first) <= 2 && len(rest) > 2 {
		run = rest
	}
	if i := strings.LastIndexByte(run, '\''); i >= 0 && len(run)-i <= 3 {
		run = run[:i]
	}
	return run
}

// partsOf cuts a run at joiners, between letters and digits, and where an upper-case letter follows a lower-case one.
func partsOf(run string) []string {
	var parts []string
	start, before := 0, rune(0)
	cut := func(end int) {
		if end > start {
			parts = append(parts, run[start:end])
		}
	}
	for i, r := range run {
		switch {
		case joins(r):
			cut(i)
			start = i + len(string(r))
		case i > start && (unicode.IsDigit(r) != unicode.IsDigit(before) && !unicode.Is(unicode.M, r) || unicode.IsUpper(r) && unicode.IsLower(before)):
			cut(i)
			start = i
		}
		before = r
	}
	cut(len(run))
	return parts
}

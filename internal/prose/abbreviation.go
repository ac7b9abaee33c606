package prose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAbbreviation is the longest word, in bytes, that is looked at as an abbreviation.
const maxAbbreviation = 24

// isAbbreviation says whether the point at text[at] belongs to the word before it. following is the first letter of what
// comes next.
func isAbbreviation(text string, start, at int, following rune) bool {
	word := wordBefore(text, start, at)
	if word == "" {
		return false
	}
	if isDigits(word) {
		// The number of a list item, as in "1. Wash your hands".
		return at-len(word) == start+leadingSpace(text[start:at]) && len(word) <= 3
	}
	lower := strings.ToLower(word)
	switch abbreviationKind(lower) {
	case neverEnds:
		return true
	case beforeNumber:
		return unicode.IsDigit(following) || strings.ContainsRune("ivxlcIVXLC", following)
	case mayEnd:
		return !unicode.IsUpper(following)
	}
	if strings.Contains(lower, ".") && isDotted(lower) {
		return !unicode.IsUpper(following)
	}
	// An initial, as in "J. Smith". "I" is a word, and ends more sentences than it begins names.
	r, size := utf8.DecodeRuneInString(word)
	return size == len(word) && unicode.IsUpper(r) && r != 'I'
}

// wordBefore is what stands between the last space or opening bracket and the point at at.
func wordBefore(text string, start, at int) string {
	from := max(start, at-maxAbbreviation)
	word := text[from:at]
	if i := strings.LastIndexFunc(word, func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Ps, unicode.Pi) || r == '"' }); i >= 0 {
		_, size := utf8.DecodeRuneInString(word[i:])
		return word[i+size:]
	}
	if from > start {
		return ""
	}
	return word
}

func leadingSpace(s string) int { return len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace)) }

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isDotted says whether a word is letters with points between them, as in u.s or p.h.d.
func isDotted(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if utf8.RuneCountInString(part) > 2 {
			return false
		}
		for _, r := range part {
			if !unicode.IsLetter(r) {
				return false
			}
		}
	}
	return true
}

type kind uint8

const (
	ordinary     kind = iota
	neverEnds         // something always follows: a name, an example
	beforeNumber      // an abbreviation only before a number: "no. 5"
	mayEnd            // an abbreviation unless a capital follows
)

func abbreviationKind(lower string) kind {
	switch lower {
	case "dr", "mr", "mrs", "ms", "mx", "prof", "rev", "hon", "gen", "col", "lt", "sgt", "capt", "cmdr", "gov", "sen", "rep",
		"pres", "st", "mt", "ft", "messrs", "mme", "mlle", "hr", "fr", "sra", "dra", "srta",
		"e.g", "i.e", "eg", "ie", "cf", "vs", "viz", "resp", "ca", "z.b", "d.h", "u.a", "p.ex", "bzw":
		return neverEnds
	case "no", "nos", "nr", "fig", "figs", "eq", "eqs", "sec", "secs", "art", "arts", "ch", "chap", "vol", "vols", "p", "pp",
		"para", "paras", "cl", "app", "tab", "ver", "v", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec":
		return beforeNumber
	case "etc", "al", "inc", "ltd", "co", "corp", "llc", "plc", "bros", "jr", "sr", "approx", "dept", "est", "ed", "eds",
		"a.m", "p.m", "u.s", "u.k", "u.n", "e.u", "usw", "ph.d":
		return mayEnd
	}
	return ordinary
}

package prose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words counts the words of a text, as the limits of a summary do: what stands between spaces, but in Chinese, Japanese
// and the other scripts that put no space between words, each letter.
func Words(text string) int {
	n := 0
	inWord := false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			inWord = false
		case isSpaceless(r):
			n++
			inWord = false
		case !inWord && !isWide(r) && r != '…':
			n++
			inWord = true
		}
	}
	return n
}

// isSpaceless says whether r is a letter of a script that is written without spaces.
func isSpaceless(r rune) bool {
	return r >= 0x0E00 && unicode.IsLetter(r) &&
		unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// FirstWords is the beginning of s that has at most n words, and whether there is more.
func FirstWords(s string, n int) (string, bool) {
	if n <= 0 {
		return "", s != ""
	}
	count, inWord := 0, false
	for i, r := range s {
		starts := false
		switch {
		case unicode.IsSpace(r):
			inWord = false
		case isSpaceless(r):
			starts, inWord = true, false
		case !inWord && !isWide(r) && r != '…':
			starts, inWord = true, true
		}
		if !starts {
			continue
		}
		if count++; count > n {
			return strings.TrimRightFunc(s[:i], unicode.IsSpace), true
		}
	}
	return s, false
}

// EachTerm calls f for every run of letters and digits of s, and for every single letter of a spaceless script.
func EachTerm(s string, f func(term string)) {
	start := -1
	for i, r := range s {
		switch {
		case isSpaceless(r):
			if start >= 0 {
				f(s[start:i])
			}
			f(string(r))
			start = -1
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if start < 0 {
				start = i
			}
		case start >= 0:
			f(s[start:i])
			start = -1
		}
	}
	if start >= 0 {
		f(s[start:])
	}
}

// Flatten puts one space between words.
func Flatten(s string) string { return strings.Join(strings.Fields(s), " ") }

// Cut is the last rune boundary of s at or before n. Where s is not UTF-8 there, it is n.
func Cut(s string, n int) int {
	if n >= len(s) {
		return len(s)
	}
	for i := n; i > max(0, n-utf8.UTFMax); i-- {
		if utf8.RuneStart(s[i]) {
			return i
		}
	}
	return n
}

// HasWord says whether there is a letter or a digit in s.
func HasWord(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) >= 0
}

// IsQuestion says whether s ends with a question mark, and what may close behind it.
func IsQuestion(s string) bool {
	s = strings.TrimRightFunc(s, isCloser)
	return strings.HasSuffix(s, "?") || strings.HasSuffix(s, "？") || strings.HasSuffix(s, "؟")
}

// EndsWide says whether no space follows s in its script.
func EndsWide(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return isWide(r) || isSpaceless(r)
}

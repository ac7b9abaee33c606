package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// kind is what the regular expressions of pre-tokenizers tell apart: \p{L}, \p{N}, \s and the rest.
type kind uint8

const (
	otherKind kind = iota
	letterKind
	numberKind
	spaceKind
)

// lateLetters and lateNumbers are those of Unicode 15.1 and 16, which Go's tables (15) lack and the reference's regular
// expressions have.
var (
	lateLetters = [...][2]rune{
		{0x1C89, 0x1C8A}, {0xA7CB, 0xA7CD}, {0xA7DA, 0xA7DC}, {0x105C0, 0x105F3}, {0x10D4A, 0x10D65}, {0x10D6F, 0x10D85},
		{0x10EC2, 0x10EC4}, {0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E}, {0x11390, 0x113B5}, {0x113B7, 0x113B7},
		{0x113D1, 0x113D1}, {0x113D3, 0x113D3}, {0x11BC0, 0x11BE0}, {0x13460, 0x143FA}, {0x16100, 0x1611D}, {0x16D40, 0x16D6C},
		{0x18CFF, 0x18CFF}, {0x1E5D0, 0x1E5ED}, {0x1E5F0, 0x1E5F0}, {0x2EBF0, 0x2EE5D},
	}
	lateNumbers = [...][2]rune{
		{0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9}, {0x16130, 0x16139}, {0x16D70, 0x16D79}, {0x1CCF0, 0x1CCF9},
		{0x1E5F1, 0x1E5FA},
	}
	// newestNumbers are those of Unicode 17, which only the reference's Digits knows.
	newestNumbers = [...][2]rune{{0x11DE0, 0x11DE9}, {0x16FF4, 0x16FF6}}
)

// kinds answers for the basic plane with one load.
type kinds struct {
	basic [1 << 16]kind
}

// newKinds costs some tens of microseconds.
func newKinds() *kinds {
	k := new(kinds)
	fill := func(table *unicode.RangeTable, to kind) {
		for _, r := range table.R16 {
			for x := int(r.Lo); x <= int(r.Hi); x += int(r.Stride) {
				k.basic[x] = to
			}
		}
	}
	fill(unicode.L, letterKind)
	fill(unicode.N, numberKind)
	fill(unicode.White_Space, spaceKind)
	for _, x := range lateLetters {
		for r := x[0]; r <= min(x[1], 0xFFFF); r++ {
			k.basic[r] = letterKind
		}
	}
	return k
}

func (k *kinds) of(r rune) kind {
	switch {
	case r < rune(len(k.basic)):
		return k.basic[r]
	case unicode.IsLetter(r) || within(lateLetters[:], r):
		return letterKind
	case unicode.IsNumber(r) || within(lateNumbers[:], r):
		return numberKind
	}
	return otherKind
}

// at is the kind of the character at text[i], and its length; length 0 is the end.
func (k *kinds) at(text []byte, i int) (kind, int) {
	if i >= len(text) {
		return otherKind, 0
	}
	if c := text[i]; c < utf8.RuneSelf {
		return k.basic[c], 1
	}
	r, size := utf8.DecodeRune(text[i:])
	return k.of(r), size
}

// run is the end of the characters of one kind from i on, at most so many.
func (k *kinds) run(text []byte, i int, of kind, most int) int {
	for ; most > 0; most-- {
		got, size := k.at(text, i)
		if size == 0 || got != of {
			break
		}
		i += size
	}
	return i
}

// isDigit is char::is_numeric of the reference's language.
func isDigit(r rune) bool {
	return unicode.IsNumber(r) || within(lateNumbers[:], r) || within(newestNumbers[:], r)
}

func within(ranges [][2]rune, r rune) bool {
	for _, x := range ranges {
		if x[0] <= r && r <= x[1] {
			return true
		}
	}
	return false
}

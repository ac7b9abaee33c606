package tokenizer

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// compositions are the characters that pairs of characters are together, Hangul syllables aside.
type compositions map[[2]rune]rune

// newCompositions costs a millisecond or so.
func newCompositions() compositions {
	c := make(compositions, 1024)
	for _, x := range classRanges {
		if x.class&decomposes == 0 {
			continue
		}
		for r := x.first; r <= x.last; r++ {
			c.add(r)
		}
	}
	return c
}

// add adds the pair that r is composed of: the last character of its decomposition, and all before it.
func (c compositions) add(r rune) {
	whole := string(r)
	apart := norm.NFD.String(whole)
	last, size := utf8.DecodeLastRuneInString(apart)
	first := norm.NFC.String(apart[:len(apart)-size])
	if norm.NFC.String(whole) != whole || utf8.RuneCountInString(first) != 1 {
		return // excluded from composition
	}
	a, _ := utf8.DecodeRuneInString(first)
	c[[2]rune{a, last}] = r
}

// compose is the character that a and b are together; ok is false where they are none.
func (c compositions) compose(a, b rune) (r rune, ok bool) {
	const leads, vowels, trails = 19, vowelsPerLead, trailsPerVowel
	lead, vowel, trail := a-leadFirst, b-vowelFirst, b-trailFirst
	switch {
	case 0 <= lead && lead < leads && 0 <= vowel && vowel < vowels:
		return hangulFirst + (lead*vowels+vowel)*trails, true
	case isHangul(a) && (a-hangulFirst)%trails == 0 && 0 < trail && trail < trails:
		return a + trail, true
	}
	r, ok = c[[2]rune{a, b}]
	return r, ok
}

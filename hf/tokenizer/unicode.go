package tokenizer

import (
	"cmp"
	"slices"
	"unicode"
)

// class is what the reference does with a code point. The bits are measured on it (see tables.go), because it mixes
// several versions of Unicode.
type class uint8

const (
	removed    class = 1 << iota // clean_text drops it
	space                        // separates words; clean_text makes it U+0020
	punct                        // a word of its own
	nonspacing                   // BERT's strip_accents drops it
	mark                         // StripAccents drops it
	combining                    // canonical ordering may move it
	decomposes                   // has a canonical decomposition, Hangul syllables aside
	noClass    class = 0
)

type classRange struct {
	first, last rune
	class       class
}

// classes answers for the basic plane with one load and for the rest with a binary search.
type classes struct {
	basic [1 << 16]class
}

// newClasses costs some microseconds: about 900 ranges written into 64 KiB.
func newClasses() *classes {
	c := new(classes)
	for _, r := range classRanges {
		for x := r.first; x <= min(r.last, 0xFFFF); x++ {
			c.basic[x] = r.class
		}
	}
	return c
}

func (c *classes) of(r rune) class {
	if r < rune(len(c.basic)) {
		return c.basic[r]
	}
	i, found := slices.BinarySearchFunc(classRanges[:], r, func(x classRange, r rune) int {
		return compareRange(x.first, x.last, r)
	})
	if !found {
		return noClass
	}
	return classRanges[i].class
}

// isWordChar is \w of the reference's regular expressions.
func isWordChar(r rune) bool {
	_, found := slices.BinarySearchFunc(wordRanges[:], r, func(x [2]rune, r rune) int {
		return compareRange(x[0], x[1], r)
	})
	return found
}

func compareRange(first, last, r rune) int {
	if first <= r && r <= last {
		return 0
	}
	return cmp.Compare(first, r)
}

// isChinese is the reference's list of ideograph blocks, which lacks later extensions and part of extension E.
func isChinese(r rune) bool {
	switch {
	case r < 0x3400:
		return false
	case r <= 0x4DBF, 0x4E00 <= r && r <= 0x9FFF, 0xF900 <= r && r <= 0xFAFF:
		return true
	case 0x20000 <= r && r <= 0x2A6DF, 0x2A700 <= r && r <= 0x2B73F, 0x2B740 <= r && r <= 0x2B81F:
		return true
	}
	return 0x2B920 <= r && r <= 0x2CEAF || 0x2F800 <= r && r <= 0x2FA1F
}

// lateLower are the lower case pairs of Unicode 16 and 17, which Go's tables (15) lack and the reference has.
var lateLower = [...]struct{ first, last, delta rune }{
	{0x1C89, 0x1C89, 1},
	{0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
	{0xA7CC, 0xA7CC, 1},
	{0xA7CE, 0xA7CE, 1},
	{0xA7D2, 0xA7D2, 1},
	{0xA7D4, 0xA7D4, 1},
	{0xA7DA, 0xA7DA, 1},
	{0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
	{0x10D50, 0x10D65, 0x20},
	{0x16EA0, 0x16EB8, 0x1B},
}

// toLower is the full lower case of r but for U+0130, which becomes two characters; without context (no final sigma).
func toLower(r rune) rune {
	if r < 0x1C89 {
		return unicode.ToLower(r)
	}
	for _, x := range lateLower {
		if x.first <= r && r <= x.last {
			return r + x.delta
		}
	}
	return unicode.ToLower(r)
}

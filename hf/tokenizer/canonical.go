package tokenizer

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxDecomposition is more than the longest canonical decomposition, which has four characters.
const maxDecomposition = 8

// Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12).
const (
	hangulFirst, hangulLast                = 0xAC00, 0xD7A3
	leadFirst, vowelFirst, trailFirst      = 0x1100, 0x1161, 0x11A7
	vowelsPerLead, trailsPerVowel     rune = 21, 28
)

func isHangul(r rune) bool { return hangulFirst <= r && r <= hangulLast }

// appendDecomposition appends the full canonical decomposition of r, or r itself. The class keeps out what the
// reference, which stopped at Unicode 9, does not decompose.
func appendDecomposition(dst []rune, r rune, k class) []rune {
	switch {
	case isHangul(r):
		return appendHangul(dst, r-hangulFirst)
	case k&decomposes == 0:
		return append(dst, r)
	}
	var buf [utf8.UTFMax]byte
	d := norm.NFD.Properties(buf[:utf8.EncodeRune(buf[:], r)]).Decomposition()
	for len(d) > 0 {
		x, size := utf8.DecodeRune(d)
		dst, d = append(dst, x), d[size:]
	}
	return dst
}

func appendHangul(dst []rune, s rune) []rune {
	dst = append(dst, leadFirst+s/(vowelsPerLead*trailsPerVowel), vowelFirst+s/trailsPerVowel%vowelsPerLead)
	if t := s % trailsPerVowel; t > 0 {
		dst = append(dst, trailFirst+t)
	}
	return dst
}

// canonicalOrder holds back combining characters until a starter shows that their order is settled.
//
// The reference loses track of which character moved: in the settled order, the first character of each decomposition
// takes the place of the next original character, and the others share the place of the one before. So does this.
type canonicalOrder struct {
	marks  []combiningMark
	spare  []combiningMark // room to sort
	places []span          // places of the original characters that are in marks, in order
	next   int             // the first of places not yet taken
	last   span            // the place taken last

	pending, after []part // room for a composer
}

type combiningMark struct {
	r     rune
	class uint8 // canonical combining class
	first bool  // the first of its decomposition
}

func (o *canonicalOrder) reset() {
	o.clear()
	o.last = span{}
}

func (o *canonicalOrder) clear() {
	o.marks, o.places, o.next = o.marks[:0], o.places[:0], 0
}

func (o *canonicalOrder) add(r rune, from span, first bool) {
	var buf [utf8.UTFMax]byte
	p := norm.NFD.Properties(buf[:utf8.EncodeRune(buf[:], r)])
	o.marks = append(o.marks, combiningMark{r, p.CCC(), first})
	if first {
		o.places = append(o.places, from)
	}
}

// sorted puts the marks in order of their class, equal ones as they came. A counting sort, so that a text of nothing
// but marks costs linear time.
func (o *canonicalOrder) sorted() []combiningMark {
	if o.inOrder() {
		return o.marks
	}
	var start [256]int
	for _, m := range o.marks {
		start[m.class]++
	}
	sum := 0
	for i, count := range start {
		start[i], sum = sum, sum+count
	}
	o.spare = append(o.spare[:0], o.marks...)
	for _, m := range o.spare {
		o.marks[start[m.class]] = m
		start[m.class]++
	}
	return o.marks
}

func (o *canonicalOrder) inOrder() bool {
	for i := 1; i < len(o.marks); i++ {
		if o.marks[i-1].class > o.marks[i].class {
			return false
		}
	}
	return true
}

// origin is the place of m. It is to be asked for the marks in sorted order, once each.
func (o *canonicalOrder) origin(m combiningMark) span {
	if m.first {
		o.last = o.places[o.next]
		o.next++
	}
	return o.last
}

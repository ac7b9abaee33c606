package tokenizer

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// unicodeForm is one of Unicode's four normal forms, as of Unicode 9, where the reference stopped.
type unicodeForm struct {
	compatible bool
	pairs      compositions // nil where characters stay apart
	classes    *classes
}

// lateCompatible are characters whose decomposition is newer than Unicode 9.
var lateCompatible = [...][2]rune{
	{0x32FF, 0x32FF}, {0xA7F2, 0xA7F4}, {0xAB69, 0xAB69}, {0x10781, 0x107BA}, {0x11938, 0x11938}, {0x1E030, 0x1E06D},
	{0x1F16C, 0x1F16C}, {0x1FBF0, 0x1FBF9},
}

func (f *unicodeForm) apply(n *normalized, order *canonicalOrder) {
	if isASCII(n.text) || f.quick().QuickSpan(n.text) == len(n.text) {
		return
	}
	c := composer{form: f, edit: n.edit(), pending: order.pending[:0], after: order.after[:0]}
	for i := 0; i < len(c.edit.text); {
		r, size := utf8.DecodeRune(c.edit.text[i:])
		i += size
		var buf [maxCompatible]rune
		for j, d := range f.decompose(buf[:0], r) {
			c.add(part{d, min(j, 1), f.combiningClass(d)})
		}
	}
	c.flush()
	c.end()
	order.pending, order.after = c.pending, c.after
}

// maxCompatible is the length of the longest decomposition: that of U+FDFA.
const maxCompatible = 18

// quick is the form of today's Unicode: a text that is normal in it was so in Unicode 9, where unknown characters stayed
// as they were.
func (f *unicodeForm) quick() norm.Form {
	switch {
	case f.compatible && f.pairs != nil:
		return norm.NFKC
	case f.compatible:
		return norm.NFKD
	case f.pairs != nil:
		return norm.NFC
	}
	return norm.NFD
}

func (f *unicodeForm) decompose(dst []rune, r rune) []rune {
	switch {
	case !f.compatible || isHangul(r):
		return appendDecomposition(dst, r, f.classes.of(r))
	case within(lateCompatible[:], r):
		return append(dst, r)
	}
	return decomposeCompatible(dst, r)
}

func decomposeCompatible(dst []rune, r rune) []rune {
	var buf [utf8.UTFMax]byte
	d := norm.NFKD.Properties(buf[:utf8.EncodeRune(buf[:], r)]).Decomposition()
	if len(d) == 0 {
		return append(dst, r)
	}
	for len(d) > 0 {
		x, size := utf8.DecodeRune(d)
		dst, d = append(dst, x), d[size:]
	}
	return dst
}

// combiningClass is 0 for a character that nothing moves across.
func (f *unicodeForm) combiningClass(r rune) uint8 {
	if f.classes.of(r)&combining == 0 {
		return 0
	}
	var buf [utf8.UTFMax]byte
	return norm.NFD.Properties(buf[:utf8.EncodeRune(buf[:], r)]).CCC()
}

// part is a character of a decomposition. The change is that of edit.put.
type part struct {
	r      rune
	change int
	class  uint8
}

// composer orders the characters of decompositions and, where the form wants it, composes them again.
type composer struct {
	form *unicodeForm
	edit edit

	pending []part // marks to be ordered
	base    part   // what marks are composed with
	hasBase bool
	after   []part // marks that stay behind base
	last    uint8  // class of the last of them
}

func (c *composer) add(p part) {
	if p.class != 0 {
		c.pending = append(c.pending, p)
		return
	}
	c.flush()
	c.put(p)
}

// flush puts the pending marks in canonical order.
func (c *composer) flush() {
	slices.SortStableFunc(c.pending, func(a, b part) int { return int(a.class) - int(b.class) })
	for _, p := range c.pending {
		c.put(p)
	}
	c.pending = c.pending[:0]
}

// put takes the characters in canonical order.
func (c *composer) put(p part) {
	switch {
	case c.form.pairs == nil, !c.hasBase && p.class != 0:
		c.edit.put(p.r, p.change)
		return
	case !c.hasBase:
		c.base, c.hasBase = p, true
		return
	}
	if blocked := len(c.after) > 0 && c.last >= p.class; !blocked {
		if r, ok := c.form.pairs.compose(c.base.r, p.r); ok {
			c.base.r = r
			c.base.change += p.change - 1
			return
		}
	}
	if p.class == 0 {
		c.end()
		c.base, c.hasBase = p, true
		return
	}
	c.after, c.last = append(c.after, p), p.class
}

// end puts out the base and its marks.
func (c *composer) end() {
	if c.hasBase {
		c.edit.put(c.base.r, c.base.change)
	}
	for _, p := range c.after {
		c.edit.put(p.r, p.change)
	}
	c.after, c.hasBase = c.after[:0], false
}

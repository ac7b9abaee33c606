package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// bertNormalizer drops control characters, sets ideographs apart, strips accents and makes lower case, each as
// configured, in the reference's order.
type bertNormalizer struct {
	cleanText, chinese, stripAccents, lowercase bool

	classes *classes
	ascii   [utf8.RuneSelf]byte // what becomes of an ASCII character: a character or gone
}

// gone marks the ASCII characters that clean_text drops.
const gone = 0xFF

// fillASCII works out the ASCII table from the flags.
func (b *bertNormalizer) fillASCII() {
	for c := range b.ascii {
		b.ascii[c] = byte(c)
		if 'A' <= c && c <= 'Z' && b.lowercase {
			b.ascii[c] = byte(c) + 'a' - 'A'
		}
		switch k := b.classes.of(rune(c)); {
		case !b.cleanText:
		case k&removed != 0:
			b.ascii[c] = gone
		case k&space != 0:
			b.ascii[c] = ' '
		}
	}
}

func (b *bertNormalizer) normalize(n *normalized, order *canonicalOrder, text string) {
	n.text = slices.Grow(n.text, len(text))
	for i := range len(text) {
		c := text[i]
		if c >= utf8.RuneSelf || b.ascii[c] == gone {
			n.misalign(len(text) - i)
			b.normalizeRest(n, order, text, i)
			return
		}
		n.text = append(n.text, b.ascii[c])
	}
}

// normalizeRest does text[i:] with anything in it.
func (b *bertNormalizer) normalizeRest(n *normalized, order *canonicalOrder, text string, i int) {
	order.reset()
	for i < len(text) {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			b.rune(n, order, r, span{n.base + i, n.base + i + size})
			i += size
			continue
		}
		if a := b.ascii[c]; a != gone {
			from := span{n.base + i, n.base + i + 1}
			b.flush(n, order)
			order.last = from
			n.putByte(a, from)
		}
		i++
	}
	b.flush(n, order)
}

// rune does one character from outside ASCII.
func (b *bertNormalizer) rune(n *normalized, order *canonicalOrder, r rune, from span) {
	k := b.classes.of(r)
	if b.cleanText {
		switch {
		case k&removed != 0:
			return
		case k&space != 0:
			r, k = ' ', space
		}
	}
	if b.chinese && isChinese(r) {
		b.decompose(n, order, ' ', space, from)
		b.decompose(n, order, r, k, from)
		b.decompose(n, order, ' ', space, from)
		return
	}
	b.decompose(n, order, r, k, from)
}

// decompose emits the canonical decomposition of r, in canonical order with the characters around it.
func (b *bertNormalizer) decompose(n *normalized, order *canonicalOrder, r rune, k class, from span) {
	if !b.stripAccents {
		b.lower(n, r, from)
		return
	}
	if k&(decomposes|combining) == 0 && !isHangul(r) {
		b.starter(n, order, r, k, from)
		return
	}
	var buf [maxDecomposition]rune
	for i, d := range appendDecomposition(buf[:0], r, k) {
		dk := b.classes.of(d)
		switch {
		case dk&combining != 0:
			order.add(d, from, i == 0)
		case i == 0:
			b.starter(n, order, d, dk, from)
		default:
			b.flush(n, order)
			b.accentless(n, d, dk, order.last)
		}
	}
}

// starter emits a character that nothing moves across.
func (b *bertNormalizer) starter(n *normalized, order *canonicalOrder, r rune, k class, from span) {
	b.flush(n, order)
	order.last = from
	b.accentless(n, r, k, from)
}

func (b *bertNormalizer) flush(n *normalized, order *canonicalOrder) {
	if len(order.marks) == 0 {
		return
	}
	for _, m := range order.sorted() {
		b.accentless(n, m.r, b.classes.of(m.r), order.origin(m))
	}
	order.clear()
}

func (b *bertNormalizer) accentless(n *normalized, r rune, k class, from span) {
	if k&nonspacing == 0 {
		b.lower(n, r, from)
	}
}

func (b *bertNormalizer) lower(n *normalized, r rune, from span) {
	switch {
	case !b.lowercase:
		n.put(r, from)
	case r == 'İ':
		n.put('i', from)
		n.put('\u0307', from)
	default:
		n.put(toLower(r), from)
	}
}

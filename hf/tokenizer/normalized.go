package tokenizer

import (
	"slices"
	"unicode/utf8"

	"searchd/hf"
)

// span is a half-open range of bytes.
type span struct{ start, end int }

// normalized is a piece of text in normal form, and where each of its bytes came from.
type normalized struct {
	text   []byte
	base   int    // offset of the piece in the original text
	origin []span // for each byte of text, the original bytes it stands for; unused while aligned
	// aligned says that byte i of text is byte base+i of the original: so it is in ASCII text, which then needs no origin.
	aligned bool
}

func (n *normalized) reset(base int) {
	n.text, n.origin = n.text[:0], n.origin[:0]
	n.base, n.aligned = base, true
}

// misalign ends the aligned stretch: from now on put says where bytes come from. About more bytes are to follow.
func (n *normalized) misalign(more int) {
	n.aligned = false
	n.origin = slices.Grow(n.origin, len(n.text)+more)
	for i := range n.text {
		n.origin = append(n.origin, span{n.base + i, n.base + i + 1})
	}
}

func (n *normalized) putByte(c byte, from span) {
	n.text = append(n.text, c)
	n.origin = append(n.origin, from)
}

func (n *normalized) put(r rune, from span) {
	before := len(n.text)
	n.text = utf8.AppendRune(n.text, r)
	for range len(n.text) - before {
		n.origin = append(n.origin, from)
	}
}

// token is the token id for the bytes w of the normal form, which are at least one.
func (n *normalized) token(id int32, w span) hf.Token {
	if n.aligned {
		return hf.Token{ID: id, Start: n.base + w.start, End: n.base + w.end}
	}
	return hf.Token{ID: id, Start: n.origin[w.start].start, End: n.origin[w.end-1].end}
}

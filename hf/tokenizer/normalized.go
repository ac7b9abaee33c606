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
	// aligned says that byte i of text is byte base+i of the original: so it is in text that nothing has changed, which
	// then needs no origin.
	aligned bool

	spareText   []byte // room for an edit
	spareOrigin []span
}

func (n *normalized) reset(base int) {
	n.text, n.origin = n.text[:0], n.origin[:0]
	n.base, n.aligned = base, true
}

// load appends text as it is, but for invalid bytes.
func (n *normalized) load(text string) {
	if utf8.ValidString(text) {
		n.text = append(n.text, text...)
		return
	}
	n.misalign(len(text))
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		n.put(r, span{n.base + i, n.base + i + size})
		i += size
	}
}

// misalign ends the aligned stretch: from now on put says where bytes come from. About more bytes are to follow.
func (n *normalized) misalign(more int) {
	if !n.aligned {
		return
	}
	n.aligned = false
	n.origin = slices.Grow(n.origin, len(n.text)+more)
	for i := 0; i < len(n.text); {
		size := 1
		if n.text[i] >= utf8.RuneSelf {
			_, size = utf8.DecodeRune(n.text[i:])
		}
		for range size {
			n.origin = append(n.origin, span{n.base + i, n.base + i + size})
		}
		i += size
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

// byteToken is token where w may begin and end within a character, which it then stands for.
func (n *normalized) byteToken(id int32, w span) hf.Token {
	if n.aligned {
		for w.start > 0 && !utf8.RuneStart(n.text[w.start]) {
			w.start--
		}
		for w.end < len(n.text) && !utf8.RuneStart(n.text[w.end]) {
			w.end++
		}
	}
	return n.token(id, w)
}

// start is where the bytes w of the normal form, which are at least one, begin in the original.
func (n *normalized) start(w span) int {
	if n.aligned {
		return n.base + w.start
	}
	return n.origin[w.start].start
}

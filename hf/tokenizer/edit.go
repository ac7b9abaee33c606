package tokenizer

import "unicode/utf8"

// edit rewrites a normal form from its beginning to its end, as the reference does it: each character of the new form
// says how many of the old it stands for, and takes the place in the original of the first of those.
type edit struct {
	n      *normalized // the new form
	text   []byte      // the old one
	origin []span
	at     int // the byte of text that comes next
}

// edit empties n, for its new form to be put there.
func (n *normalized) edit() edit {
	n.misalign(0)
	e := edit{n: n, text: n.text, origin: n.origin}
	n.text, n.origin = n.spareText[:0], n.spareOrigin[:0]
	n.spareText, n.spareOrigin = e.text, e.origin
	return e
}

// put appends r. A change of 0 says that r stands for the next old character, -k that it stands for k more, and one
// above 0 that it is new: then it shares the place of the old character before.
//
// Some of the reference's normalizers count wrongly, so that places fall behind; they are to be called as there.
func (e *edit) put(r rune, change int) {
	e.n.put(r, e.place(change > 0))
	if change <= 0 {
		e.skip(1 - change)
	}
}

func (e *edit) place(isNew bool) span {
	i := min(e.at, len(e.text)-1)
	if isNew {
		i = e.at - 1
	}
	if i < 0 {
		return span{e.n.base, e.n.base}
	}
	return e.origin[i]
}

// skip passes over old characters: nothing stands for them.
func (e *edit) skip(chars int) {
	for ; chars > 0 && e.at < len(e.text); chars-- {
		e.at += runeSize(e.text[e.at])
	}
}

// keep copies the old text up to a byte.
func (e *edit) keep(end int) {
	e.n.text = append(e.n.text, e.text[e.at:end]...)
	e.n.origin = append(e.n.origin, e.origin[e.at:end]...)
	e.at = end
}

// replace puts content in place of the old text up to a byte; all of it takes the place of the last character there.
func (e *edit) replace(end int, content string) {
	e.at = end
	for _, r := range content {
		e.put(r, 1)
	}
}

// runeSize is the length of the character that begins with c in valid UTF-8.
func runeSize(c byte) int {
	switch {
	case c < utf8.RuneSelf:
		return 1
	case c < 0xE0:
		return 2
	case c < 0xF0:
		return 3
	}
	return 4
}

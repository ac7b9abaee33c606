package tokenizer

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"
)

// step is a normalizer that changes a normal form in place.
type step interface {
	apply(n *normalized, order *canonicalOrder)
}

// steps is one step after another; none leaves the text as it is.
type steps []step

func (s steps) normalize(n *normalized, order *canonicalOrder, text string) {
	n.load(text)
	for _, x := range s {
		if len(n.text) == 0 {
			return
		}
		x.apply(n, order)
	}
}

// apply is normalize for a text that other steps have changed before.
func (b *bertNormalizer) apply(n *normalized, order *canonicalOrder) {
	var bert normalized
	bert.reset(0)
	b.normalize(&bert, order, string(n.text))
	bert.misalign(0)
	e := n.edit()
	n.text = append(n.text, bert.text...)
	for _, at := range bert.origin {
		n.origin = append(n.origin, e.origin[min(at.start, len(e.origin)-1)])
	}
}

// lowercaser makes lower case.
type lowercaser struct{}

func (lowercaser) apply(n *normalized, _ *canonicalOrder) {
	if n.aligned && lowerASCII(n.text) {
		return
	}
	e := n.edit()
	for i := 0; i < len(e.text); {
		r, size := utf8.DecodeRune(e.text[i:])
		i += size
		if r == 'İ' {
			e.put('i', 0)
			e.put('\u0307', 1)
			continue
		}
		e.put(toLower(r), 0)
	}
}

// lowerASCII makes text lower case where it is ASCII; otherwise it is false, and text as it was.
func lowerASCII(text []byte) bool {
	if !isASCII(text) {
		return false
	}
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			text[i] = c + 'a' - 'A'
		}
	}
	return true
}

func isASCII(text []byte) bool {
	return !slices.ContainsFunc(text, func(c byte) bool { return c >= utf8.RuneSelf })
}

// markStripper drops marks.
type markStripper struct{ classes *classes }

func (m *markStripper) apply(n *normalized, _ *canonicalOrder) {
	if isASCII(n.text) {
		return
	}
	e := n.edit()
	for i := 0; i < len(e.text); {
		r, size := utf8.DecodeRune(e.text[i:])
		i += size
		if m.classes.of(r)&mark != 0 {
			e.skip(1)
			continue
		}
		e.put(r, 0)
	}
}

// spaceStripper drops white space at the ends.
type spaceStripper struct{ left, right bool }

func (s *spaceStripper) apply(n *normalized, _ *canonicalOrder) {
	start, end := 0, len(n.text)
	if s.right {
		end = len(bytes.TrimRightFunc(n.text, unicode.IsSpace))
	}
	if s.left {
		start = min(end, len(n.text)-len(bytes.TrimLeftFunc(n.text, unicode.IsSpace)))
	}
	if start == 0 && end == len(n.text) {
		return
	}
	e := n.edit()
	e.at = start
	e.keep(end)
}

// prepender puts a string before a text that is not empty.
type prepender string

func (p prepender) apply(n *normalized, _ *canonicalOrder) {
	e := n.edit()
	for _, r := range string(p) {
		n.put(r, e.origin[0])
	}
	e.keep(len(e.text))
}

// replacer puts content in place of every match.
type replacer struct {
	at      finder
	content string
}

func (r *replacer) apply(n *normalized, _ *canonicalOrder) {
	at, ok := r.at.find(n.text, 0)
	if !ok {
		return
	}
	e := n.edit()
	for ok {
		e.keep(at.start)
		e.replace(at.end, r.content)
		at, ok = r.at.find(e.text, at.end)
	}
	e.keep(len(e.text))
}

// spacesFinder finds runs of so many spaces or more.
type spacesFinder int

func (least spacesFinder) find(text []byte, from int) (span, bool) {
	for i := from; i < len(text); i++ {
		if text[i] != ' ' {
			continue
		}
		end := i
		for end < len(text) && text[end] == ' ' {
			end++
		}
		if end-i >= int(least) {
			return span{i, end}, true
		}
		i = end
	}
	return span{}, false
}

// runFinder finds runs of characters.
type runFinder struct{ charFinder }

func (f runFinder) find(text []byte, from int) (span, bool) {
	at, ok := f.charFinder.find(text, from)
	for ok && at.end < len(text) {
		r, size := utf8.DecodeRune(text[at.end:])
		if !f.charFinder(r) {
			break
		}
		at.end += size
	}
	return at, ok
}

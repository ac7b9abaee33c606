package tokenizer

import (
	"bytes"
	"unicode/utf8"
)

// prepend says when a Metaspace puts a mark before a text that begins with no space.
type prependScheme uint8

const (
	prependAlways prependScheme = iota
	prependFirst                // at the beginning of the original text
	prependNever
)

// metaspace is SentencePiece's way with spaces: each becomes a mark, and a word begins with it.
type metaspace struct {
	mark   string // one character
	scheme prependScheme
	words  *splitter // nil where words are not to be cut
}

func (m *metaspace) split(words []span, n *normalized, within span) []span {
	within = m.marked(n, within)
	if m.words == nil {
		return append(words, within)
	}
	return m.words.split(words, n, within)
}

// marked is w with marks for spaces. Where that changes it, the new word is put behind all others.
func (m *metaspace) marked(n *normalized, w span) span {
	word := n.text[w.start:w.end]
	starts := word[0] == ' ' || bytes.HasPrefix(word, []byte(m.mark))
	prefix := ""
	if !starts && (m.scheme == prependAlways || m.scheme == prependFirst && n.start(w) == 0) {
		prefix = m.mark
	}
	if prefix == "" && bytes.IndexByte(word, ' ') < 0 {
		return w
	}
	if bytes.IndexByte(word, ' ') < 0 {
		return n.prepended(w, prefix)
	}
	return n.replaceSpaces(w, prefix, m.mark)
}

func (n *normalized) replaceSpaces(w span, prefix, mark string) span {
	n.misalign(w.end - w.start)
	start := len(n.text)
	for _, r := range prefix {
		n.put(r, n.origin[w.start])
	}
	r, _ := utf8.DecodeRuneInString(mark)
	for i := w.start; i < w.end; i++ {
		if n.text[i] == ' ' {
			n.put(r, n.origin[i])
			continue
		}
		n.putByte(n.text[i], n.origin[i])
	}
	return span{start, len(n.text)}
}

package tokenizer

import "unicode/utf8"

// byteLevel is GPT-2's pre-tokenizer. What follows it works on bytes; its names for bytes (Ġ for a space) are for files.
type byteLevel struct {
	prefix bool      // put a space before a word that has none
	words  *splitter // nil where the words are cut already
}

func (b *byteLevel) split(words []span, n *normalized, within span) []span {
	if b.prefix && n.text[within.start] != ' ' {
		within = n.prepended(within, " ")
	}
	if b.words == nil {
		return append(words, within)
	}
	return b.words.split(words, n, within)
}

// prepended is the word w with a prefix, which takes the place of the word's first character. The new word is put behind
// all others.
func (n *normalized) prepended(w span, prefix string) span {
	n.misalign(len(prefix) + w.end - w.start)
	start := len(n.text)
	for _, r := range prefix {
		n.put(r, n.origin[w.start])
	}
	n.text = append(n.text, n.text[w.start:w.end]...)
	n.origin = append(n.origin, n.origin[w.start:w.end]...)
	return span{start, len(n.text)}
}

// byteNames are the characters that stand for bytes in the files of byte-level models: printable Latin-1 characters for
// themselves, the other bytes in order from U+0100 on.
type byteNames struct {
	runes [256]rune
	bytes map[rune]byte
}

func newByteNames() *byteNames {
	b := &byteNames{bytes: make(map[rune]byte, 256)}
	next := rune(0x100)
	for c := range b.runes {
		r := rune(c)
		if c <= ' ' || 0x7F <= c && c <= 0xA0 || c == 0xAD {
			r = next
			next++
		}
		b.runes[c], b.bytes[r] = r, byte(c)
	}
	return b
}

// decode is the bytes that a token stands for; ok is false where one of its characters stands for none.
func (b *byteNames) decode(dst []byte, token string) (_ []byte, ok bool) {
	start := len(dst)
	for _, r := range token {
		c, ok := b.bytes[r]
		if !ok {
			return dst[:start], false
		}
		dst = append(dst, c)
	}
	return dst, true
}

// byteCutter cuts where byte-level tokenizers begin afresh: before a space between two ASCII letters. No normal form
// reaches across it.
type byteCutter struct{}

func (byteCutter) cut(text string) int {
	for i := pieceSize; i+1 < len(text); i++ {
		if text[i] == ' ' && isASCIILetter(text[i-1]) && isASCIILetter(text[i+1]) {
			return i
		}
	}
	return len(text)
}

func isASCIILetter(c byte) bool {
	return c < utf8.RuneSelf && 'a' <= c|0x20 && c|0x20 <= 'z'
}

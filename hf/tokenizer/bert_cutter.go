package tokenizer

import "unicode/utf8"

// pieceSize keeps the scratch of a piece in the nearest cache, and most text on the ASCII path.
const pieceSize = 1 << 10

// bertCutter cuts where bertNormalizer and bertPreTokenizer both begin afresh, so that a text of any length is done in
// small pieces: after a space, after ASCII punctuation and, where they are set apart, after an ideograph. There no
// word goes on, and no combining character moves across.
type bertCutter struct {
	chinese bool
	classes *classes
}

// cut is the length of the first piece of text: about pieceSize, or more where a word is longer.
func (b *bertCutter) cut(text string) int {
	i := pieceSize
	for i < len(text) && !utf8.RuneStart(text[i]) {
		i++
	}
	for i < len(text) {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		i += size
		if b.between(r) {
			return i
		}
	}
	return len(text)
}

func (b *bertCutter) between(r rune) bool {
	if r < utf8.RuneSelf {
		k := b.classes.of(r)
		return k == space || k == punct
	}
	return b.chinese && isChinese(r)
}

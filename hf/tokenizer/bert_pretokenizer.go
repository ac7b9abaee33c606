package tokenizer

import "unicode/utf8"

// bertPreTokenizer splits at white space and makes each punctuation character a word of its own.
type bertPreTokenizer struct{ classes *classes }

func (p *bertPreTokenizer) split(words []span, n *normalized, within span) []span {
	text := n.text
	start, i := within.start, within.start
	for i < within.end {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:within.end])
		}
		k := p.classes.of(r) & (space | punct)
		if k == noClass {
			i += size
			continue
		}
		if start < i {
			words = append(words, span{start, i})
		}
		if k == punct {
			words = append(words, span{i, i + size})
		}
		i += size
		start = i
	}
	if start < within.end {
		words = append(words, span{start, within.end})
	}
	return words
}

package tokenizer

import (
	"math"

	"searchd/hf"
)

// bpe joins the characters of a word, or its bytes, pair by pair: of all neighbours that may be joined always the pair
// that was joined first when the vocabulary was made, and of equal ones the leftmost. (Sennrich et al., "Neural Machine
// Translation of Rare Words with Subword Units", 2016.)
type bpe struct {
	ids    map[string]int32
	merges map[pair]merge

	byteLevel bool
	bytes     [notFirst + isLast + 1][256]int32 // byte-level: the tokens of bytes, by their place in a word
	whole     map[string]int32                  // words that are tokens as they stand; nil where merges alone decide

	prefix, suffix string // of a token within a word, and at its end
	unknown        int32  // noToken for none
	fuseUnknown    bool
	fallback       *[256]int32 // tokens of the bytes of an unknown character; nil for none
}

// Places in a word, which may be both.
const (
	notFirst = 1 << iota
	isLast
)

type pair struct{ left, right int32 }

type merge struct{ rank, id int32 }

// noMerge is the rank of two symbols that are not to be joined.
const noMerge = math.MaxInt32

// symbol is a part of a word on its way to be a token.
type symbol struct {
	id         int32
	start, end int32 // within the word
	next       merge // what joining it with the following symbol gives
}

// tokenize appends the tokens of the word w. A word of n characters costs at most n log n merges.
func (m *bpe) tokenize(dst []hf.Token, s *scratch, w span) []hf.Token {
	word := s.norm.text[w.start:w.end]
	if id, ok := m.whole[string(word)]; ok {
		return append(dst, s.norm.byteToken(id, w))
	}
	if m.byteLevel {
		s.symbols = m.byteSymbols(s.symbols[:0], word)
	} else {
		s.symbols = m.charSymbols(s.symbols[:0], word)
	}
	if len(s.symbols) <= shortWord {
		s.symbols = m.joinShort(s.symbols)
	} else {
		s.symbols = m.joinLong(s.symbols, &s.queue)
	}
	for _, x := range s.symbols {
		dst = append(dst, s.norm.byteToken(x.id, span{w.start + int(x.start), w.start + int(x.end)}))
	}
	return dst
}

func (m *bpe) byteSymbols(dst []symbol, word []byte) []symbol {
	for i, c := range word {
		at := 0
		if i > 0 {
			at = notFirst
		}
		if i == len(word)-1 {
			at |= isLast
		}
		dst = m.add(dst, m.bytes[at][c], span{i, i + 1})
	}
	return dst
}

func (m *bpe) charSymbols(dst []symbol, word []byte) []symbol {
	var buf [2 * maxAffix]byte
	for i := 0; i < len(word); {
		size := runeSize(word[i])
		token := buf[:0]
		if i > 0 {
			token = append(token, m.prefix...)
		}
		token = append(token, word[i:i+size]...)
		if i+size == len(word) {
			token = append(token, m.suffix...)
		}
		id, ok := m.ids[string(token)]
		switch {
		case ok:
			dst = m.add(dst, id, span{i, i + size})
		case m.fallback != nil:
			for j := range size {
				dst = m.add(dst, m.fallback[word[i+j]], span{i + j, i + j + 1})
			}
		default:
			dst = m.add(dst, noToken, span{i, i + size})
		}
		i += size
	}
	return dst
}

// add appends a symbol; noToken is the unknown one.
func (m *bpe) add(dst []symbol, id int32, at span) []symbol {
	last := len(dst) - 1
	if id == noToken {
		id = m.unknown
		if m.fuseUnknown && last >= 0 && dst[last].id == id {
			dst[last].end = int32(at.end)
			return dst
		}
	}
	if last >= 0 {
		dst[last].next = m.merge(dst[last].id, id)
	}
	return append(dst, symbol{id: id, start: int32(at.start), end: int32(at.end), next: merge{rank: noMerge}})
}

func (m *bpe) merge(left, right int32) merge {
	if x, ok := m.merges[pair{left, right}]; ok {
		return x
	}
	return merge{rank: noMerge}
}

// shortWord is how many symbols are quicker to look through than to keep in order.
const shortWord = 48

// joinShort joins what may be joined, looking at all symbols for each.
func (m *bpe) joinShort(s []symbol) []symbol {
	for {
		best, rank := 0, int32(noMerge)
		for i := range s {
			if s[i].next.rank < rank {
				best, rank = i, s[i].next.rank
			}
		}
		if rank == noMerge {
			return s
		}
		s[best].id, s[best].end = s[best].next.id, s[best+1].end
		s = append(s[:best+1], s[best+2:]...)
		s[best].next = merge{rank: noMerge}
		if best+1 < len(s) {
			s[best].next = m.merge(s[best].id, s[best+1].id)
		}
		if best > 0 {
			s[best-1].next = m.merge(s[best-1].id, s[best].id)
		}
	}
}

// nameOfByte is the token of a byte, such as <0x0A>.
func nameOfByte(c byte) string {
	const digits = "0123456789ABCDEF"
	return "<0x" + digits[c>>4:c>>4+1] + digits[c&15:c&15+1] + ">"
}

// maxAffix is how long a prefix and a suffix of tokens may be together, with a character.
const maxAffix = 64

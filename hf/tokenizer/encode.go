package tokenizer

import (
	"math"

	"searchd/hf"
)

// Encode is the ids of a text with the special tokens that the model wants around it. Where they are more than limit,
// the text's end is cut off; a limit of 0 is none. Special tokens are never cut off. A long text is read as far as the
// limit wants it, where the kind of tokenizer allows.
func (t *Tokenizer) Encode(text string, limit int) (ids []int32, truncated bool) {
	room := math.MaxInt - 1
	if limit > 0 {
		room = max(limit-specials(t.around.single), 0)
	}
	a := t.appendFirst(nil, text, room+1)
	if len(a) > room {
		a, truncated = a[:room], true
	}
	ids, _ = fill(t.around.single, a, nil)
	return ids, truncated
}

// EncodePair is the ids of two texts with special tokens around and between them, and for each the type that tells the
// texts apart. Where they are more than limit, the end of the longer text is cut off, and of both where that is not
// enough; a limit of 0 is none. Special tokens are never cut off.
func (t *Tokenizer) EncodePair(a, b string, limit int) (ids, types []int32, truncated bool) {
	x, y := t.Tokenize(a), t.Tokenize(b)
	if room := limit - specials(t.around.pair); limit > 0 && len(x)+len(y) > room {
		n, m := shares(len(x), len(y), max(room, 0))
		x, y, truncated = x[:n], y[:m], true
	}
	ids, types = fill(t.around.pair, x, y)
	return ids, types, truncated
}

// shares is how many tokens two texts of n and m tokens, more than room together, may keep: the reference's
// "longest_first".
func shares(n, m, room int) (int, int) {
	if n > m {
		m, n = shares(m, n, room)
		return n, m
	}
	if 2*n <= room {
		return n, room - n
	}
	return room / 2, room - room/2
}

func fill(slots []slot, a, b []hf.Token) (ids, types []int32) {
	n := specials(slots) + len(a) + len(b)
	ids, types = make([]int32, 0, n), make([]int32, 0, n)
	for _, s := range slots {
		before := len(ids)
		switch s.text {
		case noText:
			ids = append(ids, s.ids...)
		case 0:
			ids = appendIDs(ids, a)
		default:
			ids = appendIDs(ids, b)
		}
		for range len(ids) - before {
			types = append(types, s.typeID)
		}
	}
	return ids, types
}

func appendIDs(dst []int32, tokens []hf.Token) []int32 {
	for _, t := range tokens {
		dst = append(dst, t.ID)
	}
	return dst
}

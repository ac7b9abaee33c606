package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// clusterPart is what a character does in a grapheme cluster. (Unicode Standard Annex 29.)
type clusterPart uint8

const (
	isBase   clusterPart = iota
	extends              // belongs to the character before
	prepends             // belongs to the character after
	controls             // stands alone
)

type clusterRange struct {
	first, last rune
	part        clusterPart
}

// clusterPartOf is measured on the reference (see tables.go).
func clusterPartOf(r rune) clusterPart {
	if r < 0x300 {
		if r < ' ' || 0x7F <= r && r < 0xA0 || r == 0xAD {
			return controls
		}
		return isBase
	}
	i, found := slices.BinarySearchFunc(clusterRanges[:], r, func(x clusterRange, r rune) int {
		return compareRange(x.first, x.last, r)
	})
	if !found {
		return isBase
	}
	return clusterRanges[i].part
}

// clusterEnd is the end of the grapheme cluster at text[i]. The rules that make clusters of flags, of Hangul and of
// emoji are left out: what they join is longer than the clusters that anybody looks up.
func clusterEnd(text []byte, i int) int {
	if i+1 < len(text) && text[i] < utf8.RuneSelf && text[i+1] < utf8.RuneSelf && text[i] != '\r' {
		return i + 1
	}
	r, size := utf8.DecodeRune(text[i:])
	i += size
	part := clusterPartOf(r)
	if part == controls {
		if r == '\r' && i < len(text) && text[i] == '\n' {
			i++
		}
		return i
	}
	for i < len(text) {
		r, size := utf8.DecodeRune(text[i:])
		next := clusterPartOf(r)
		if next == controls || next != extends && part != prepends {
			break
		}
		i += size
		part = next
	}
	return i
}

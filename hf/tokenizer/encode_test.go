package tokenizer

import (
	"slices"
	"strings"
	"testing"
)

// TestEncodeLong cuts a text that is done in pieces: the first ids are those of the whole.
func TestEncodeLong(t *testing.T) {
	text := strings.Repeat(english+"[SEP]<mask>   ", 200)
	for _, name := range trained {
		tok := parseConfig(t, readConfig(t, name))
		whole, truncated := tok.Encode(text, 0)
		if truncated {
			t.Errorf("%s: truncated without a limit", name)
		}
		special := specials(tok.around.single)
		for _, limit := range []int{special, 7, 512, 5000, len(whole) - 1, len(whole)} {
			got, truncated := tok.Encode(text, limit)
			text := limit - special
			after := tok.around.single[len(tok.around.single)-1].ids
			want := slices.Concat(whole[:special-len(after)+text], after)
			if !slices.Equal(got, want) || truncated != (limit < len(whole)) {
				t.Errorf("%s: %d ids, truncated %v, for a limit of %d of %d", name, len(got), truncated, limit, len(whole))
			}
		}
	}
}

// TestShares are the shares of two texts of n and m tokens.
func TestShares(t *testing.T) {
	for _, c := range []struct{ n, m, room, first, second int }{
		{10, 10, 19, 9, 10}, {10, 11, 19, 9, 10}, {11, 10, 19, 10, 9}, {3, 100, 20, 3, 17}, {100, 3, 20, 17, 3}, {5, 5, 0, 0, 0}, {0, 9, 4, 0, 4},
	} {
		if first, second := shares(c.n, c.m, c.room); first != c.first || second != c.second {
			t.Errorf("shares(%d, %d, %d) = %d, %d, want %d, %d", c.n, c.m, c.room, first, second, c.first, c.second)
		}
	}
}

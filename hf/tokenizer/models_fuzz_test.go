package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzModels reads texts with every kind of model: ids are of the vocabulary, tokens stand within the text and in
// order, and byte-level tokens give the text back.
func FuzzModels(f *testing.F) {
	var models []*Tokenizer
	for _, name := range trained {
		models = append(models, parseConfig(f, readConfig(f, name)))
	}
	whole := parseConfig(f, readConfig(f, "byte-level"))
	whole.cutter = nil
	for _, s := range []string{english, fuzzText, "<mask> </s", "\xed\xa0\x80", "각\u1100\u1161", "ﬁ\u0301 \u0600x\u0301\r\n½", "I'll   we'\n\n"} {
		f.Add(s, 9)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		long := strings.Repeat(text, 2*pieceSize/(len(text)+1)+1) + " of it"
		if got, want := models[0].Tokenize(long), whole.Tokenize(long); !slices.Equal(got, want) {
			t.Errorf("%q: in pieces %v, whole %v", long, got, want)
		}
		for i, tok := range models {
			tokens := tok.Tokenize(text)
			end := 0
			for j, x := range tokens {
				if x.ID < 0 || int(x.ID) >= tok.VocabSize() || x.Start < 0 || x.Start > x.End || x.End > len(text) || x.End < end {
					t.Fatalf("%s, %q: token %d of %d is %v", trained[i], text, j, len(tokens), x)
				}
				end = x.End
			}
			ids, truncated := tok.Encode(text, 0)
			if got := tok.Decode(ids, true); trained[i] == "byte-level" && utf8.ValidString(text) && !hasAdded(tok, ids) && got != text {
				t.Errorf("%q decoded is %q", text, got)
			}
			if truncated {
				t.Errorf("%s, %q: truncated without a limit", trained[i], text)
			}
			if ids, types, _ := tok.EncodePair(text, "b", limit); len(ids) != len(types) || limit > 6 && len(ids) > limit {
				t.Errorf("%s, %q: %d ids and %d types for a limit of %d", trained[i], text, len(ids), len(types), limit)
			}
		}
	})
}

// hasAdded tells whether the text itself has an added token, around which white space may go.
func hasAdded(tok *Tokenizer, ids []int32) bool {
	for _, id := range ids[1 : len(ids)-1] {
		if tok.addedIDs[id] {
			return true
		}
	}
	return false
}

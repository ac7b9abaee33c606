package tokenizer

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
)

// addedSection is one of added_tokens.
type addedSection struct {
	ID         *int32 `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"` // matters to decoding alone
}

// addTokens fills the matchers of t and what it knows of its tokens.
func (f *file) addTokens(t *Tokenizer, v *vocabulary) error {
	var list []addedSection
	if len(f.added) > 0 {
		if err := json.Unmarshal(f.added, &list, json.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("added_tokens: %w", err)
		}
	}
	t.raw, t.special, t.addedIDs = newMatcher(), map[int32]bool{}, map[int32]bool{}
	next := int32(v.count)
	for i, a := range list {
		if err := t.addToken(a, v, &next); err != nil {
			return fmt.Errorf("added_tokens[%d].%w", i, err)
		}
	}
	t.tokens, t.vocabSize = v.tokens, len(v.tokens)
	t.pad = int32(slices.Index(v.tokens, "[PAD]"))
	if t.pad == noToken {
		t.pad = int32(slices.Index(v.tokens, "<pad>"))
	}
	return nil
}

// addToken adds one token. Like the reference it counts the tokens that the model lacks from next on; unlike it, it
// refuses an id that disagrees.
func (t *Tokenizer) addToken(a addedSection, v *vocabulary, next *int32) error {
	if a.Content == "" || len(a.Content) > maxAdded {
		return fmt.Errorf("content: %d bytes, must be 1 to %d", len(a.Content), maxAdded)
	}
	want := v.find(a.Content)
	if want == noToken {
		want = *next
		*next++
	}
	if a.ID == nil || *a.ID != want {
		return fmt.Errorf("id: of %.100q must be %d, as the vocabulary has it", a.Content, want)
	}
	t.addedIDs[want] = true
	content, m := a.Content, t.raw
	if a.Normalized {
		if t.normal == nil {
			t.normal = newMatcher()
		}
		content, m = t.normalForm(a.Content), t.normal
	}
	v.set(want, content)
	if a.Special && content == a.Content { // the reference does not know the others by their normal form
		t.special[want] = true
	}
	if content == "" {
		return fmt.Errorf("content: nothing of %.100q is left in normal form", a.Content)
	}
	if !m.add(content, addedToken{id: want, singleWord: a.SingleWord, lstrip: a.LStrip, rstrip: a.RStrip}) {
		return fmt.Errorf("content: %.100q is given twice, or two are the same in normal form", a.Content)
	}
	return nil
}

func (t *Tokenizer) normalForm(text string) string {
	var s scratch
	s.norm.reset(0)
	t.normalizer.normalize(&s.norm, &s.order, text)
	return string(s.norm.text)
}

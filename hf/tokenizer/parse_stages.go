package tokenizer

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// stageType reads the type of a section and demands that it be one of the known.
func stageType(section string, v jsontext.Value, known ...string) (string, error) {
	if len(v) == 0 || v.Kind() == 'n' {
		return "", fmt.Errorf("%s: missing; searchd reads %s", section, known[0])
	}
	var s struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(v, &s); err != nil {
		return "", fmt.Errorf("%s: %w", section, err)
	}
	for _, k := range known {
		if s.Type == k {
			return k, nil
		}
	}
	return "", fmt.Errorf("%s.type: %.100q is not supported; searchd reads %s", section, s.Type, known[0])
}

func buildNormalizer(v jsontext.Value, c *classes) (*bertNormalizer, error) {
	if _, err := stageType("normalizer", v, "BertNormalizer"); err != nil {
		return nil, err
	}
	var s struct {
		Type         string `json:"type"`
		CleanText    *bool  `json:"clean_text"`
		Chinese      *bool  `json:"handle_chinese_chars"`
		StripAccents *bool  `json:"strip_accents"`
		Lowercase    *bool  `json:"lowercase"`
	}
	if err := json.Unmarshal(v, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if s.CleanText == nil || s.Chinese == nil || s.Lowercase == nil {
		return nil, errors.New("normalizer: clean_text, handle_chinese_chars and lowercase must be given")
	}
	strip := *s.Lowercase // the reference's default: accents go with case
	if s.StripAccents != nil {
		strip = *s.StripAccents
	}
	b := &bertNormalizer{cleanText: *s.CleanText, chinese: *s.Chinese, stripAccents: strip, lowercase: *s.Lowercase, classes: c}
	b.fillASCII()
	return b, nil
}

func checkPreTokenizer(v jsontext.Value) error {
	if _, err := stageType("pre_tokenizer", v, "BertPreTokenizer"); err != nil {
		return err
	}
	var s struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(v, &s, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("pre_tokenizer: %w", err)
	}
	return nil
}

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

// addTokens fills the matchers of t and its vocabulary size.
func (f *file) addTokens(t *Tokenizer, words *wordPiece) error {
	var list []addedSection
	if len(f.added) > 0 {
		if err := json.Unmarshal(f.added, &list, json.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("added_tokens: %w", err)
		}
	}
	for _, id := range words.ids {
		t.vocabSize = max(t.vocabSize, int(id)+1)
	}
	t.raw = newMatcher()
	next := int32(len(words.ids))
	for i, a := range list {
		if err := t.addToken(a, words, &next); err != nil {
			return fmt.Errorf("added_tokens[%d].%w", i, err)
		}
	}
	return nil
}

// addToken adds one token. Like the reference it counts the tokens that the model lacks from next on; unlike it, it
// refuses an id that disagrees.
func (t *Tokenizer) addToken(a addedSection, words *wordPiece, next *int32) error {
	if a.Content == "" || len(a.Content) > maxAdded {
		return fmt.Errorf("content: %d bytes, must be 1 to %d", len(a.Content), maxAdded)
	}
	want, inModel := words.ids[a.Content]
	if !inModel {
		want = *next
		*next++
	}
	if a.ID == nil || *a.ID != want {
		return fmt.Errorf("id: of %.100q must be %d, as the vocabulary has it", a.Content, want)
	}
	t.vocabSize = max(t.vocabSize, int(want)+1)
	content, m := a.Content, t.raw
	if a.Normalized {
		if t.normal == nil {
			t.normal = newMatcher()
		}
		content, m = t.normalForm(a.Content), t.normal
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

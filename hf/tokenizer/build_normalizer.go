package tokenizer

import (
	"encoding/base64"

	"github.com/go-json-experiment/json/jsontext"
)

func (b *builder) normalizer(v jsontext.Value) (normalizer, error) {
	list, err := flatten("normalizer", "normalizers", v, 0)
	if err != nil {
		return nil, err
	}
	if len(list) == 1 && list[0].kind == "BertNormalizer" {
		return b.bertNormalizer(list[0])
	}
	var all steps
	for _, s := range list {
		x, err := b.step(s)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	return all, nil
}

func (b *builder) step(s section) (step, error) {
	var typed struct {
		Type string `json:"type"`
	}
	switch s.kind {
	case "BertNormalizer":
		return b.bertNormalizer(s)
	case "NFC":
		return &unicodeForm{pairs: newCompositions(), classes: b.classes}, s.read(&typed)
	case "NFD":
		return &unicodeForm{classes: b.classes}, s.read(&typed)
	case "NFKC":
		return &unicodeForm{pairs: newCompositions(), compatible: true, classes: b.classes}, s.read(&typed)
	case "NFKD":
		return &unicodeForm{compatible: true, classes: b.classes}, s.read(&typed)
	case "Lowercase":
		return lowercaser{}, s.read(&typed)
	case "StripAccents":
		return &markStripper{b.classes}, s.read(&typed)
	case "Strip":
		return newSpaceStripper(s)
	case "Prepend":
		return newPrepender(s)
	case "Replace":
		return b.replacer(s)
	case "Precompiled":
		return readCharsmap(s)
	}
	return nil, s.unsupported("BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace, Precompiled and Sequence")
}

func (b *builder) bertNormalizer(s section) (*bertNormalizer, error) {
	var p struct {
		Type         string `json:"type"`
		CleanText    *bool  `json:"clean_text"`
		Chinese      *bool  `json:"handle_chinese_chars"`
		StripAccents *bool  `json:"strip_accents"`
		Lowercase    *bool  `json:"lowercase"`
	}
	if err := s.read(&p); err != nil {
		return nil, err
	}
	if p.CleanText == nil || p.Chinese == nil || p.Lowercase == nil {
		return nil, s.errorf("clean_text, handle_chinese_chars and lowercase must be given")
	}
	strip := *p.Lowercase // the reference's default: accents go with case
	if p.StripAccents != nil {
		strip = *p.StripAccents
	}
	return newBertNormalizer(b.classes, *p.CleanText, *p.Chinese, strip, *p.Lowercase), nil
}

func newBertNormalizer(c *classes, clean, chinese, strip, lower bool) *bertNormalizer {
	n := &bertNormalizer{cleanText: clean, chinese: chinese, stripAccents: strip, lowercase: lower, classes: c}
	n.fillASCII()
	return n
}

func newSpaceStripper(s section) (step, error) {
	var p struct {
		Type  string `json:"type"`
		Left  bool   `json:"strip_left"`
		Right bool   `json:"strip_right"`
	}
	err := s.read(&p)
	return &spaceStripper{p.Left, p.Right}, err
}

func newPrepender(s section) (step, error) {
	var p struct {
		Type    string `json:"type"`
		Prepend string `json:"prepend"`
	}
	err := s.read(&p)
	return prepender(p.Prepend), err
}

func (b *builder) replacer(s section) (*replacer, error) {
	var p struct {
		Type    string  `json:"type"`
		Pattern pattern `json:"pattern"`
		Content string  `json:"content"`
	}
	if err := s.read(&p); err != nil {
		return nil, err
	}
	at, err := b.finder(s, p.Pattern)
	return &replacer{at, p.Content}, err
}

func readCharsmap(s section) (step, error) {
	var p struct {
		Type string `json:"type"`
		Map  string `json:"precompiled_charsmap"`
	}
	if err := s.read(&p); err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(p.Map)
	if err != nil {
		return nil, s.errorf("precompiled_charsmap: %w", err)
	}
	c, err := newCharsmap(data)
	if err != nil {
		return nil, s.errorf("precompiled_charsmap: %w", err)
	}
	return c, nil
}

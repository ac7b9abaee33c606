package tokenizer

import (
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func (b *builder) preTokenizer(v jsontext.Value) (preTokenizer, error) {
	list, err := flatten("pre_tokenizer", "pretokenizers", v, 0)
	if err != nil {
		return nil, err
	}
	var all sequence
	for _, s := range list {
		if b.byteLevel {
			return nil, s.errorf("must not come after ByteLevel")
		}
		p, err := b.preTokenizerPart(s)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (b *builder) preTokenizerPart(s section) (preTokenizer, error) {
	var typed struct {
		Type string `json:"type"`
	}
	switch s.kind {
	case "BertPreTokenizer":
		return &bertPreTokenizer{b.classes}, s.read(&typed)
	case "Whitespace":
		return &splitter{at: wordFinder{}, behavior: dropped, invert: true}, s.read(&typed)
	case "WhitespaceSplit":
		return &splitter{at: charFinder(unicode.IsSpace), behavior: dropped}, s.read(&typed)
	case "Punctuation":
		return b.punctuation(s)
	case "Digits":
		return newDigits(s)
	case "CharDelimiterSplit":
		return newDelimiter(s)
	case "Split":
		return b.splitAt(s)
	case "Metaspace":
		return newMetaspace(s)
	case "ByteLevel":
		return b.newByteLevel(s)
	}
	return nil, s.unsupported("BertPreTokenizer, ByteLevel, Metaspace, Whitespace, WhitespaceSplit, Punctuation, Digits, Split, CharDelimiterSplit and Sequence")
}

// parseBehavior reads the name of a behavior.
func parseBehavior(s section, name string) (behavior, error) {
	switch name {
	case "Removed":
		return dropped, nil
	case "Isolated":
		return isolated, nil
	case "MergedWithPrevious":
		return mergedWithPrevious, nil
	case "MergedWithNext":
		return mergedWithNext, nil
	case "Contiguous":
		return contiguous, nil
	}
	return 0, s.errorf("behavior: %.100q is not supported", name)
}

func (b *builder) punctuation(s section) (preTokenizer, error) {
	p := struct {
		Type     string `json:"type"`
		Behavior string `json:"behavior"`
	}{Behavior: "Isolated"}
	if err := s.read(&p); err != nil {
		return nil, err
	}
	how, err := parseBehavior(s, p.Behavior)
	is := func(r rune) bool { return b.classes.of(r)&punct != 0 }
	return &splitter{at: charFinder(is), behavior: how}, err
}

func newDigits(s section) (preTokenizer, error) {
	var p struct {
		Type       string `json:"type"`
		Individual bool   `json:"individual_digits"`
	}
	how := contiguous
	err := s.read(&p)
	if p.Individual {
		how = isolated
	}
	return &splitter{at: charFinder(isDigit), behavior: how}, err
}

func newDelimiter(s section) (preTokenizer, error) {
	var p struct {
		Type      string `json:"type"`
		Delimiter string `json:"delimiter"`
	}
	if err := s.read(&p); err != nil {
		return nil, err
	}
	if p.Delimiter == "" {
		return nil, s.errorf("delimiter: missing")
	}
	return &splitter{at: literal(p.Delimiter), behavior: dropped}, nil
}

func (b *builder) splitAt(s section) (preTokenizer, error) {
	var p struct {
		Type     string  `json:"type"`
		Pattern  pattern `json:"pattern"`
		Behavior string  `json:"behavior"`
		Invert   bool    `json:"invert"`
	}
	if err := s.read(&p); err != nil {
		return nil, err
	}
	how, err := parseBehavior(s, p.Behavior)
	if err != nil {
		return nil, err
	}
	at, err := b.finder(s, p.Pattern)
	return &splitter{at, how, p.Invert}, err
}

// metaspaceSection is a Metaspace, of a pre-tokenizer or a decoder. Older files have add_prefix_space.
type metaspaceSection struct {
	Type           string `json:"type"`
	Replacement    string `json:"replacement"`
	StrRep         string `json:"str_rep"`
	AddPrefixSpace *bool  `json:"add_prefix_space"`
	PrependScheme  string `json:"prepend_scheme"`
	Split          *bool  `json:"split"`
}

func readMetaspace(s section) (mark string, scheme prependScheme, split bool, err error) {
	var p metaspaceSection
	if err = s.read(&p); err != nil {
		return "", 0, false, err
	}
	if utf8.RuneCountInString(p.Replacement) != 1 {
		return "", 0, false, s.errorf("replacement: %.100q is not one character", p.Replacement)
	}
	switch p.PrependScheme {
	case "always":
	case "first":
		scheme = prependFirst
	case "never":
		scheme = prependNever
	case "":
		if p.AddPrefixSpace != nil && !*p.AddPrefixSpace {
			scheme = prependNever
		}
	default:
		err = s.errorf("prepend_scheme: %.100q is not supported", p.PrependScheme)
	}
	return p.Replacement, scheme, p.Split == nil || *p.Split, err
}

func newMetaspace(s section) (preTokenizer, error) {
	mark, scheme, split, err := readMetaspace(s)
	if err != nil {
		return nil, err
	}
	m := &metaspace{mark: mark, scheme: scheme}
	if split {
		m.words = &splitter{at: literal(mark), behavior: mergedWithNext}
	}
	return m, nil
}

func (b *builder) newByteLevel(s section) (preTokenizer, error) {
	p := struct {
		Type           string `json:"type"`
		AddPrefixSpace bool   `json:"add_prefix_space"`
		TrimOffsets    bool   `json:"trim_offsets"` // a matter of the post-processor
		UseRegex       bool   `json:"use_regex"`
	}{UseRegex: true}
	if err := s.read(&p); err != nil {
		return nil, err
	}
	b.byteLevel = true
	l := &byteLevel{prefix: p.AddPrefixSpace}
	if p.UseRegex {
		l.words = &splitter{at: &gpt2Finder{b.kinds()}, behavior: isolated}
	}
	return l, nil
}

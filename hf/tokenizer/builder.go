package tokenizer

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// builder makes the stages of a tokenizer of the sections of a tokenizer.json.
type builder struct {
	classes   *classes
	letters   *kinds // made when first wanted
	byteLevel bool   // the pre-tokenizer leaves bytes
}

func (b *builder) kinds() *kinds {
	if b.letters == nil {
		b.letters = newKinds()
	}
	return b.letters
}

// section is a part of a tokenizer.json, with the name that errors give it.
type section struct {
	name  string
	kind  string // its type, "" where it is missing
	value jsontext.Value
}

// maxNesting is how deep sections may stand within sections.
const maxNesting = 8

func readKind(name string, v jsontext.Value) (section, error) {
	s := section{name: name, value: v}
	if len(v) == 0 || v.Kind() == 'n' {
		return s, nil
	}
	var of struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(v, &of); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	if of.Type == "" {
		return s, fmt.Errorf("%s.type: missing", name)
	}
	s.kind = of.Type
	return s, nil
}

// read reads the members of a section, of which none may be unknown. The type is a member.
func (s section) read(dst any) error {
	if err := json.Unmarshal(s.value, dst, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

func (s section) errorf(format string, args ...any) error {
	return fmt.Errorf(s.name+": "+format, args...)
}

func (s section) unsupported(known string) error {
	return fmt.Errorf("%s.type: %.100q is not supported; searchd reads %s", s.name, s.kind, known)
}

// flatten is a section as a list: the parts of a Sequence, which has them as a member, and theirs.
func flatten(name, member string, v jsontext.Value, depth int) ([]section, error) {
	s, err := readKind(name, v)
	if err != nil || s.kind == "" {
		return nil, err
	}
	if s.kind != "Sequence" {
		return []section{s}, nil
	}
	if depth == maxNesting {
		return nil, s.errorf("sequences within sequences, more than %d deep", maxNesting)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(v, &members); err != nil {
		return nil, s.errorf("%w", err)
	}
	var parts []jsontext.Value
	if err := json.Unmarshal(members[member], &parts); err != nil {
		return nil, fmt.Errorf("%s.%s: %w", name, member, err)
	}
	var list []section
	for i, p := range parts {
		inner, err := flatten(fmt.Sprintf("%s.%s[%d]", name, member, i), member, p, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, inner...)
	}
	return list, nil
}

// pattern is what a Split or a Replace is made at.
type pattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

// finder is the finder of a pattern: a string or a regular expression that is known.
func (b *builder) finder(s section, p pattern) (finder, error) {
	switch {
	case p.String != nil && *p.String != "":
		return literal(*p.String), nil
	case p.Regex != nil:
		if f := knownPattern(*p.Regex, b.kinds()); f != nil {
			return f, nil
		}
		return nil, s.errorf("pattern: the regular expression %.300q is not supported", *p.Regex)
	}
	return nil, s.errorf("pattern: must be a string that is not empty, or a regular expression")
}

// cutter is where a text may be cut for t, nil for nowhere.
func (b *builder) cutter(t *Tokenizer) cutter {
	if n, ok := t.normalizer.(*bertNormalizer); ok {
		if _, ok := t.pre.(*bertPreTokenizer); ok {
			return &bertCutter{n.chinese, b.classes}
		}
		return nil
	}
	if !b.byteLevel {
		return nil
	}
	for _, s := range t.normalizer.(steps) {
		switch s.(type) {
		case *unicodeForm, lowercaser, *markStripper:
		default:
			return nil
		}
	}
	if cutsWords(t.pre) {
		return byteCutter{}
	}
	return nil
}

// cutsWords tells whether a pre-tokenizer begins with a pattern of GPT-2's kind, which cuts before a space.
func cutsWords(p preTokenizer) bool {
	if list, ok := p.(sequence); ok && len(list) > 0 {
		p = list[0]
	}
	words, ok := p.(*splitter)
	if b, isBytes := p.(*byteLevel); isBytes {
		words, ok = b.words, b.words != nil
	}
	if !ok || words.invert || words.behavior != isolated {
		return false
	}
	switch words.at.(type) {
	case *gpt2Finder, *llama3Finder:
		return true
	}
	return false
}

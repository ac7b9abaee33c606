package tokenizer

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits on a tokenizer.json. Real ones stay far below; a hostile one costs no more than these allow.
const (
	maxFile      = 256 << 20 // bytes of JSON
	maxAdded     = 1 << 10   // bytes of an added token
	maxWordChars = 1 << 10   // max_input_chars_per_word
)

// file is a tokenizer.json with its large part, the vocabulary, read already.
type file struct {
	added, normalizer, preTokenizer, postProcessor, decoder jsontext.Value

	model *modelSection
}

// Parse reads a tokenizer.json. An unsupported or broken one is an error that names the field. It costs memory in
// proportion to the JSON.
func Parse(json []byte) (*Tokenizer, error) {
	t, err := parse(json)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	return t, nil
}

func parse(json []byte) (*Tokenizer, error) {
	if len(json) > maxFile {
		return nil, fmt.Errorf("%d bytes, but at most %d are read", len(json), maxFile)
	}
	f, err := readFile(json)
	if err != nil {
		return nil, err
	}
	return f.build()
}

func readFile(json []byte) (*file, error) {
	// The vocabulary looks for duplicates itself, which is quicker; object does for the top level.
	dec := jsontext.NewDecoder(bytes.NewBuffer(json), jsontext.AllowDuplicateNames(true))
	f := new(file)
	err := object(dec, func(name string) error { return f.field(dec, name) })
	if err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value; give the file as published")
	}
	return f, nil
}

// object calls field for each name of the object that dec stands before; field reads the value.
func object(dec *jsontext.Decoder, field func(name string) error) error {
	if k := dec.PeekKind(); k != '{' && k != 0 {
		return fmt.Errorf("not a JSON object but %v", k)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for dec.PeekKind() == '"' {
		tok, err := dec.ReadToken()
		if err != nil {
			return err
		}
		name := tok.String()
		if seen[name] {
			return fmt.Errorf("%.100q: given twice", name)
		}
		seen[name] = true
		if err := field(name); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func (f *file) field(dec *jsontext.Decoder, name string) error {
	switch name {
	case "truncation", "padding": // not our business
		return dec.SkipValue()
	case "version":
		return readVersion(dec)
	case "added_tokens":
		return readSection(dec, &f.added)
	case "normalizer":
		return readSection(dec, &f.normalizer)
	case "pre_tokenizer":
		return readSection(dec, &f.preTokenizer)
	case "post_processor":
		return readSection(dec, &f.postProcessor)
	case "decoder":
		return readSection(dec, &f.decoder)
	case "model":
		f.model = new(modelSection)
		if err := f.model.read(dec); err != nil {
			return fmt.Errorf("model: %w", err)
		}
		return nil
	}
	return fmt.Errorf("%.100q: unknown field; searchd reads version 1.0 of the format", name)
}

func readSection(dec *jsontext.Decoder, dst *jsontext.Value) error {
	v, err := dec.ReadValue()
	*dst = v.Clone()
	return err
}

func readVersion(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err == nil && string(v) != `"1.0"` {
		return fmt.Errorf("version: %.100s is not supported; searchd reads \"1.0\"", v)
	}
	return err
}

// build makes the stages out of the sections.
func (f *file) build() (*Tokenizer, error) {
	if f.model == nil {
		return nil, errors.New("model: missing")
	}
	b := &builder{classes: newClasses()}
	t := new(Tokenizer)
	var err error
	if t.normalizer, err = b.normalizer(f.normalizer); err != nil {
		return nil, err
	}
	if t.pre, err = b.preTokenizer(f.preTokenizer); err != nil {
		return nil, err
	}
	words, vocabulary, err := f.model.build(b.byteLevel)
	if err != nil {
		return nil, fmt.Errorf("model.%w", err)
	}
	t.model = words
	if err := f.addTokens(t, vocabulary); err != nil {
		return nil, err
	}
	if t.decoder, err = b.decoder(f.decoder); err != nil {
		return nil, err
	}
	if t.normal == nil { // a token of the normal form may hold spaces, and must not be cut
		t.cutter = b.cutter(t)
	}
	return t, f.readSpecial(t)
}

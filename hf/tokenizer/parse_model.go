package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// modelSection is the model of a tokenizer.json as it stands there.
type modelSection struct {
	unknown, prefix *string
	maxChars        *int

	text    []byte // the tokens, one after another
	entries []entry
	hasList bool
}

// entry is the token text[start:end].
type entry struct {
	start, end int
	id         int32
}

func (m *modelSection) read(dec *jsontext.Decoder) error {
	return object(dec, func(name string) error {
		if err := m.field(dec, name); err != nil {
			return fmt.Errorf("%.100s: %w", name, err)
		}
		return nil
	})
}

func (m *modelSection) field(dec *jsontext.Decoder, name string) (err error) {
	switch name {
	case "type":
		kind, err := readString(dec)
		if err == nil && kind != "WordPiece" {
			err = fmt.Errorf("%.100q is not supported; searchd reads WordPiece", kind)
		}
		return err
	case "unk_token":
		m.unknown = new(string)
		*m.unknown, err = readString(dec)
		return err
	case "continuing_subword_prefix":
		m.prefix = new(string)
		*m.prefix, err = readString(dec)
		return err
	case "max_input_chars_per_word":
		m.maxChars = new(int)
		*m.maxChars, err = readInt(dec, maxWordChars)
		return err
	case "vocab":
		m.hasList = true
		return m.readVocabulary(dec)
	}
	return errors.New("unknown field; searchd reads WordPiece models")
}

// readVocabulary reads the object of tokens and ids. It allocates nothing a token.
func (m *modelSection) readVocabulary(dec *jsontext.Decoder) error {
	if k := dec.PeekKind(); k != '{' && k != 0 {
		return fmt.Errorf("not a JSON object but %v", k)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadValue()
		if err != nil {
			return err
		}
		start := len(m.text)
		if m.text, err = jsontext.AppendUnquote(m.text, name); err != nil {
			return err
		}
		id, err := readInt(dec, math.MaxInt32-1)
		if err != nil {
			return fmt.Errorf("%.100q: %w", m.text[start:], err)
		}
		m.entries = append(m.entries, entry{start, len(m.text), int32(id)})
	}
	_, err := dec.ReadToken()
	return err
}

func readString(dec *jsontext.Decoder) (string, error) {
	if k := dec.PeekKind(); k != '"' && k != 0 {
		return "", fmt.Errorf("not a JSON string but %v", k)
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return "", err
	}
	return tok.String(), nil
}

// readInt reads a whole number from 0 to limit.
func readInt(dec *jsontext.Decoder, limit int) (int, error) {
	v, err := dec.ReadValue()
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(v))
	if err != nil || n < 0 || n > limit {
		return 0, fmt.Errorf("%.40s is not a whole number from 0 to %d", v, limit)
	}
	return n, nil
}

// build makes the model; its errors begin with a field's name.
func (m *modelSection) build() (*wordPiece, error) {
	if err := m.missing(); err != nil {
		return nil, err
	}
	w := &wordPiece{
		ids:      make(map[string]int32, len(m.entries)),
		inner:    make(map[string]int32, len(m.entries)/4),
		maxChars: *m.maxChars,
	}
	text := string(m.text)
	for _, e := range m.entries {
		token := text[e.start:e.end]
		w.ids[token] = e.id
		w.longest = max(w.longest, len(token))
		if rest, ok := strings.CutPrefix(token, *m.prefix); ok {
			w.inner[rest] = e.id
		}
	}
	if len(w.ids) != len(m.entries) {
		return nil, fmt.Errorf("vocab: %d tokens are given twice; give the file as published", len(m.entries)-len(w.ids))
	}
	id, ok := w.ids[*m.unknown]
	if !ok {
		return nil, fmt.Errorf("unk_token: %.100q is not in the vocabulary", *m.unknown)
	}
	w.unknown = id
	return w, nil
}

func (m *modelSection) missing() error {
	switch {
	case !m.hasList:
		return errors.New("vocab: missing")
	case m.unknown == nil:
		return errors.New("unk_token: missing")
	case m.prefix == nil:
		return errors.New("continuing_subword_prefix: missing")
	case m.maxChars == nil:
		return errors.New("max_input_chars_per_word: missing")
	}
	return nil
}

package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// modelSection is the model of a tokenizer.json as it stands there.
type modelSection struct {
	kind             string
	unknown          *string
	unknownID        *int
	prefix, suffix   string
	hasPrefix        bool
	maxChars         *int
	fuse, fallback   bool
	ignoreMerges     bool
	fields           []string
	text             []byte // the tokens and merges, one after another
	entries          []entry
	scores           []float64 // of the entries, where the vocabulary is a list
	merges           []mergeEntry
	hasVocab, scored bool
}

// entry is the token text[start:end].
type entry struct {
	start, end int
	id         int32
}

// mergeEntry are the tokens text[left.start:left.end] and text[right.start:right.end].
type mergeEntry struct{ left, right span }

// modelFields are the members of each kind of model.
func modelFields(kind string) []string {
	switch kind {
	case "WordPiece":
		return []string{"type", "vocab", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word"}
	case "BPE":
		return []string{"type", "vocab", "merges", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "dropout",
			"fuse_unk", "byte_fallback", "ignore_merges"}
	case "Unigram":
		return []string{"type", "vocab", "unk_id", "byte_fallback"}
	}
	return nil
}

func (m *modelSection) read(dec *jsontext.Decoder) error {
	err := object(dec, func(name string) error {
		m.fields = append(m.fields, name)
		if err := m.field(dec, name); err != nil {
			return fmt.Errorf("%.100s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if m.kind == "" { // older files
		m.kind = m.guess()
	}
	known := modelFields(m.kind)
	for _, name := range m.fields {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%.100s: unknown field of a %s model", name, m.kind)
		}
	}
	return nil
}

func (m *modelSection) guess() string {
	switch {
	case m.scored:
		return "Unigram"
	case slices.Contains(m.fields, "merges"):
		return "BPE"
	}
	return "WordPiece"
}

func (m *modelSection) field(dec *jsontext.Decoder, name string) (err error) {
	switch name {
	case "type":
		m.kind, err = readString(dec)
		if err == nil && modelFields(m.kind) == nil {
			err = fmt.Errorf("%.100q is not supported; searchd reads WordPiece, BPE and Unigram", m.kind)
		}
		return err
	case "vocab":
		m.hasVocab = true
		if dec.PeekKind() == '[' {
			m.scored = true
			return m.readScored(dec)
		}
		return m.readVocabulary(dec)
	case "merges":
		return m.readMerges(dec)
	}
	if dec.PeekKind() == 'n' { // as if it were not there
		return dec.SkipValue()
	}
	return m.setting(dec, name)
}

// setting reads the fields of one value.
func (m *modelSection) setting(dec *jsontext.Decoder, name string) (err error) {
	switch name {
	case "unk_token":
		m.unknown = new(string)
		*m.unknown, err = readString(dec)
	case "unk_id":
		m.unknownID = new(int)
		*m.unknownID, err = readInt(dec, math.MaxInt32-1)
	case "continuing_subword_prefix":
		m.hasPrefix = true
		m.prefix, err = readString(dec)
	case "end_of_word_suffix":
		m.suffix, err = readString(dec)
	case "max_input_chars_per_word":
		m.maxChars = new(int)
		*m.maxChars, err = readInt(dec, maxWordChars)
	case "fuse_unk":
		m.fuse, err = readBool(dec)
	case "byte_fallback":
		m.fallback, err = readBool(dec)
	case "ignore_merges":
		m.ignoreMerges, err = readBool(dec)
	case "dropout":
		err = readNoDropout(dec)
	default:
		err = errors.New("unknown field; searchd reads WordPiece, BPE and Unigram models")
	}
	return err
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
		token, err := m.readText(dec)
		if err != nil {
			return err
		}
		id, err := readInt(dec, math.MaxInt32-1)
		if err != nil {
			return fmt.Errorf("%.100q: %w", m.text[token.start:], err)
		}
		m.entries = append(m.entries, entry{token.start, token.end, int32(id)})
	}
	_, err := dec.ReadToken()
	return err
}

// readScored reads the list of tokens and scores.
func (m *modelSection) readScored(dec *jsontext.Decoder) error {
	return array(dec, func() error {
		id := int32(len(m.entries))
		n := 0
		err := array(dec, func() error {
			n++
			switch n {
			case 1:
				token, err := m.readText(dec)
				m.entries = append(m.entries, entry{token.start, token.end, id})
				return err
			case 2:
				score, err := readFloat(dec)
				m.scores = append(m.scores, score)
				return err
			}
			return errors.New("more than a token and a score")
		})
		if err == nil && n != 2 {
			err = errors.New("not a token and a score")
		}
		if err != nil {
			return fmt.Errorf("[%d]: %w", id, err)
		}
		return nil
	})
}

// readMerges reads the list of merges, each "a b" or ["a", "b"].
func (m *modelSection) readMerges(dec *jsontext.Decoder) error {
	return array(dec, func() error {
		if dec.PeekKind() == '"' {
			both, err := m.readText(dec)
			if err != nil {
				return err
			}
			return m.addMerge(both)
		}
		var parts []span
		err := array(dec, func() error {
			part, err := m.readText(dec)
			parts = append(parts[:min(len(parts), 2)], part)
			return err
		})
		if err == nil && len(parts) != 2 {
			err = fmt.Errorf("[%d]: not two tokens", len(m.merges))
		}
		if err == nil {
			m.merges = append(m.merges, mergeEntry{parts[0], parts[1]})
		}
		return err
	})
}

// addMerge adds the merge "a b".
func (m *modelSection) addMerge(both span) error {
	space := slices.Index(m.text[both.start:both.end], ' ')
	if space < 0 || slices.Contains(m.text[both.start+space+1:both.end], ' ') {
		return fmt.Errorf("[%d]: %.100q is not two tokens", len(m.merges), m.text[both.start:both.end])
	}
	left := span{both.start, both.start + space}
	m.merges = append(m.merges, mergeEntry{left, span{left.end + 1, both.end}})
	return nil
}

// readText reads a string into text.
func (m *modelSection) readText(dec *jsontext.Decoder) (span, error) {
	start := len(m.text)
	if k := dec.PeekKind(); k != '"' && k != 0 {
		return span{}, fmt.Errorf("not a JSON string but %v", k)
	}
	v, err := dec.ReadValue()
	if err == nil {
		m.text, err = jsontext.AppendUnquote(m.text, v)
	}
	return span{start, len(m.text)}, err
}

// array calls item for each value of the array that dec stands before; item reads it.
func array(dec *jsontext.Decoder, item func() error) error {
	if k := dec.PeekKind(); k != '[' && k != 0 {
		return fmt.Errorf("not a JSON array but %v", k)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for k := dec.PeekKind(); k != ']' && k != 0; k = dec.PeekKind() {
		if err := item(); err != nil {
			return err
		}
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

func readFloat(dec *jsontext.Decoder) (float64, error) {
	v, err := dec.ReadValue()
	if err != nil {
		return 0, err
	}
	x, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return 0, fmt.Errorf("%.40s is not a number", v)
	}
	return x, nil
}

func readBool(dec *jsontext.Decoder) (bool, error) {
	v, err := dec.ReadValue()
	if err != nil {
		return false, err
	}
	if k := v.Kind(); k != 't' && k != 'f' {
		return false, fmt.Errorf("%.40s is not true or false", v)
	}
	return v.Kind() == 't', nil
}

// readNoDropout reads a dropout, which would make tokens of chance.
func readNoDropout(dec *jsontext.Decoder) error {
	x, err := readFloat(dec)
	if err == nil && x != 0 {
		err = fmt.Errorf("%v is not supported; searchd reads null and 0", x)
	}
	return err
}

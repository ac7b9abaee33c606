package tokenizer

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// vocabulary is what a model makes known of its tokens.
type vocabulary struct {
	tokens []string                 // by id, "" where there is none
	count  int                      // tokens there are
	find   func(token string) int32 // the id of a token, or noToken
}

// maxHoles is how many ids may be without a token.
const maxHoles = 1 << 16

// build makes the model; its errors begin with a field's name.
func (m *modelSection) build(byteLevel bool) (model, *vocabulary, error) {
	if !m.hasVocab {
		return nil, nil, errors.New("vocab: missing")
	}
	if m.scored != (m.kind == "Unigram") {
		return nil, nil, errors.New("vocab: must be a list of tokens and scores for Unigram, and an object of ids for others")
	}
	if byteLevel && m.kind != "BPE" {
		return nil, nil, fmt.Errorf("type: %s after a ByteLevel pre_tokenizer is not supported; searchd reads BPE there", m.kind)
	}
	switch m.kind {
	case "BPE":
		return m.buildBPE(byteLevel)
	case "Unigram":
		return m.buildUnigram()
	}
	return m.buildWordPiece()
}

// vocabulary is the tokens by id and by name.
func (m *modelSection) vocabulary() (*vocabulary, map[string]int32, error) {
	text := string(m.text)
	ids := make(map[string]int32, len(m.entries))
	v := &vocabulary{tokens: make([]string, 0, len(m.entries)), count: len(m.entries)}
	for _, e := range m.entries {
		token := text[e.start:e.end]
		if int(e.id) >= len(m.entries)+maxHoles {
			return nil, nil, fmt.Errorf("vocab: the id %d of %.100q is far beyond the %d tokens", e.id, token, len(m.entries))
		}
		ids[token] = e.id
		v.set(e.id, token)
	}
	if len(ids) != len(m.entries) {
		return nil, nil, fmt.Errorf("vocab: %d tokens are given twice; give the file as published", len(m.entries)-len(ids))
	}
	v.find = func(token string) int32 { return lookup(ids, token) }
	return v, ids, nil
}

func (v *vocabulary) set(id int32, token string) {
	for len(v.tokens) <= int(id) {
		v.tokens = append(v.tokens, "")
	}
	v.tokens[id] = token
}

func lookup(ids map[string]int32, token string) int32 {
	if id, ok := ids[token]; ok {
		return id
	}
	return noToken
}

func (m *modelSection) buildWordPiece() (model, *vocabulary, error) {
	switch {
	case m.unknown == nil:
		return nil, nil, errors.New("unk_token: missing")
	case !m.hasPrefix:
		return nil, nil, errors.New("continuing_subword_prefix: missing")
	case m.maxChars == nil:
		return nil, nil, errors.New("max_input_chars_per_word: missing")
	}
	v, ids, err := m.vocabulary()
	if err != nil {
		return nil, nil, err
	}
	w := &wordPiece{ids: ids, inner: make(map[string]int32, len(ids)/4), maxChars: *m.maxChars, unknown: v.find(*m.unknown)}
	for id, token := range v.tokens {
		w.longest = max(w.longest, len(token))
		if rest, ok := strings.CutPrefix(token, m.prefix); ok && token != "" {
			w.inner[rest] = int32(id)
		}
	}
	if w.unknown == noToken {
		return nil, nil, fmt.Errorf("unk_token: %.100q is not in the vocabulary", *m.unknown)
	}
	return w, v, nil
}

func (m *modelSection) buildUnigram() (model, *vocabulary, error) {
	v := &vocabulary{count: len(m.entries)}
	text := string(m.text)
	entries := make([]trieEntry, len(m.entries))
	least := math.Inf(1)
	for i, e := range m.entries {
		entries[i] = trieEntry{text[e.start:e.end], e.id}
		v.set(e.id, entries[i].key)
		least = min(least, m.scores[i])
	}
	if m.unknownID == nil || *m.unknownID >= len(m.entries) {
		return nil, nil, fmt.Errorf("unk_id: must be the id of one of the %d tokens", len(m.entries))
	}
	u := &unigram{tokens: newTrie(entries), scores: m.scores, unknown: int32(*m.unknownID), penalty: least - unknownPenalty}
	v.find = func(token string) int32 { return u.tokens.find([]byte(token)) }
	if m.fallback {
		u.fallback = v.bytes()
	}
	return u, v, nil
}

// bytes is the tokens of all bytes, nil where one is missing: then the reference makes no use of any.
func (v *vocabulary) bytes() *[256]int32 {
	var ids [256]int32
	for c := range ids {
		if ids[c] = v.find(nameOfByte(byte(c))); ids[c] == noToken {
			return nil
		}
	}
	return &ids
}

func (m *modelSection) buildBPE(byteLevel bool) (model, *vocabulary, error) {
	if len(m.prefix)+len(m.suffix) > maxAffix {
		return nil, nil, fmt.Errorf("continuing_subword_prefix, end_of_word_suffix: %d bytes, must be at most %d", len(m.prefix)+len(m.suffix), maxAffix)
	}
	v, ids, err := m.vocabulary()
	if err != nil {
		return nil, nil, err
	}
	b := &bpe{ids: ids, prefix: m.prefix, suffix: m.suffix, unknown: noToken, fuseUnknown: m.fuse}
	if m.unknown != nil {
		if b.unknown = v.find(*m.unknown); b.unknown == noToken && *m.unknown != "" {
			return nil, nil, fmt.Errorf("unk_token: %.100q is not in the vocabulary", *m.unknown)
		}
	}
	if m.fallback && !byteLevel {
		if m.prefix != "" || m.suffix != "" {
			return nil, nil, errors.New("byte_fallback: is not supported with a prefix or suffix of subwords")
		}
		b.fallback = v.bytes()
	}
	if byteLevel {
		err = b.setBytes(v)
	} else if b.unknown == noToken && b.fallback == nil {
		err = errors.New("unk_token: missing; a character that is no token would be lost")
	}
	if err == nil {
		err = b.setMerges(m)
	}
	if err == nil && m.ignoreMerges {
		b.setWhole(byteLevel)
	}
	return b, v, err
}

// setBytes finds the tokens of single bytes.
func (b *bpe) setBytes(v *vocabulary) error {
	b.byteLevel = true
	names := newByteNames()
	for c, r := range names.runes {
		for at := range b.bytes {
			token := string(r)
			if at&notFirst != 0 {
				token = b.prefix + token
			}
			if at&isLast != 0 {
				token += b.suffix
			}
			if b.bytes[at][c] = v.find(token); b.bytes[at][c] == noToken && b.unknown == noToken {
				return fmt.Errorf("vocab: no token %.100q, and no unk_token", token)
			}
		}
	}
	return nil
}

func (b *bpe) setMerges(m *modelSection) error {
	b.merges = make(map[pair]merge, len(m.merges))
	var token []byte
	for rank, x := range m.merges {
		left, right := m.text[x.left.start:x.left.end], m.text[x.right.start:x.right.end]
		l, okLeft := b.ids[string(left)]
		r, okRight := b.ids[string(right)]
		if !okLeft || !okRight || len(right) < len(b.prefix) {
			return fmt.Errorf("merges[%d]: %.100q and %.100q must be in the vocabulary", rank, left, right)
		}
		token = append(append(token[:0], left...), right[len(b.prefix):]...)
		id, ok := b.ids[string(token)]
		if !ok {
			return fmt.Errorf("merges[%d]: %.100q is not in the vocabulary", rank, token)
		}
		b.merges[pair{l, r}] = merge{int32(rank), id}
	}
	return nil
}

// setWhole finds the words that are tokens as they stand.
func (b *bpe) setWhole(byteLevel bool) {
	if !byteLevel {
		b.whole = b.ids
		return
	}
	names := newByteNames()
	b.whole = make(map[string]int32, len(b.ids))
	for token, id := range b.ids {
		if word, ok := names.decode(nil, token); ok {
			b.whole[string(word)] = id
		}
	}
}

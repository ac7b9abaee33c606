package tokenizer

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unicode/utf8"

	"searchd/hf"
)

// movingMarks are characters that canonical ordering moves and strip_accents leaves, so that the order shows.
const movingMarks = "\U0001d16d\u302e\U0001d165\u1b44"

// TestCodePoints compares every Unicode character with the reference, 4,096 to a hash: in a word, with every flag of
// the normalizer off before a single_word token, and its normal form with and without accents.
func TestCodePoints(t *testing.T) {
	var want struct{ Standard, Bare, Accented, Order string }
	readJSON(t, "codepoints.json", &want)
	off := map[string]any{"clean_text": false, "handle_chinese_chars": false, "strip_accents": false, "lowercase": false}
	single := map[string]any{"id": 30522, "content": "zq", "single_word": true}
	standard := &sweeper{tok: load(t)}
	bare := &sweeper{tok: loadPatched(t, map[string]any{"normalizer": off, "added_tokens": []any{single}})}
	accented := &sweeper{tok: loadPatched(t, map[string]any{"normalizer": map[string]any{"strip_accents": false}})}

	for _, sweep := range []struct {
		name, want string
		answer     func(b []byte, c string) []byte
	}{
		{"standard", want.Standard, func(b []byte, c string) []byte { return standard.appendAnswer(b, "a"+c+"b") }},
		{"bare", want.Bare, func(b []byte, c string) []byte { return bare.appendAnswer(b, "a"+c+"zq") }},
		{"accented", want.Accented, func(b []byte, c string) []byte { return accented.appendNormal(b, "a"+c) }},
		{"order", want.Order, func(b []byte, c string) []byte { return standard.appendNormal(b, "a"+movingMarks+c+movingMarks) }},
	} {
		t.Run(sweep.name, func(t *testing.T) { checkBlocks(t, sweep.want, sweep.answer) })
	}
}

func checkBlocks(t *testing.T, want string, answer func(b []byte, c string) []byte) {
	const block = 4096
	var b []byte
	for i, hash := range splitHashes(t, want, (utf8.MaxRune+1)/block) {
		if raceEnabled && i%8 != 0 {
			continue // one goroutine, where races are not to be found, and ten times slower
		}
		b = b[:0]
		for c := rune(i * block); c < rune((i+1)*block); c++ {
			if utf8.ValidRune(c) {
				b = answer(b, string(c))
			}
		}
		if !bytes.Equal(hashBytes(b), hash) {
			t.Errorf("differs from the reference somewhere in U+%04X–U+%04X", i*block, (i+1)*block-1)
		}
	}
}

// sweeper keeps its buffers from one character to the next, or the sweep would take several times as long.
type sweeper struct {
	tok     *Tokenizer
	tokens  []hf.Token
	scratch scratch
}

func (s *sweeper) appendAnswer(b []byte, text string) []byte {
	s.tokens = s.tok.Append(s.tokens[:0], text)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.tokens)))
	return appendTokens(b, s.tokens)
}

// appendNormal appends the characters of the normal form of text, each with its place in text.
func (s *sweeper) appendNormal(b []byte, text string) []byte {
	n := &s.scratch.norm
	n.reset(0)
	s.tok.normalizer.normalize(n, &s.scratch.order, text)
	b = binary.LittleEndian.AppendUint32(b, uint32(utf8.RuneCount(n.text)))
	for i := 0; i < len(n.text); {
		r, size := utf8.DecodeRune(n.text[i:])
		x := n.token(r, span{i, i + size})
		b = appendTriple(b, x.ID, x.Start, x.End)
		i += size
	}
	return b
}

package tokenizer

import (
	"math"
	"sync"

	"searchd/hf"
)

// The stages. A kind of tokenizer is one of each.
type (
	normalizer interface {
		// normalize appends the normal form of text to n.
		normalize(n *normalized, order *canonicalOrder, text string)
	}
	preTokenizer interface {
		// split appends the words within a part of a normal form that is not empty, in order. A word that has to be
		// another is put behind the normal form.
		split(words []span, n *normalized, within span) []span
	}
	cutter interface {
		// cut is the length of a prefix of text that gives the same tokens whether the rest follows it or not.
		cut(text string) int
	}
	model interface {
		// tokenize appends the tokens of the word w of s.norm.
		tokenize(dst []hf.Token, s *scratch, w span) []hf.Token
	}
)

// Tokenizer splits text as one model does. It is immutable and safe for concurrent use.
type Tokenizer struct {
	raw        *matcher // added tokens to be found in the text as it is
	normalizer normalizer
	normal     *matcher // added tokens to be found in its normal form; nil for none
	cutter     cutter   // nil where text must be done whole
	pre        preTokenizer
	model      model

	trim      *spaceTrimmer // nil where offsets stay as they are
	around    template
	decoder   decoder
	tokens    []string // by id
	addedIDs  map[int32]bool
	special   map[int32]bool // the special ones among the added tokens
	pad       int32
	vocabSize int

	scratch sync.Pool
}

var _ hf.Tokenizer = (*Tokenizer)(nil)

// scratch is what one call needs beside its answer.
type scratch struct {
	segments []segment
	inner    []segment
	words    []span
	norm     normalized
	order    canonicalOrder
	symbols  []symbol
	queue    mergeQueue
	paths    []path
}

// maxKept is how large a buffer may be to be kept for the next call.
const maxKept = 64 << 10

func (s *scratch) small() bool {
	return max(cap(s.segments), cap(s.words), cap(s.norm.text), cap(s.norm.spareText), cap(s.order.marks), cap(s.order.pending),
		cap(s.symbols), cap(s.queue.heap), cap(s.paths)) <= maxKept
}

// CLS is the id that the model wants before a text, -1 where that is not one token.
func (t *Tokenizer) CLS() int32 { return t.around.before() }

// SEP is the id that the model wants after a text, -1 where that is not one token.
func (t *Tokenizer) SEP() int32 { return t.around.after() }

// PAD is the id of [PAD] or <pad>, -1 where the vocabulary has none.
func (t *Tokenizer) PAD() int32 { return t.pad }

// VocabSize is one more than the largest id: the least number of rows of an embedding table.
func (t *Tokenizer) VocabSize() int { return t.vocabSize }

// Tokenize is Append to nothing.
func (t *Tokenizer) Tokenize(text string) []hf.Token { return t.Append(nil, text) }

// Append appends the tokens of text to dst, without special tokens around it and without limit. Special tokens that
// stand in the text literally, such as "[SEP]", are found. It takes time linear in the text, and allocates only to
// grow dst, except for texts with very long words.
func (t *Tokenizer) Append(dst []hf.Token, text string) []hf.Token {
	return t.appendFirst(dst, text, math.MaxInt)
}

// appendFirst is Append that may leave off once it has so many tokens: long texts are done in pieces.
func (t *Tokenizer) appendFirst(dst []hf.Token, text string, most int) []hf.Token {
	s, ok := t.scratch.Get().(*scratch)
	if !ok {
		s = new(scratch)
	}
	before := len(dst)
	s.segments = appendSegments(s.segments[:0], t.raw, text)
	for _, g := range s.segments {
		if len(dst)-before >= most {
			break
		}
		if g.id != noToken {
			dst = append(dst, hf.Token{ID: g.id, Start: g.start, End: g.end})
			continue
		}
		dst = t.appendText(dst, s, text[g.start:g.end], g.start, most-(len(dst)-before))
	}
	if s.small() {
		t.scratch.Put(s)
	}
	if t.trim != nil {
		t.trim.trim(dst[before:], text)
	}
	return dst
}

// appendText appends the tokens of text, which stands at base and has no added token to be found in raw text.
func (t *Tokenizer) appendText(dst []hf.Token, s *scratch, text string, base, most int) []hf.Token {
	before := len(dst)
	for len(text) > 0 && len(dst)-before < most {
		size := len(text)
		if t.cutter != nil {
			size = t.cutter.cut(text)
		}
		s.norm.reset(base)
		t.normalizer.normalize(&s.norm, &s.order, text[:size])
		dst = t.appendNormal(dst, s)
		text, base = text[size:], base+size
	}
	return dst
}

// appendNormal appends the tokens of s.norm.
func (t *Tokenizer) appendNormal(dst []hf.Token, s *scratch) []hf.Token {
	if len(s.norm.text) == 0 {
		return dst
	}
	if t.normal == nil {
		return t.appendWords(dst, s, span{0, len(s.norm.text)})
	}
	s.inner = appendSegments(s.inner[:0], t.normal, s.norm.text)
	for _, g := range s.inner {
		if g.id != noToken {
			dst = append(dst, s.norm.token(g.id, g.span))
			continue
		}
		dst = t.appendWords(dst, s, g.span)
	}
	return dst
}

func (t *Tokenizer) appendWords(dst []hf.Token, s *scratch, within span) []hf.Token {
	s.words = t.pre.split(s.words[:0], &s.norm, within)
	for _, w := range s.words {
		dst = t.model.tokenize(dst, s, w)
	}
	return dst
}

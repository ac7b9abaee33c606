package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// addedToken is found in the text itself, before the model sees it.
type addedToken struct {
	id             int32
	singleWord     bool // not beside a word character
	lstrip, rstrip bool // take the white space before, after it too
}

// segment is a stretch of text: an added token, or (noToken) text between.
type segment struct {
	span
	id int32
}

const noToken = -1

// matcher finds added tokens, the longest where several begin. It is a trie over bytes.
type matcher struct {
	first  [256]bool
	next   map[edge]int32 // 0 is the root
	tokens map[int32]addedToken
}

type edge struct {
	node int32
	c    byte
}

func newMatcher() *matcher {
	return &matcher{next: map[edge]int32{}, tokens: map[int32]addedToken{}}
}

// add reports false where the content is there already.
func (m *matcher) add(content string, t addedToken) bool {
	m.first[content[0]] = true
	node := int32(0)
	for i := range len(content) {
		e := edge{node, content[i]}
		child, ok := m.next[e]
		if !ok {
			child = int32(len(m.next)) + 1
			m.next[e] = child
		}
		node = child
	}
	_, taken := m.tokens[node]
	m.tokens[node] = t
	return !taken
}

// find is the leftmost longest match in text at or after from; ok is false where there is none.
func find[T string | []byte](m *matcher, text T, from int) (at span, t addedToken, ok bool) {
	for i := from; i < len(text); i++ {
		if !m.first[text[i]] {
			continue
		}
		node := int32(0)
		for j := i; j < len(text); j++ {
			if node = m.next[edge{node, text[j]}]; node == 0 {
				break
			}
			if x, found := m.tokens[node]; found {
				at, t, ok = span{i, j + 1}, x, true
			}
		}
		if ok {
			return at, t, true
		}
	}
	return at, t, false
}

// appendSegments cuts text into added tokens and what lies between. As in the reference, a match that is refused for
// want of a word boundary is passed over, and one token's stripped space may overlap the next token.
func appendSegments[T string | []byte](dst []segment, m *matcher, text T) []segment {
	done := 0
	for from := 0; ; {
		at, t, ok := find(m, text, from)
		if !ok {
			break
		}
		from = at.end
		if t.singleWord && (wordEnds(text[:at.start]) || wordStarts(text[at.end:])) {
			continue
		}
		if t.lstrip {
			at.start = max(done, at.start-spaceAtEnd(text[:at.start]))
		}
		if t.rstrip {
			at.end += spaceAtStart(text[at.end:])
		}
		if done < at.start {
			dst = append(dst, segment{span{done, at.start}, noToken})
		}
		if at.start < at.end {
			dst = append(dst, segment{at, t.id})
		}
		done = at.end
	}
	if done < len(text) {
		dst = append(dst, segment{span{done, len(text)}, noToken})
	}
	return dst
}

func wordEnds[T string | []byte](text T) bool {
	r, size := lastRune(text)
	return size > 0 && isWordChar(r)
}

func wordStarts[T string | []byte](text T) bool {
	r, size := firstRune(text)
	return size > 0 && isWordChar(r)
}

// spaceAtEnd counts the bytes of white space that text ends with.
func spaceAtEnd[T string | []byte](text T) int {
	n := 0
	for {
		r, size := lastRune(text[:len(text)-n])
		if size == 0 || !unicode.IsSpace(r) {
			return n
		}
		n += size
	}
}

// spaceAtStart counts the bytes of white space that text starts with.
func spaceAtStart[T string | []byte](text T) int {
	n := 0
	for {
		r, size := firstRune(text[n:])
		if size == 0 || !unicode.IsSpace(r) {
			return n
		}
		n += size
	}
}

func firstRune[T string | []byte](text T) (rune, int) {
	return utf8.DecodeRuneInString(string(text[:min(len(text), utf8.UTFMax)]))
}

func lastRune[T string | []byte](text T) (rune, int) {
	return utf8.DecodeLastRuneInString(string(text[max(0, len(text)-utf8.UTFMax):]))
}

package tokenizer

import (
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"
)

// charsmap is SentencePiece's precompiled normalizer: a trie of what is to be replaced, as a double array, whose values
// are places in a text of replacements, each with a NUL at its end.
type charsmap struct {
	units []uint32
	text  string
}

// longestCluster is the length of the longest grapheme cluster that the reference looks up as a whole.
const longestCluster = 5

func newCharsmap(data []byte) (*charsmap, error) {
	if len(data) < 4 {
		return nil, errors.New("too short for a charsmap")
	}
	size := uint64(binary.LittleEndian.Uint32(data))
	data = data[4:]
	if size == 0 || size > uint64(len(data)) {
		return nil, errors.New("the trie is longer than the charsmap")
	}
	c := &charsmap{units: make([]uint32, size/4), text: string(data[size/4*4:])}
	for i := range c.units {
		c.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	if len(c.units) == 0 || !utf8.ValidString(c.text) {
		return nil, errors.New("not a charsmap")
	}
	return c, nil
}

// lookup is what stands for the shortest prefix of key that is in the trie: the whole of key is to be replaced by it.
// That is the reference's doing; SentencePiece itself replaces the longest prefix alone.
func (c *charsmap) lookup(key []byte) (string, bool) {
	unit := c.units[0]
	node := offset(unit)
	for _, b := range key {
		node ^= uint32(b)
		if b == 0 || int(node) >= len(c.units) {
			return "", false
		}
		unit = c.units[node]
		if unit&(1<<31|0xFF) != uint32(b) {
			return "", false
		}
		node ^= offset(unit)
		if unit>>8&1 == 1 {
			return c.value(node)
		}
	}
	return "", false
}

func offset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

func (c *charsmap) value(node uint32) (string, bool) {
	if int(node) >= len(c.units) {
		return "", false
	}
	start := c.units[node] & (1<<31 - 1)
	if int(start) > len(c.text) {
		return "", false
	}
	value, _, _ := strings.Cut(c.text[start:], "\x00")
	return value, true
}

func (c *charsmap) apply(n *normalized, _ *canonicalOrder) {
	m := mapping{charsmap: c, n: n, text: n.text}
	for i := 0; i < len(m.text); {
		end := clusterEnd(m.text, i)
		if end-i > longestCluster || !m.replace(i, end) {
			m.characters(i, end)
		}
		i = end
	}
	m.flush()
}

// mapping is one use of a charsmap. The edit begins with the first replacement: most texts have none.
type mapping struct {
	*charsmap
	n    *normalized
	text []byte

	edit    edit
	open    bool
	last    rune // the character put last, whose change is not settled yet
	change  int
	hasLast bool
}

// characters maps each character of text[i:end].
func (m *mapping) characters(i, end int) {
	for i < end {
		size := runeSize(m.text[i])
		if !m.replace(i, i+size) && m.open {
			r, _ := utf8.DecodeRune(m.text[i:])
			m.put(r, 0)
		}
		i += size
	}
}

// replace maps text[i:end] as a whole; it is false where the charsmap has nothing for it. As in the reference, the
// characters that there are more of are new, and the last character put takes the place of those that there are less of:
// where there is none yet, all places fall behind.
func (m *mapping) replace(i, end int) bool {
	value, ok := m.lookup(m.text[i:end])
	if !ok {
		return false
	}
	if !m.open {
		m.start(i)
	}
	more := utf8.RuneCount(m.text[i:end]) // characters that nothing stands for yet
	for _, r := range value {
		m.put(r, max(0, 1-more))
		more = max(0, more-1)
	}
	m.change -= more
	return true
}

// start begins the edit at text[i].
func (m *mapping) start(i int) {
	m.edit, m.open = m.n.edit(), true
	if i > 0 {
		r, size := utf8.DecodeLastRune(m.text[:i])
		m.edit.keep(i - size)
		m.put(r, 0)
	}
}

func (m *mapping) put(r rune, change int) {
	m.flush()
	m.last, m.change, m.hasLast = r, change, true
}

func (m *mapping) flush() {
	if m.hasLast {
		m.edit.put(m.last, m.change)
	}
	m.hasLast = false
}

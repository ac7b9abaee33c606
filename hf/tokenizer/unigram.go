package tokenizer

import (
	"slices"

	"searchd/hf"
)

// unigram cuts a word into the tokens whose scores have the greatest sum. (Kudo, "Subword Regularization", 2018; the
// search is Viterbi's.)
type unigram struct {
	tokens   *trie
	scores   []float64 // logarithms of probabilities
	unknown  int32
	penalty  float64     // the score of a character that is no token
	fallback *[256]int32 // tokens of the bytes of an unknown character; nil for none
}

// unknownPenalty is how much less likely than the least likely token an unknown character is.
const unknownPenalty = 10

// path is the best way to a place in a word.
type path struct {
	score float64
	from  int32 // where the last token begins; noPath while no way is known
	id    int32
}

const noPath = -1

// tokenize appends the tokens of the word w: in time its length times the longest token, in memory its length.
func (m *unigram) tokenize(dst []hf.Token, s *scratch, w span) []hf.Token {
	word := s.norm.text[w.start:w.end]
	s.paths = m.search(s.paths[:0], word)
	before := len(dst)
	for end := len(word); end > 0; {
		p := s.paths[end]
		start := int(p.from)
		if p.id == m.unknown { // unknown characters in a row are one token
			for start > 0 && s.paths[start].id == m.unknown {
				start = int(s.paths[start].from)
			}
			dst = m.appendUnknown(dst, &s.norm, span{w.start + start, w.start + end})
		} else {
			dst = append(dst, s.norm.token(p.id, span{w.start + start, w.start + end}))
		}
		end = start
	}
	slices.Reverse(dst[before:])
	return dst
}

// search finds the best paths to every place in word, which has whole characters.
func (m *unigram) search(paths []path, word []byte) []path {
	paths = slices.Grow(paths, len(word)+1)[:len(word)+1]
	for i := range paths {
		paths[i] = path{from: noPath}
	}
	for start := 0; start < len(word); {
		size := runeSize(word[start])
		score := paths[start].score
		single := false
		node := int32(0)
		for end := start; end < len(word); {
			if node = m.tokens.child(node, word[end]); node == 0 {
				break
			}
			end++
			if id := m.tokens.ids[node]; id != noToken {
				paths[end].improve(path{score + m.scores[id], int32(start), id})
				single = single || end == start+size
			}
		}
		if !single {
			paths[start+size].improve(path{score + m.penalty, int32(start), m.unknown})
		}
		start += size
	}
	return paths
}

func (p *path) improve(by path) {
	if p.from == noPath || by.score > p.score {
		*p = by
	}
}

// appendUnknown appends, last byte first, the token or the tokens of unknown characters.
func (m *unigram) appendUnknown(dst []hf.Token, n *normalized, w span) []hf.Token {
	text := n.text[w.start:w.end]
	if id := m.tokens.find(text); id != noToken {
		return append(dst, n.token(id, w))
	}
	if m.fallback == nil {
		return append(dst, n.token(m.unknown, w))
	}
	for _, c := range slices.Backward(text) {
		dst = append(dst, n.token(m.fallback[c], w))
	}
	return dst
}

package lexical

import "unicode/utf8"

// slips is an automaton, as a dictionary is searched with, that accepts the terms at most so many edits away from a word: letters
// that are missing, too many, wrong, or have changed places with the next. The first letter is taken to be right.
//
// It makes its states as they are asked for. A dictionary leads to few of all those that there are, and to make them takes
// less time than to make the tables of the whole automaton, as vellum does.
type slips struct {
	word   []rune
	most   uint8
	states []slip
	rows   []uint8 // of all states, one after the other: edits from what was read to each beginning of the word
}

// slip is a state: what was read up to a letter.
type slip struct {
	last  rune    // letter that was read
	from  int32   // state before that
	part  [3]byte // the first bytes of the next letter
	parts uint8   // how many
}

const (
	nowhere = iota // nothing that begins so is accepted
	start
)

func newSlips(word string, most uint8) *slips {
	a := &slips{word: []rune(word), most: most, states: make([]slip, 2, 256)}
	n := len(a.word) + 1
	a.rows = make([]uint8, 2*n, 256*n)
	for i := range n {
		a.row(start)[i] = uint8(i)
	}
	return a
}

func (a *slips) row(state int) []uint8 {
	n := len(a.word) + 1
	return a.rows[state*n:][:n]
}

func (a *slips) Start() int { return start }

func (a *slips) IsMatch(state int) bool {
	return state != nowhere && a.states[state].parts == 0 && a.row(state)[len(a.word)] <= a.most
}

func (a *slips) CanMatch(state int) bool { return state != nowhere }

func (a *slips) WillAlwaysMatch(int) bool { return false }

func (a *slips) Accept(state int, b byte) int {
	if state == nowhere {
		return nowhere
	}
	s := a.states[state]
	if s.parts == 0 && b < utf8.RuneSelf {
		return a.read(state, rune(b))
	}
	text := append(s.part[:s.parts:s.parts], b)
	if !utf8.FullRune(text) {
		s.parts = uint8(copy(s.part[:], text))
		return a.add(s, a.row(state))
	}
	letter, size := utf8.DecodeRune(text)
	if size != len(text) || letter == utf8.RuneError && size == 1 {
		return nowhere // not UTF-8
	}
	return a.read(state, letter)
}

func (a *slips) add(s slip, row []uint8) int {
	a.states, a.rows = append(a.states, s), append(a.rows, row...)
	return len(a.states) - 1
}

// read is the state after another letter: a row of the edit distance in which neighbours that change places count once.
func (a *slips) read(state int, letter rune) int {
	s, before := a.states[state], a.row(state)
	if before[0] == 0 && letter != a.word[0] {
		return nowhere
	}
	a.rows = append(a.rows, before...) // the new row; the others may have moved
	before = a.row(state)
	row, least := a.row(len(a.states)), before[0]+1
	row[0] = least
	for i, c := range a.word {
		n := min(before[i+1], row[i]) + 1
		if c == letter {
			n = min(n, before[i])
		} else {
			n = min(n, before[i]+1)
		}
		if i > 0 && before[0] > 0 && c == s.last && a.word[i-1] == letter {
			n = min(n, a.row(int(s.from))[i-1]+1)
		}
		row[i+1] = n
		least = min(least, n)
	}
	if least > a.most {
		a.rows = a.rows[:len(a.rows)-len(row)]
		return nowhere
	}
	a.states = append(a.states, slip{last: letter, from: int32(state)})
	return len(a.states) - 1
}

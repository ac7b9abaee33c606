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
}

// slip is a state: what was read up to a letter.
type slip struct {
	row  []uint8 // edits from what was read to each beginning of the word
	last rune    // letter that was read
	from int     // state before that
	part string  // the first bytes of the next letter
	dead bool    // nothing that begins so is accepted
}

const (
	nowhere = iota
	start
)

func newSlips(word string, most uint8) *slips {
	a := &slips{word: []rune(word), most: most}
	row := make([]uint8, len(a.word)+1)
	for i := range row {
		row[i] = uint8(i)
	}
	a.states = []slip{nowhere: {dead: true}, start: {row: row}}
	return a
}

func (a *slips) Start() int { return start }

func (a *slips) IsMatch(state int) bool {
	s := &a.states[state]
	return !s.dead && s.part == "" && s.row[len(a.word)] <= a.most
}

func (a *slips) CanMatch(state int) bool { return !a.states[state].dead }

func (a *slips) WillAlwaysMatch(int) bool { return false }

func (a *slips) Accept(state int, b byte) int {
	s := a.states[state]
	if s.dead {
		return nowhere
	}
	if s.part != "" || b >= utf8.RuneSelf {
		s.part += string([]byte{b})
		if !utf8.FullRuneInString(s.part) {
			return a.add(s)
		}
		letter, size := utf8.DecodeRuneInString(s.part)
		if size != len(s.part) || letter == utf8.RuneError && size == 1 {
			return nowhere // not UTF-8
		}
		return a.read(state, letter)
	}
	return a.read(state, rune(b))
}

func (a *slips) add(s slip) int {
	a.states = append(a.states, s)
	return len(a.states) - 1
}

// read is the state after another letter: a row of the edit distance in which neighbours that change places count once.
func (a *slips) read(state int, letter rune) int {
	s := &a.states[state]
	if s.row[0] == 0 && letter != a.word[0] {
		return nowhere
	}
	row, least := make([]uint8, len(s.row)), s.row[0]+1
	row[0] = least
	for i, c := range a.word {
		n := min(s.row[i+1], row[i]) + 1
		if c == letter {
			n = min(n, s.row[i])
		} else {
			n = min(n, s.row[i]+1)
		}
		if i > 0 && s.row[0] > 0 && c == s.last && a.word[i-1] == letter {
			n = min(n, a.states[s.from].row[i-1]+1)
		}
		row[i+1] = n
		least = min(least, n)
	}
	if least > a.most {
		return nowhere
	}
	return a.add(slip{row: row, last: letter, from: state})
}

package lexical

import (
	"math/rand/v2"
	"testing"

	"github.com/blevesearch/vellum"
)

// The whole table of edits is the oracle. (The automaton of vellum is not: it now and then misses a letter that is wrong and two, further on,
// that have changed places.)
func TestSlipsAgainstAWholeTable(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	letters := []rune("abcdeßжя語𝄞")
	text := func(n int) string {
		word := make([]rune, n)
		for i := range word {
			word[i] = letters[r.IntN(len(letters))]
		}
		return string(word)
	}
	accepted := 0
	for most := uint8(1); most <= 2; most++ {
		for range 150 {
			word := text(5 + r.IntN(8))
			a := newSlips(word, most)
			for range 300 {
				other := mistyped(r, word, letters)
				if r.IntN(10) == 0 {
					other = text(1 + r.IntN(10))
				}
				same := []rune(other)[0] == []rune(word)[0]
				want := same && edits([]rune(word), []rune(other)) <= int(most)
				if got := vellum.AutomatonContains(a, []byte(other)); got != want {
					t.Fatalf("seed %d: %q from %q, at most %d edits: accepted %v, want %v", seed, other, word, most, got, want)
				}
				if want {
					accepted++
				}
			}
			for _, broken := range []string{word[:1] + "\xff" + word[1:], word + "\xc3", "\x80"} {
				if vellum.AutomatonContains(a, []byte(broken)) {
					t.Errorf("%q, which is not UTF-8, is taken for %q", broken, word)
				}
			}
		}
	}
	if accepted < 10_000 {
		t.Errorf("only %d were near", accepted)
	}
}

// edits is the optimal string alignment distance, by its definition.
func edits(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			if i == 0 || j == 0 {
				d[i][j] = i + j
				continue
			}
			wrong := 1
			if a[i-1] == b[j-1] {
				wrong = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+wrong)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

// mistyped is a word with up to three slips.
func mistyped(r *rand.Rand, word string, letters []rune) string {
	w := []rune(word)
	for range r.IntN(4) {
		i := r.IntN(len(w))
		switch r.IntN(4) {
		case 0:
			w[i] = letters[r.IntN(len(letters))]
		case 1:
			w = append(w[:i:i], append([]rune{letters[r.IntN(len(letters))]}, w[i:]...)...)
		case 2:
			if len(w) > 2 {
				w = append(w[:i:i], w[i+1:]...)
			}
		case 3:
			if i > 0 {
				w[i-1], w[i] = w[i], w[i-1]
			}
		}
	}
	return string(w)
}

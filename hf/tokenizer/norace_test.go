//go:build !race

package tokenizer

import (
	"strings"
	"testing"
)

const raceEnabled = false

// TestAppendAllocates does not hold under the race detector, which makes sync.Pool forget at random.
func TestAppendAllocates(t *testing.T) {
	tokenizers := []*Tokenizer{load(t)}
	for _, name := range trained {
		tokenizers = append(tokenizers, parseConfig(t, readConfig(t, name)))
	}
	text := strings.Repeat(english+"Les élèves 中文 [SEP] \u0301 ", 20)
	for i, tok := range tokenizers {
		dst := tok.Tokenize(text)
		if n := testing.AllocsPerRun(100, func() { dst = tok.Append(dst[:0], text) }); n > 0.5 {
			t.Errorf("tokenizer %d: %v allocations for %d tokens", i, n, len(dst))
		}
	}
}

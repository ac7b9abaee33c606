//go:build !race

package tokenizer

import (
	"strings"
	"testing"
)

const raceEnabled = false

// TestAppendAllocates does not hold under the race detector, which makes sync.Pool forget at random.
func TestAppendAllocates(t *testing.T) {
	tok := load(t)
	text := strings.Repeat(english+"Les élèves 中文 [SEP] \u0301 ", 20)
	dst := tok.Tokenize(text)
	if n := testing.AllocsPerRun(100, func() { dst = tok.Append(dst[:0], text) }); n > 0.5 {
		t.Errorf("%v allocations for %d tokens", n, len(dst))
	}
}

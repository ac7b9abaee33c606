package tokenizer

import (
	"slices"
	"sync"
	"testing"

	"searchd/hf"
)

func TestAppendKeeps(t *testing.T) {
	tok := load(t)
	before := []hf.Token{{ID: tok.CLS()}}
	got := tok.Append(before, "blue anchor")
	want := append(slices.Clone(before), tok.Tokenize("blue anchor")...)
	if !slices.Equal(got, want) || len(got) != 3 {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestConcurrent(t *testing.T) {
	tok := load(t)
	want := tok.Tokenize(english)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if !slices.Equal(tok.Tokenize(english), want) {
					t.Error("another answer from concurrent use")
				}
			}
		})
	}
	wg.Wait()
}

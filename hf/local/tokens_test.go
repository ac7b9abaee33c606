package local

import (
	"math/rand/v2"
	"os"
	"path"
	"strings"
	"testing"

	"searchd/hf/tokenizer"

	"github.com/google/go-cmp/cmp"
)

// Reading a long text piece by piece finds the tokens that reading it whole does, with a tokenizer of every kind.
func TestFirstTokens(t *testing.T) {
	for _, folder := range []string{"../bundled", "../../fixtures/encoder/models/roberta", "../../fixtures/encoder/models/xlm-roberta"} {
		t.Run(path.Base(folder), func(t *testing.T) { testFirstTokens(t, folder) })
	}
}

func testFirstTokens(t *testing.T, folder string) {
	b, err := os.ReadFile(path.Join(folder, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := tokenizer.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	e := &Embedder{tokens: tokens}
	pieces := []string{"bread", "unbelievable", " ", "  ", "\n", "図書館", "é", "\u0301", "🙂", "\xff", "-", "[SEP]", "[MASK]", strings.Repeat("x", 150), "\u00a0", "don't"}
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		var text strings.Builder
		for range random.IntN(80) {
			text.WriteString(pieces[random.IntN(len(pieces))])
		}
		n := 1 + random.IntN(5)
		got, want := e.firstTokens(nil, text.String(), n), tokens.Tokenize(text.String())
		if k := min(n, len(want)); len(got) < k || !cmp.Equal(got[:k], want[:k]) {
			t.Fatalf("%q: first %d tokens are %v, not %v", text.String(), n, got, want[:k])
		}
	}
}

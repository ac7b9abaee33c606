package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"searchd/hf/bundled"
	"searchd/hf/local"
)

// workload is what every engine embeds: texts of known numbers of tokens, [CLS] and [SEP] included.
type workload struct {
	Passages []string `json:"passages"` // 128 tokens each
	Queries  []string `json:"queries"`  // 12 tokens each
	Mixed    []string `json:"mixed"`    // 20 to 250 tokens
}

const (
	passageTokens = 128
	queryTokens   = 12
	batchTexts    = 32 // texts that a peer gets at a time
)

var mixedTokens = []int{20, 40, 60, 90, 120, 180, 250}

// words are common English words that are one token each in the vocabulary of all-MiniLM-L6-v2.
var words = strings.Fields(`time year people way day man thing woman life child world school state family student group
country problem hand part place case week company system program question work government number night point home water
room mother area money story fact month lot right study book eye job word business issue side kind head house service
friend father power hour game line end member law car city community name president team minute idea body information
back parent face others level office door health person art war history party result change morning reason research girl
guy moment air teacher force education`)

// newWorkload makes the texts. They are the same in every run.
func newWorkload() (*workload, error) {
	m, err := bundled.Open(local.Options{})
	if err != nil {
		return nil, err
	}
	w, r := &workload{}, rand.New(rand.NewPCG(1, 2))
	for range 256 {
		w.Passages = append(w.Passages, text(r, passageTokens))
		w.Mixed = append(w.Mixed, text(r, mixedTokens[r.IntN(len(mixedTokens))]))
	}
	for range 512 {
		w.Queries = append(w.Queries, text(r, queryTokens))
	}
	for i, s := range w.Passages {
		if n := len(m.Tokenize(s)) + 2; n != passageTokens {
			return nil, fmt.Errorf("passage %d has %d tokens instead of %d", i, n, passageTokens)
		}
	}
	return w, nil
}

func text(r *rand.Rand, tokens int) string {
	picked := make([]string, tokens-2)
	for i := range picked {
		picked[i] = words[r.IntN(len(words))]
	}
	return strings.Join(picked, " ")
}

func (w *workload) write(path string) error {
	b, err := json.Marshal(w)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"searchd/hf"
)

// teiRerank is TEI's POST /rerank, which answers scores from 0 to 1.
type teiRerank struct {
	Query    string   `json:"query"`
	Texts    []string `json:"texts"`
	Truncate bool     `json:"truncate"`
}

// openAIRerank is POST /v1/rerank as Cohere and Jina have it, and OpenAI-compatible servers after them.
type openAIRerank struct {
	Model     string   `json:"model"`
	Query     string   `json:"query"`
	Documents []string `json:"documents"`
}

// rank is the score of one text, under the name that TEI has for it or the others.
type rank struct {
	Index     *int     `json:"index"`
	Score     *float64 `json:"score"`
	Relevance *float64 `json:"relevance_score"`
}

func readTEIRanks(n int) func(answer) (hf.Reply, error) {
	return func(a answer) (hf.Reply, error) {
		var ranks []rank
		if err := json.Unmarshal(a.body, &ranks); err != nil {
			return hf.Reply{}, err
		}
		scores, err := scoresOf(ranks, n)
		return hf.Reply{Scores: scores, Usage: computeTokens(a)}, err
	}
}

func readOpenAIRanks(n int) func(answer) (hf.Reply, error) {
	return func(a answer) (hf.Reply, error) {
		var wire struct {
			Model   string
			Results []rank
			Usage   struct {
				Total int `json:"total_tokens"`
			}
		}
		if err := json.Unmarshal(a.body, &wire); err != nil {
			return hf.Reply{}, err
		}
		scores, err := scoresOf(wire.Results, n)
		return hf.Reply{Model: wire.Model, Scores: scores, Usage: hf.Usage{PromptTokens: max(wire.Usage.Total, 0)}}, err
	}
}

// scoresOf puts the scores of n texts, which come best first, in the order of the texts.
func scoresOf(ranks []rank, n int) ([]float32, error) {
	if len(ranks) != n {
		return nil, fmt.Errorf("scores of %d texts where %d were sent", len(ranks), n)
	}
	scores, seen := make([]float32, n), make([]bool, n)
	for _, r := range ranks {
		if r.Score == nil {
			r.Score = r.Relevance
		}
		if r.Index == nil || r.Score == nil {
			return nil, errors.New("a rank without an index or a score")
		}
		i := *r.Index
		if i < 0 || i >= n || seen[i] {
			return nil, fmt.Errorf("a rank of index %d, out of range or twice", i)
		}
		scores[i], seen[i] = float32(*r.Score), true
		if math.IsInf(float64(scores[i]), 0) {
			return nil, fmt.Errorf("the score %g is too large", *r.Score)
		}
	}
	return scores, nil
}

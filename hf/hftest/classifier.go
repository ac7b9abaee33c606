package hftest

import (
	"context"
	"math"
	"strings"

	"searchd/hf"
)

// Zoo is a Set with models of the other kinds beside it.
type Zoo struct {
	Set
	Classifiers []hf.Classifier
	Rerankers   []hf.Reranker
}

var _ hf.Models = Zoo{}

// Classifier is the classifier of an id; the empty id is the first.
func (z Zoo) Classifier(id string) (hf.Classifier, error) {
	for _, m := range z.Classifiers {
		if id == "" || m.Card().ID == id {
			return m, nil
		}
	}
	return z.Set.Classifier(id)
}

// Reranker is the reranker of an id; the empty id is the first.
func (z Zoo) Reranker(id string) (hf.Reranker, error) {
	for _, m := range z.Rerankers {
		if id == "" || m.Card().ID == id {
			return m, nil
		}
	}
	return z.Set.Reranker(id)
}

// Cards describes the models of all kinds.
func (z Zoo) Cards() []hf.Card {
	cards := z.Set.Cards()
	for _, m := range z.Classifiers {
		cards = append(cards, m.Card())
	}
	for _, m := range z.Rerankers {
		cards = append(cards, m.Card())
	}
	return cards
}

// Shouting is a classifier of how loud a text is: its classes are "loud" and "quiet", and "loud" has the share of the
// letters that are capitals.
type Shouting struct{}

// Card describes it.
func (Shouting) Card() hf.Card { return hf.Card{ID: "test/shouting", Task: "text-classification"} }

// Classify answers both classes for each text, best first.
func (Shouting) Classify(ctx context.Context, texts []string) ([][]hf.Label, error) {
	all := make([][]hf.Label, len(texts))
	for i, text := range texts {
		capitals := 0
		for _, r := range text {
			if r >= 'A' && r <= 'Z' {
				capitals++
			}
		}
		share := float64(capitals) / math.Max(1, float64(len(text)))
		all[i] = []hf.Label{{Name: "loud", Score: share}, {Name: "quiet", Score: 1 - share}}
		if share < 0.5 {
			all[i][0], all[i][1] = all[i][1], all[i][0]
		}
	}
	return all, ctx.Err()
}

// Overlap is a reranker: a text's score is how many words of the query it has, less one.
type Overlap struct{}

// Card describes it.
func (Overlap) Card() hf.Card { return hf.Card{ID: "test/overlap", Task: "text-ranking"} }

// Rerank answers a score a text.
func (Overlap) Rerank(ctx context.Context, query string, texts []string) ([]float32, error) {
	scores := make([]float32, len(texts))
	for i, text := range texts {
		words := strings.Fields(strings.ToLower(text))
		for _, word := range strings.Fields(strings.ToLower(query)) {
			for _, w := range words {
				if w == word {
					scores[i]++
					break
				}
			}
		}
		scores[i]--
	}
	return scores, ctx.Err()
}

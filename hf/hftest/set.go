package hftest

import (
	"strings"

	"searchd/hf"
)

// Set is a list of models as hf.Models; the first is the default.
type Set []hf.Model

var _ hf.Models = Set(nil)

// Model is the model of an id, with or without the publisher's name before it; the empty id is the first.
func (s Set) Model(id string) (hf.Model, error) {
	for _, m := range s {
		if full := m.Card().ID; id == "" || full == id || strings.HasSuffix(full, "/"+id) {
			return m, nil
		}
	}
	return nil, hf.NoModel(id, "embedding model")
}

// Classifier is nothing: a Set has embedding models only.
func (s Set) Classifier(id string) (hf.Classifier, error) { return nil, hf.NoModel(id, "classifier") }

// Reranker is nothing: a Set has embedding models only.
func (s Set) Reranker(id string) (hf.Reranker, error) { return nil, hf.NoModel(id, "reranker") }

// Cards describes every model.
func (s Set) Cards() []hf.Card {
	cards := make([]hf.Card, len(s))
	for i, m := range s {
		cards[i] = m.Card()
	}
	return cards
}

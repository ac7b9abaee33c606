package hftest

import "searchd/hf"

// Set is a list of models as hf.Models; the first is the default.
type Set []hf.Model

var _ hf.Models = Set(nil)

// Model is the model of an id; the empty id is the first.
func (s Set) Model(id string) (hf.Model, bool) {
	for _, m := range s {
		if id == "" || m.Card().ID == id {
			return m, true
		}
	}
	return nil, false
}

// Cards describes every model.
func (s Set) Cards() []hf.Card {
	cards := make([]hf.Card, len(s))
	for i, m := range s {
		cards[i] = m.Card()
	}
	return cards
}

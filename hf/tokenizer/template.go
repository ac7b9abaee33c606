package tokenizer

import "slices"

// template is what a model wants around one text and around two.
type template struct {
	single, pair []slot
}

// slot is a place in a template: a text, or special tokens.
type slot struct {
	text   int     // which text: 0 or 1; noText for special tokens
	ids    []int32 // the special tokens
	typeID int32
}

const noText = -1

func textSlot(text int, typeID int32) slot { return slot{text: text, typeID: typeID} }

func idSlot(id, typeID int32) slot { return slot{text: noText, ids: []int32{id}, typeID: typeID} }

// before is the special token before a single text, noToken where there is not just one.
func (t *template) before() int32 {
	i := slices.IndexFunc(t.single, func(s slot) bool { return s.text == 0 })
	return only(t.single[:max(i, 0)])
}

// after is the special token after a single text, noToken where there is not just one.
func (t *template) after() int32 {
	i := slices.IndexFunc(t.single, func(s slot) bool { return s.text == 0 })
	return only(t.single[i+1:])
}

func only(slots []slot) int32 {
	if len(slots) != 1 || len(slots[0].ids) != 1 {
		return noToken
	}
	return slots[0].ids[0]
}

// specials counts the special tokens among slots.
func specials(slots []slot) int {
	n := 0
	for _, s := range slots {
		n += len(s.ids)
	}
	return n
}

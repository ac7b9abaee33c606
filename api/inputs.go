package api

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"searchd/hf"
	"searchd/models"
)

// maxInputs is how many texts one request of another's dialect may have: what OpenAI takes.
const maxInputs = 2048

// maxIDs is how many token ids a text may be given as.
const maxIDs = 1 << 20

// input is what the dialects take where texts are wanted: a text or a list of them, each as a string or as the ids of its
// tokens.
type input struct {
	texts []string
	ids   [][]int32 // in place of texts
}

// parseInput reads the field of a request that holds an input. It bounds the number of texts, and finds none of them empty.
func parseInput(field string, raw jsontext.Value) (input, error) {
	switch raw.Kind() {
	case jsontext.KindInvalid, jsontext.KindNull:
		return input{}, models.Errorf(models.Invalid, field, "is missing; it must be a string or a list of strings")
	case jsontext.KindString:
		in := input{}
		err := in.add(field, raw)
		return in, err
	case jsontext.KindBeginArray:
		return parseInputs(field, raw)
	}
	return input{}, models.Errorf(models.Invalid, field, "must be a string or a list of strings")
}

// parseInputs reads a list. What its first element is, all must be. A list of numbers is one text, not several.
func parseInputs(field string, raw jsontext.Value) (input, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := d.ReadToken(); err != nil {
		return input{}, within(field, explainJSON(err))
	}
	switch d.PeekKind() {
	case jsontext.KindEndArray:
		return input{}, empty(field)
	case jsontext.KindNumber:
		ids, err := parseIDs(field, raw)
		return input{ids: [][]int32{ids}}, err
	}
	var in input
	for i := 0; d.PeekKind() != jsontext.KindEndArray; i++ {
		if i == maxInputs {
			return input{}, models.Errorf(models.Invalid, field, "has more than %d texts; send several requests", maxInputs)
		}
		element, err := d.ReadValue()
		if err != nil {
			return input{}, within(field, explainJSON(err))
		}
		if err := in.add(fmt.Sprintf("%s[%d]", field, i), element); err != nil {
			return input{}, err
		}
	}
	return in, nil
}

// add takes in a text.
func (in *input) add(at string, element jsontext.Value) error {
	switch {
	case element.Kind() == jsontext.KindString && in.ids == nil:
		var text string
		if err := json.Unmarshal(element, &text); err != nil {
			return within(at, explainJSON(err))
		}
		if text == "" {
			return empty(at)
		}
		in.texts = append(in.texts, text)
	case element.Kind() == jsontext.KindBeginArray && in.texts == nil:
		ids, err := parseIDs(at, element)
		if err != nil {
			return err
		}
		in.ids = append(in.ids, ids)
	default:
		return models.Errorf(models.Invalid, at, "must be a string, as all of the list")
	}
	return nil
}

func parseIDs(field string, raw jsontext.Value) ([]int32, error) {
	var ids []int32
	if err := unmarshal(raw, &ids); err != nil {
		return nil, within(field, explainJSON(err))
	}
	switch {
	case len(ids) == 0:
		return nil, empty(field)
	case len(ids) > maxIDs:
		return nil, models.Errorf(models.Invalid, field, "has %d token ids; at most %d are allowed", len(ids), maxIDs)
	}
	return ids, nil
}

// read is the input as texts. Ids are decoded where the model can; they are the model's own, not another tokenizer's.
func (in input) read(field string, m hf.Model) ([]string, error) {
	if in.ids == nil {
		return in.texts, nil
	}
	decoder, ok := hf.As[hf.Decoder](m)
	if !ok {
		return nil, models.Errorf(models.Invalid, field, "holds token ids, which %s cannot be given here; send the text", m.Card().ID)
	}
	texts := make([]string, len(in.ids))
	for i, ids := range in.ids {
		texts[i] = decoder.Decode(ids, true)
	}
	return texts, nil
}

// characters is how long the texts are together.
func (in input) characters() int {
	n := 0
	for _, text := range in.texts {
		n += utf8.RuneCountInString(text)
	}
	return n
}

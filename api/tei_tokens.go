package api

import (
	"slices"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/models"
)

// maxTokenized bounds the texts of one POST /tokenize, in characters: each token is answered with its text and place.
const maxTokenized = 1 << 20

// teiTokenize lists the tokens that stand for a text, and around them those that the model puts there, unless they are not
// wanted.
func (s *Server) teiTokenize(c *fiber.Ctx) error {
	var body wire.TokenizeRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	in, err := parseInput("inputs", body.Inputs)
	if err != nil {
		return err
	}
	switch n := in.characters(); {
	case in.ids != nil:
		return models.Errorf(models.Invalid, "inputs", "holds token ids; send text")
	case n > maxTokenized:
		return models.Errorf(models.Invalid, "inputs", "has %d characters; at most %d are allowed", n, maxTokenized)
	}
	m, err := s.Models.Model("")
	if err != nil {
		return err
	}
	before, after, err := specialTokens(m, body.AddSpecialTokens)
	if err != nil {
		return err
	}
	return send(c, lo.Map(in.texts, func(text string, _ int) []wire.TEIToken {
		return slices.Concat(before, wireTokens(text, m.Tokenize(text)), after)
	}))
}

// specialTokens are those around a text. Where wanted does not say, a model that does not tell them has none.
func specialTokens(m hf.Model, wanted *bool) (before, after []wire.TEIToken, err error) {
	if wanted != nil && !*wanted {
		return nil, nil, nil
	}
	special, ok := hf.As[hf.SpecialTokenizer](m)
	switch {
	case ok:
	case wanted == nil:
		return nil, nil, nil
	default:
		return nil, nil, models.Errorf(models.Invalid, "add_special_tokens", "cannot be done with %s, which lists the tokens of a text and not those around it; send false", m.Card().ID)
	}
	token := func(id int32, _ int) wire.TEIToken {
		return wire.TEIToken{ID: id, Text: special.Decode([]int32{id}, false), Special: true}
	}
	first, last := special.SpecialTokens()
	return lo.Map(first, token), lo.Map(last, token), nil
}

func wireTokens(text string, tokens []hf.Token) []wire.TEIToken {
	list := make([]wire.TEIToken, len(tokens))
	at, characters := 0, 0 // how many characters stand before a byte
	for i, t := range tokens {
		if t.Start < at {
			at, characters = 0, 0 // a token that overlaps the one before it
		}
		characters += utf8.RuneCountInString(text[at:t.Start])
		at = t.Start
		start := characters
		stop := start + utf8.RuneCountInString(text[t.Start:t.End])
		list[i] = wire.TEIToken{ID: t.ID, Text: text[t.Start:t.End], Start: &start, Stop: &stop}
	}
	return list
}

func (s *Server) teiDecode(c *fiber.Ctx) error {
	var body wire.DecodeRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	in, err := parseInput("ids", body.IDs)
	if err != nil {
		return err
	}
	if in.ids == nil {
		return models.Errorf(models.Invalid, "ids", "must be a list of token ids, or a list of such lists")
	}
	m, err := s.Models.Model("")
	if err != nil {
		return err
	}
	decoder, ok := hf.As[hf.Decoder](m)
	if !ok {
		return &models.Error{Code: models.Invalid, Message: "the tokenizer of " + m.Card().ID + " does not decode here", Err: errBackend}
	}
	skip := body.SkipSpecialTokens == nil || *body.SkipSpecialTokens
	return send(c, lo.Map(in.ids, func(ids []int32, _ int) string { return decoder.Decode(ids, skip) }))
}

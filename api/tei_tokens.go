package api

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/models"
)

// maxTokenVectors bounds the answer to one POST /embed_all: with vectors of 1024 values it has 50 MB.
const maxTokenVectors = 4096

// teiEmbedAll answers a vector for each token, as it is before any pooling.
func (s *Server) teiEmbedAll(c *fiber.Ctx) error {
	var body wire.EmbedRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	in, err := parseInput("inputs", body.Inputs)
	if err != nil {
		return err
	}
	r, err := readingOf(body.EmbedOptions)
	if err != nil {
		return err
	}
	if r.keepEnd {
		return models.Errorf(models.Invalid, "truncation_direction", "can only be right for the vectors of tokens")
	}
	m, err := s.Models.Model("")
	if err != nil {
		return err
	}
	texts, err := in.read("inputs", m)
	if err != nil {
		return err
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	rows, err := embedTokens(ctx, m, texts, r)
	if err != nil {
		return err
	}
	return send(c, rows)
}

// embedTokens answers the vectors of each text's tokens, once it is clear that they are not too many.
func embedTokens(ctx context.Context, m hf.Model, texts []string, r reading) ([][][]float32, error) {
	able, ok := hf.As[hf.TokenEmbedder](m)
	if !ok {
		return nil, &models.Error{Code: models.Invalid, Message: "`embed_all` is not available: " + m.Card().ID + " gives a vector for each text, not for each token; POST /embed", Err: errBackend}
	}
	most, n := m.Card().MaxTokens, 0
	for _, text := range texts {
		if n += min(len(m.Tokenize(text)), most); n > maxTokenVectors {
			return nil, models.Errorf(models.Invalid, "inputs", "has more than %d tokens, each of which has a vector; send several requests", maxTokenVectors)
		}
	}
	list, err := able.EmbedTokens(ctx, r.role, texts)
	if err != nil {
		return nil, err
	}
	rows := make([][][]float32, len(list))
	for i, e := range list {
		if e.Truncated && r.refuseLong {
			return nil, tooLong(elementOf("inputs", i, len(texts)), m.Card(), len(m.Tokenize(texts[i])))
		}
		for _, v := range e.Vectors {
			if err := checkVector(v); err != nil {
				return nil, err
			}
		}
		rows[i] = e.Vectors
	}
	return rows, nil
}

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

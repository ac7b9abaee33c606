package api

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"searchd/hf"
	"searchd/models"
)

// standIns are the names that clients send when they mean the only model that a server has: what they fill in where the
// user gave an address alone, and what their users write to have something there.
var standIns = map[string]bool{
	"": true, "default": true, "dummy": true, "tei": true, "text-embeddings-inference": true,
	"text-embedding-ada-002": true, // OpenAI's and LangChain's default
}

// modelName is the model that a client names: none where it has sent a stand-in, or the address that it knows the server by.
func modelName(sent string) string {
	if standIns[sent] || strings.HasPrefix(sent, "http://") || strings.HasPrefix(sent, "https://") {
		return ""
	}
	return sent
}

// reading is how texts are to be embedded.
type reading struct {
	role       hf.Role
	refuseLong bool // a text over the model's limit is an error; otherwise it is cut
	keepEnd    bool // a text is cut at its beginning
	unit       bool // vectors get length 1, where the model's have another
	dimensions *int // what the client wants; nil is what there are
}

// vectors are texts embedded, and what it has cost.
type vectors struct {
	card   hf.Card
	list   []hf.Embedding
	tokens int
	cut    int // how many texts were not read whole
	took   time.Duration
}

// embedInput embeds an input with a model of this process.
func (s *Server) embedInput(ctx context.Context, model, field string, in input, r reading) (vectors, error) {
	m, err := s.Models.Model(model)
	if err != nil {
		return vectors{}, err
	}
	card := m.Card()
	if n := r.dimensions; n != nil && *n != card.Dimensions {
		return vectors{}, models.Errorf(models.Invalid, "dimensions", "is %d; vectors of %s have %d and do not bear to be cut: leave it out", *n, card.ID, card.Dimensions)
	}
	texts, err := in.read(field, m)
	if err != nil {
		return vectors{}, err
	}
	start := time.Now()
	list, err := embedTexts(ctx, m, field, texts, r)
	if err != nil {
		return vectors{}, err
	}
	v := vectors{card: card, list: list, took: time.Since(start)}
	for i := range list {
		v.tokens += list[i].Tokens
		if list[i].Truncated {
			v.cut++
		}
		if r.unit && !card.Normalized {
			list[i].Vector = models.Normalize(list[i].Vector)
		}
		if err := checkVector(list[i].Vector); err != nil {
			return vectors{}, err
		}
	}
	return v, nil
}

func embedTexts(ctx context.Context, m hf.Model, field string, texts []string, r reading) ([]hf.Embedding, error) {
	list, err := m.Embed(ctx, r.role, texts)
	if err != nil {
		return nil, err
	}
	for i := range list {
		switch {
		case !list[i].Truncated:
		case r.refuseLong:
			return nil, tooLong(elementOf(field, i, len(list)), m.Card(), len(m.Tokenize(texts[i])))
		case r.keepEnd:
			if list[i], err = embedEnd(ctx, m, r.role, texts[i], list[i]); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

func tooLong(field string, card hf.Card, tokens int) error {
	return models.Errorf(models.Invalid, field, "must have at most %d tokens. Given: %d; shorten it, or let it be truncated", card.MaxTokens, tokens)
}

func elementOf(field string, i, n int) string {
	if n == 1 {
		return field
	}
	return field + "[" + strconv.Itoa(i) + "]"
}

// embedEnd embeds the last tokens of a text that is too long, as many as the model reads. A suffix of a text has about
// as many tokens as it had within the text; where it has more, it is made shorter.
func embedEnd(ctx context.Context, m hf.Model, role hf.Role, text string, whole hf.Embedding) (hf.Embedding, error) {
	none, err := m.Embed(ctx, role, []string{""})
	if err != nil {
		return hf.Embedding{}, err
	}
	tokens := m.Tokenize(text)
	for keep := whole.Tokens - none[0].Tokens; keep > 0; keep -= 1 + keep/16 {
		end := text[tokens[max(0, len(tokens)-keep)].Start:]
		list, err := m.Embed(ctx, role, []string{end})
		if err != nil {
			return hf.Embedding{}, err
		}
		if !list[0].Truncated {
			list[0].Truncated = true // of the text that was sent
			return list[0], nil
		}
	}
	return whole, nil // a model with no room for a token
}

// checkVector finds what JSON cannot carry and no index can compare.
func checkVector(v []float32) error {
	for _, x := range v {
		if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
			return &models.Error{Code: models.Internal, Message: "the model has made a vector that is not of numbers", Err: errBackend}
		}
	}
	return nil
}

// tellCost says in headers what text-embeddings-inference says there, and how many texts were cut.
func (v vectors) tellCost(c *fiber.Ctx, characters int) {
	c.Set("X-Compute-Type", "cpu")
	c.Set("X-Compute-Time", strconv.FormatInt(v.took.Milliseconds(), 10))
	c.Set("X-Compute-Characters", strconv.Itoa(characters))
	c.Set("X-Compute-Tokens", strconv.Itoa(v.tokens))
	c.Set("X-Truncated-Inputs", strconv.Itoa(v.cut))
}

// rows are the vectors alone.
func (v vectors) rows() [][]float32 {
	rows := make([][]float32, len(v.list))
	for i, e := range v.list {
		rows[i] = e.Vector
	}
	return rows
}

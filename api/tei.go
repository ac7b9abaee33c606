package api

import (
	"cmp"
	"fmt"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/internal/cores"
	"searchd/models"
)

// routeTEI speaks as text-embeddings-inference does, with the default model of each kind.
func (s *Server) routeTEI() {
	s.app.Post("/embed", in(teiFailure, s.teiEmbed))
	s.app.Post("/embed_all", in(teiFailure, s.teiEmbedAll))
	s.app.Post("/similarity", in(teiFailure, s.teiSimilarity))
	s.app.Post("/predict", in(teiFailure, s.teiPredict))
	s.app.Post("/rerank", in(teiFailure, s.teiRerank))
	s.app.Post("/tokenize", in(teiFailure, s.teiTokenize))
	s.app.Post("/decode", in(teiFailure, s.teiDecode))
	s.app.Get("/info", in(teiFailure, s.teiInfo))
	s.app.Get("/health", in(teiFailure, s.teiHealth))
}

func (s *Server) teiEmbed(c *fiber.Ctx) error {
	var body wire.EmbedRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	v, err := s.hubVectors(c, "", wire.HubRequest{Inputs: body.Inputs, EmbedOptions: body.EmbedOptions})
	if err != nil {
		return err
	}
	return send(c, v.rows())
}

// readingOf is how a client wants its texts to be read.
func readingOf(o wire.EmbedOptions) (reading, error) {
	r := reading{unit: o.Normalize == nil || *o.Normalize, refuseLong: o.Truncate != nil && !*o.Truncate, dimensions: o.Dimensions}
	switch o.TruncationDirection {
	case "", "right", "Right":
	case "left", "Left":
		r.keepEnd = true
	default:
		return r, models.Errorf(models.Invalid, "truncation_direction", "is %.32q; it can be right or left", o.TruncationDirection)
	}
	if cmp.Or(o.EncodingFormat, "float") != "float" {
		return r, models.Errorf(models.Invalid, "encoding_format", "is %.32q; it can be float here: POST /v1/embeddings for base64", o.EncodingFormat)
	}
	switch o.PromptName {
	case "", "document", "passage", "corpus":
	case "query":
		r.role = hf.Query
	default:
		return r, models.Errorf(models.Invalid, "prompt_name", "is %.64q; it can be query or document", o.PromptName)
	}
	return r, nil
}

func (s *Server) teiSimilarity(c *fiber.Ctx) error {
	var body wire.SimilarityRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	scores, err := s.similarities(c, "", body.Inputs, body.Parameters)
	if err != nil {
		return err
	}
	return send(c, scores)
}

// similarities are the cosines of a sentence and others, in their order.
func (s *Server) similarities(c *fiber.Ctx, model string, pairs wire.SimilarityInputs, o wire.EmbedOptions) ([]float32, error) {
	if err := checkCount("inputs.sentences", len(pairs.Sentences)); err != nil {
		return nil, err
	}
	if pairs.SourceSentence == "" {
		return nil, empty("inputs.source_sentence")
	}
	for i, text := range pairs.Sentences {
		if text == "" {
			return nil, empty(fmt.Sprintf("inputs.sentences[%d]", i))
		}
	}
	o.Normalize = nil // a cosine is that of unit vectors
	r, err := readingOf(o)
	if err != nil {
		return nil, err
	}
	in := input{texts: append([]string{pairs.SourceSentence}, pairs.Sentences...)}
	ctx, cancel := s.taskContext()
	defer cancel()
	v, err := s.embedInput(ctx, model, "inputs", in, r)
	if err != nil {
		return nil, err
	}
	v.tellCost(c, in.characters())
	rows := v.rows()
	return lo.Map(rows[1:], func(row []float32, _ int) float32 { return dot(rows[0], row) }), nil
}

func dot(a, b []float32) float32 {
	var sum float64
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return float32(sum)
}

func (s *Server) teiRerank(c *fiber.Ctx) error {
	var body wire.TEIRerankRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	if err := checkCount("texts", len(body.Texts)); err != nil {
		return err
	}
	ranks, _, err := s.rank("", body.Query, body.Texts)
	if err != nil {
		return unlessHere(err, "model is not a re-ranker model")
	}
	return send(c, lo.Map(ranks, func(r ranked, _ int) wire.TEIRank {
		rank := wire.TEIRank{Index: r.index, Score: r.score}
		if !body.RawScores {
			rank.Score = sigmoid(r.score)
		}
		if body.ReturnText {
			rank.Text = &body.Texts[r.index]
		}
		return rank
	}))
}

// unlessHere makes the error of a kind of model that is not here the one that a server of another kind of model answers.
func unlessHere(err error, message string) error {
	if models.CodeOf(err) != models.NotFound {
		return err
	}
	return &models.Error{Code: models.Invalid, Message: message + ": none is here; `searchd model pull ID` brings one", Err: errBackend}
}

func (s *Server) teiInfo(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	m, err := s.Models.Model("")
	if err != nil {
		return err
	}
	card := m.Card()
	info := wire.TEIInfo{
		ModelID: card.ID, ModelSHA: card.Revision, ModelDtype: teiDtype(card.Arithmetic), ServedModelName: card.ID,
		MaxConcurrentRequests: s.app.Config().Concurrency, MaxInputLength: card.MaxTokens, MaxBatchTokens: maxInputs * card.MaxTokens,
		MaxClientBatchSize: maxInputs, AutoTruncate: true, TokenizationWorkers: cores.Count(), Version: s.Version,
	}
	info.ModelType.Embedding.Pooling = card.Pooling
	return send(c, info)
}

// teiDtype is the type of the original's that arithmetic comes nearest to: it has none of integers, which are as exact here as float32.
func teiDtype(arithmetic string) string {
	if arithmetic == "bfloat16" {
		return arithmetic
	}
	return "float32"
}

// teiHealth has an empty body, as the original.
func (s *Server) teiHealth(c *fiber.Ctx) error {
	if err := s.DB.Ping(c.UserContext()); err != nil {
		s.Log.Error("store not readable", "error", err)
		c.Status(fiber.StatusServiceUnavailable)
		return send(c, wire.TEIError{Error: "unhealthy", ErrorType: "Unhealthy"})
	}
	c.Status(fiber.StatusOK)
	return nil
}

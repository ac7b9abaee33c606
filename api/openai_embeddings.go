package api

import (
	"encoding/base64"
	"encoding/binary"
	"math"

	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/models"
)

// openAIEmbeddings speaks OpenAI's embeddings, with a model of this process. Vectors have length 1, as OpenAI's.
//
// Token ids are refused: LangChain's client sends those of OpenAI's own tokenizer, which mean other words to any other.
func (s *Server) openAIEmbeddings(c *fiber.Ctx) error {
	var body wire.EmbeddingRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	pack, err := packing(string(body.EncodingFormat))
	if err != nil {
		return err
	}
	in, err := parseInput("input", body.Input)
	if err != nil {
		return err
	}
	if in.ids != nil {
		return models.Errorf(models.Invalid, "input", "holds token ids, and only OpenAI's models know which words they stand for; send the text (in LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))")
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	v, err := s.embedInput(ctx, modelName(body.Model), "input", in, reading{role: hf.Document, unit: true, dimensions: body.Dimensions})
	if err != nil {
		return err
	}
	answer := wire.EmbeddingList{
		Object: "list", Data: make([]wire.Embedding, len(v.list)), Model: v.card.ID,
		Usage: wire.EmbeddingUsage{PromptTokens: v.tokens, TotalTokens: v.tokens},
	}
	for i, e := range v.list {
		answer.Data[i] = wire.Embedding{Object: "embedding", Embedding: pack(e.Vector), Index: i, Truncated: e.Truncated}
	}
	v.tellCost(c, in.characters())
	return send(c, answer)
}

// packing is how a vector is written. OpenAI's own clients ask for base64 where their caller has asked for nothing.
func packing(format string) (func([]float32) any, error) {
	switch format {
	case "", "float":
		return func(v []float32) any { return v }, nil
	case "base64":
		return func(v []float32) any { return packBase64(v) }, nil
	}
	return nil, models.Errorf(models.Invalid, "encoding_format", "is %.32q; it can be float or base64", format)
}

func packBase64(v []float32) string {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

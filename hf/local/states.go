package local

import (
	"context"
	"slices"

	"searchd/hf"
)

// EmbedTokens computes the last hidden state of each token of each text, beside what Embed computes and in the same
// batches. The states take 4 bytes for each dimension of each token, from when the texts are tokenised.
func (e *Embedder) EmbedTokens(ctx context.Context, role hf.Role, texts []string) ([]hf.TokenEmbedding, error) {
	var ready []text
	width := e.model.Dimensions()
	_, err := e.answer(ctx, len(texts), func() (_ []text, err error) {
		if ready, err = e.prepareAll(ctx, role, texts); err != nil {
			return nil, err
		}
		for i := range ready {
			ready[i].states = make([]float32, len(ready[i].ids)*width)
		}
		return ready, nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]hf.TokenEmbedding, len(texts))
	for i, t := range ready {
		list[i] = hf.TokenEmbedding{Vectors: slices.Collect(slices.Chunk(t.states, width)), Truncated: t.truncated}
	}
	return list, nil
}

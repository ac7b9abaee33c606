package local

import (
	"context"
	"fmt"
	"io/fs"

	"searchd/hf"
)

// Reranker is a cross-encoder in this process. It is safe for concurrent use.
type Reranker struct {
	logits *Embedder // whose vectors have one logit
}

var _ hf.Reranker = (*Reranker)(nil)

// OpenReranker loads the model that lies in fsys as transformers, or the CrossEncoder of sentence-transformers, lays it out:
// a folder of the KindReranker.
func OpenReranker(fsys fs.FS, o Options) (*Reranker, error) {
	e, err := open(fsys, o, KindReranker)
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	return &Reranker{e}, nil
}

// Card describes the model.
func (r *Reranker) Card() hf.Card { return r.logits.Card() }

// Rerank answers the model's number for each text, in order; the higher, the better. It reads the query and a text together,
// and cuts them where they are too long: the longer of the two first.
func (r *Reranker) Rerank(ctx context.Context, query string, texts []string) ([]float32, error) {
	answers, err := r.logits.answer(ctx, len(texts), func() ([]text, error) { return r.logits.preparePairs(ctx, query, texts) })
	if err != nil {
		return nil, err
	}
	scores := make([]float32, len(texts))
	for i, a := range answers {
		scores[i] = a.Vector[0]
	}
	return scores, nil
}

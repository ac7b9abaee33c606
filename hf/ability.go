package hf

import "context"

// As finds what a model can do besides what its kind does, such as Decoder. A model that stands around another has a
// method Unwrap, and can do what that one can.
func As[T any](model any) (ability T, ok bool) {
	for {
		if ability, ok = model.(T); ok {
			return ability, true
		}
		outer, wraps := model.(interface{ Unwrap() Model })
		if !wraps {
			return ability, false
		}
		model = outer.Unwrap()
	}
}

// Decoder is a Tokenizer that can also turn tokens back into text. Not every Model is one.
type Decoder interface {
	// Decode answers the text of tokens; skipSpecial leaves out those that stand around a text. Ids that are no token are
	// left out.
	Decode(ids []int32, skipSpecial bool) string
}

// SpecialTokenizer is a Decoder that can also say what its model puts around a text.
type SpecialTokenizer interface {
	Decoder
	// SpecialTokens answers the ids of the tokens before a text and of those after it.
	SpecialTokens() (before, after []int32)
}

// RawClassifier is a Classifier that also tells the numbers that its scores are made of.
type RawClassifier interface {
	// ClassifyRaw answers the model's own number for every class, before softmax or sigmoid, best first.
	ClassifyRaw(ctx context.Context, texts []string) ([][]Label, error)
}

// TokenEmbedding is a vector for each token of one text that the model read, special tokens included.
type TokenEmbedding struct {
	Vectors   [][]float32
	Truncated bool // as of an Embedding
}

// TokenEmbedder is an Embedder that also answers what its vectors are made of.
type TokenEmbedder interface {
	// EmbedTokens answers the last hidden state of each token of each text, as it is before any pooling. Vectors of tokens
	// take hundreds of times the memory of an Embedding: callers bound the texts.
	EmbedTokens(ctx context.Context, role Role, texts []string) ([]TokenEmbedding, error)
}

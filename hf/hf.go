package hf

import (
	"context"

	"searchd/models"
)

// Role tells a model whether a text is stored or asked. Some models were trained with a different prompt for each.
type Role uint8

const (
	Document Role = iota // a text to be found
	Query                // a text to find others with
)

// Embedding is the vector of one text, with what reading the text cost.
type Embedding struct {
	Vector    []float32 // Card.Dimensions values, of unit length where Card.Normalized
	Tokens    int       // tokens the model read, special tokens included
	Truncated bool      // the text was longer than Card.MaxTokens and its tail was not read
}

// Token is a piece of a text as the model's tokenizer sees it.
type Token struct {
	ID         int32
	Start, End int // the bytes of the original text it stands for: text[Start:End]
}

// Card describes a model: what a collection records about it, and what a person wants to know.
type Card struct {
	ID           string          // e.g. "sentence-transformers/all-MiniLM-L6-v2"
	Revision     string          // content hash of the weights in use: "sha256:…"
	Task         string          // e.g. "sentence-similarity"
	Architecture string          // e.g. "bert"
	Parameters   int64           // number of weights
	Dimensions   int             // length of an embedding
	MaxTokens    int             // longest input, special tokens included
	Pooling      string          // "mean", "cls", …
	Normalized   bool            // embeddings have unit length
	Prompts      map[Role]string // text put before an input of that role; absent means none
	Licence      string          // SPDX identifier
	Source       string          // where the weights came from: "bundled", a folder
	Precision    string          // how the weights are stored: "int8", "float32", …
	Arithmetic   string          // what they are multiplied in, once the model is open: "int16", "int8", "float32" or "bfloat16"
	Null         Null            // how unrelated texts score
}

// Null is the distribution of cosines between unrelated texts, from which a score becomes a relevance.
type Null struct {
	Mean, StdDev float64
}

// Embedder turns texts into vectors, in order. Implementations are safe for concurrent use.
type Embedder interface {
	// Embed answers one Embedding a text. A text longer than Card().MaxTokens is cut, and says so; the empty text has
	// an embedding too. It fails as a whole, with ctx's error when ctx ends first.
	Embed(ctx context.Context, role Role, texts []string) ([]Embedding, error)
	Card() Card
}

// Tokenizer splits a text as a model does, without special tokens and without a limit.
type Tokenizer interface {
	Tokenize(text string) []Token
}

// Model is an Embedder that can also say how it splits texts.
type Model interface {
	Embedder
	Tokenizer
}

// Classifier says which of its classes a text belongs to. Implementations are safe for concurrent use.
type Classifier interface {
	// Classify answers every class of the model for each text, best first.
	Classify(ctx context.Context, texts []string) ([][]Label, error)
	Card() Card
}

// Reranker judges how well texts answer a query, by reading both together. Implementations are safe for concurrent use.
type Reranker interface {
	// Rerank answers a score a text, in order; the higher, the better. A score is the model's own number before any
	// sigmoid.
	Rerank(ctx context.Context, query string, texts []string) ([]float32, error)
	Card() Card
}

// Models finds the models that a process can run. An id that is not here is a models.NotFound error; a model that is here
// but cannot be opened is a models.Unavailable one, which says why.
type Models interface {
	// Model is the embedding model of an id; the empty id is the default model.
	Model(id string) (Model, error)
	// Classifier is the classifying model of an id; the empty id is the first there is.
	Classifier(id string) (Classifier, error)
	// Reranker is the cross-encoder of an id; the empty id is the first there is.
	Reranker(id string) (Reranker, error)
	// Cards describes every model, the default first.
	Cards() []Card
}

// NoModel is the error of an id that is not here. What names the kind of model that was wanted, as in "embedding model".
func NoModel(id, what string) error {
	if id == "" {
		return models.Errorf(models.NotFound, "model", "there is no %s here; `searchd model list` shows what is, `searchd model pull ID` brings one", what)
	}
	return models.Errorf(models.NotFound, "model", "there is no %s %.128q here; `searchd model list` shows what is, `searchd model pull ID` brings one", what, id)
}

// ModelOf is the model that a collection was made with, and no other: vectors of two models cannot be compared.
func ModelOf(available Models, c models.Collection) (Model, error) {
	m, err := available.Model(c.Model)
	if models.CodeOf(err) == models.NotFound {
		return nil, models.Errorf(models.Unavailable, "", "collection %q needs the model %s, which is not here: bring it with `searchd model pull`, or name its folder with --models", c.Name, c.Model)
	}
	if err != nil {
		return nil, err
	}
	if card := m.Card(); card.Revision != c.Revision {
		return nil, models.Errorf(models.Unavailable, "", "collection %q was made with %s %s; this searchd has %s: have it embedded again with `searchd reembed`",
			c.Name, c.Model, c.Revision, card.Revision)
	}
	return m, nil
}

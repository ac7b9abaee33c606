package wire

import "github.com/go-json-experiment/json/jsontext"

// EmbedOptions say how texts are read, in the words of text-embeddings-inference. Hugging Face's clients use the same.
type EmbedOptions struct {
	Truncate            *bool  `json:"truncate,omitzero"`              // false refuses a text over the model's limit
	TruncationDirection Choice `json:"truncation_direction,omitempty"` // "right" (default) or "left": where it is cut
	PromptName          Choice `json:"prompt_name,omitempty"`          // "query", or "document" (default)
	Normalize           *bool  `json:"normalize,omitzero"`
	Dimensions          *int   `json:"dimensions,omitzero"`
	EncodingFormat      Choice `json:"encoding_format,omitempty"`
}

// EmbedRequest is POST /embed.
type EmbedRequest struct {
	EmbedOptions `json:",inline"`
	Inputs       jsontext.Value `json:"inputs"` // a string, or a list of them
}

// SimilarityRequest is POST /similarity.
type SimilarityRequest struct {
	Inputs     SimilarityInputs `json:"inputs"`
	Parameters EmbedOptions     `json:"parameters,omitzero"`
}

// SimilarityInputs are a sentence and those that it is compared with.
type SimilarityInputs struct {
	SourceSentence string   `json:"source_sentence"`
	Sentences      []string `json:"sentences"`
}

// PredictRequest is POST /predict. A list of two strings is one pair, a list of lists is several texts.
type PredictRequest struct {
	Inputs    jsontext.Value `json:"inputs"`
	RawScores bool           `json:"raw_scores,omitzero"`
}

// TEIRerankRequest is POST /rerank.
type TEIRerankRequest struct {
	Query      string   `json:"query"`
	Texts      []string `json:"texts"`
	RawScores  bool     `json:"raw_scores,omitzero"`
	ReturnText bool     `json:"return_text,omitzero"`
}

// TEIRank is a text's place.
type TEIRank struct {
	Index int     `json:"index"`
	Score float64 `json:"score"`
	Text  *string `json:"text,omitzero"`
}

// TokenizeRequest is POST /tokenize.
type TokenizeRequest struct {
	Inputs           jsontext.Value `json:"inputs"`
	AddSpecialTokens *bool          `json:"add_special_tokens,omitzero"`
}

// TEIToken is a token; start and stop count characters. Those of a special token are null.
type TEIToken struct {
	ID      int32  `json:"id"`
	Text    string `json:"text"`
	Special bool   `json:"special"`
	Start   *int   `json:"start"`
	Stop    *int   `json:"stop"`
}

// DecodeRequest is POST /decode: one list of ids, or several.
type DecodeRequest struct {
	IDs               jsontext.Value `json:"ids"`
	SkipSpecialTokens *bool          `json:"skip_special_tokens,omitzero"`
}

// TEIInfo is GET /info.
type TEIInfo struct {
	ModelID               string       `json:"model_id"`
	ModelSHA              string       `json:"model_sha"`
	ModelDtype            string       `json:"model_dtype"`
	ServedModelName       string       `json:"served_model_name"`
	ModelType             TEIModelType `json:"model_type"`
	MaxConcurrentRequests int          `json:"max_concurrent_requests"`
	MaxInputLength        int          `json:"max_input_length"`
	MaxBatchTokens        int          `json:"max_batch_tokens"`
	MaxBatchRequests      *int         `json:"max_batch_requests"`
	MaxClientBatchSize    int          `json:"max_client_batch_size"`
	AutoTruncate          bool         `json:"auto_truncate"`
	TokenizationWorkers   int          `json:"tokenization_workers"`
	Version               string       `json:"version"`
	SHA                   *string      `json:"sha"`
	DockerLabel           *string      `json:"docker_label"`
}

// TEIModelType says what kind of model it is.
type TEIModelType struct {
	Embedding struct {
		Pooling string `json:"pooling"`
	} `json:"embedding"`
}

// TEIError is an error of text-embeddings-inference.
type TEIError struct {
	Error     string `json:"error"`
	ErrorType string `json:"error_type"`
}

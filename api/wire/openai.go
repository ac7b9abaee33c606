package wire

import "github.com/go-json-experiment/json/jsontext"

// ChatRequest is the part of OpenAI's POST /v1/chat/completions that is used here. Other fields are ignored, as clients
// send many.
type ChatRequest struct {
	Model               string         `json:"model"`
	Messages            []ChatMessage  `json:"messages"`
	Temperature         *float64       `json:"temperature,omitzero"`
	MaxTokens           *int           `json:"max_tokens,omitzero"`
	MaxCompletionTokens *int           `json:"max_completion_tokens,omitzero"`
	TopP                *float64       `json:"top_p,omitzero"`
	Stop                jsontext.Value `json:"stop,omitempty"` // a string or a list
	Stream              bool           `json:"stream,omitzero"`
	StreamOptions       struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options,omitzero"`
}

// ChatMessage is one turn; content is a string, or a list of parts.
type ChatMessage struct {
	Role    string         `json:"role"`
	Content jsontext.Value `json:"content"`
}

// CompletionsRequest is the part of OpenAI's POST /v1/completions that is used here.
type CompletionsRequest struct {
	Model       string         `json:"model"`
	Prompt      jsontext.Value `json:"prompt"` // a string, or a list with one
	Temperature *float64       `json:"temperature,omitzero"`
	MaxTokens   *int           `json:"max_tokens,omitzero"`
	TopP        *float64       `json:"top_p,omitzero"`
	Stop        jsontext.Value `json:"stop,omitempty"`
	Stream      bool           `json:"stream,omitzero"`
}

// OpenAIAnswer is an answer of both, whole or a piece of a stream.
type OpenAIAnswer struct {
	ID      string         `json:"id"`
	Object  string         `json:"object"`
	Created int64          `json:"created"`
	Model   string         `json:"model"`
	Choices []OpenAIChoice `json:"choices"`
	Usage   *OpenAIUsage   `json:"usage,omitzero"`
}

// OpenAIChoice is the one answer.
type OpenAIChoice struct {
	Index        int            `json:"index"`
	Message      *OpenAIMessage `json:"message,omitzero"`
	Delta        *OpenAIMessage `json:"delta,omitzero"`
	Text         *string        `json:"text,omitzero"`
	Logprobs     *struct{}      `json:"logprobs"`
	FinishReason *string        `json:"finish_reason"`
}

// OpenAIMessage is a turn of the model, or a piece of it.
type OpenAIMessage struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitzero"`
}

// OpenAIUsage is what an answer has cost.
type OpenAIUsage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// OpenAIModels is GET /v1/models.
type OpenAIModels struct {
	Object string        `json:"object"`
	Data   []OpenAIModel `json:"data"`
}

// OpenAIModel is one model.
type OpenAIModel struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

// EmbeddingRequest is OpenAI's POST /v1/embeddings.
type EmbeddingRequest struct {
	Model          string         `json:"model"`
	Input          jsontext.Value `json:"input"`                     // a string, or a list of them
	EncodingFormat Choice         `json:"encoding_format,omitempty"` // "float" or "base64"
	Dimensions     *int           `json:"dimensions,omitzero"`
}

// EmbeddingList is the answer.
type EmbeddingList struct {
	Object string         `json:"object"`
	Data   []Embedding    `json:"data"`
	Model  string         `json:"model"`
	Usage  EmbeddingUsage `json:"usage"`
}

// Embedding is one vector: a list of numbers, or base64 of little-endian float32.
type Embedding struct {
	Object    string `json:"object"`
	Embedding any    `json:"embedding"`
	Index     int    `json:"index"`
	Truncated bool   `json:"truncated,omitzero"` // the model has not read the end; not one of OpenAI's fields
}

// EmbeddingUsage is what an embedding has cost.
type EmbeddingUsage struct {
	PromptTokens int `json:"prompt_tokens"`
	TotalTokens  int `json:"total_tokens"`
}

// RerankRequest is POST /v1/rerank as Cohere and Jina have it.
type RerankRequest struct {
	Model           string           `json:"model"`
	Query           string           `json:"query"`
	Documents       []jsontext.Value `json:"documents"` // strings, or objects with a text
	TopN            *int             `json:"top_n,omitzero"`
	ReturnDocuments bool             `json:"return_documents,omitzero"`
}

// Reranked is the answer, best first.
type Reranked struct {
	ID      string         `json:"id"`
	Model   string         `json:"model"`
	Results []RerankResult `json:"results"`
}

// RerankResult is a document's place.
type RerankResult struct {
	Index          int             `json:"index"`
	RelevanceScore float64         `json:"relevance_score"`
	Document       *RerankDocument `json:"document,omitzero"`
}

// RerankDocument is a document that was sent.
type RerankDocument struct {
	Text string `json:"text"`
}

// RerankError says what went wrong as OpenAI, Cohere and Jina do.
type RerankError struct {
	ErrorAnswer `json:",inline"`
	Message     string `json:"message"`
	Detail      string `json:"detail"`
}

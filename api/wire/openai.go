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

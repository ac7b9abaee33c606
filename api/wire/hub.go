package wire

import "github.com/go-json-experiment/json/jsontext"

// HubRequest is what Hugging Face's clients send, whatever the task. Embeddings have their options beside the inputs, the
// other tasks have parameters.
type HubRequest struct {
	EmbedOptions `json:",inline"`
	Inputs       jsontext.Value `json:"inputs"`
	Parameters   jsontext.Value `json:"parameters,omitempty"`
	Stream       *bool          `json:"stream,omitzero"`
}

// ClassifyParameters are those of text-classification.
type ClassifyParameters struct {
	TopK            *int   `json:"top_k,omitzero"`
	FunctionToApply Choice `json:"function_to_apply,omitempty"`
}

// SummaryParameters are those of summarization, in all the places where clients put them.
type SummaryParameters struct {
	Lengths              `json:",inline"`
	GenerateParameters   Lengths `json:"generate_parameters,omitzero"`
	GenerationParameters Lengths `json:"generation_parameters,omitzero"`
	GenerateKwargs       Lengths `json:"generate_kwargs,omitzero"`
}

// Lengths bound a summary.
type Lengths struct {
	MaxLength    *int `json:"max_length,omitzero"`
	MaxNewTokens *int `json:"max_new_tokens,omitzero"` // the same
	MinLength    *int `json:"min_length,omitzero"`
}

// HubSummary is an element of the answer to summarization.
type HubSummary struct {
	SummaryText string `json:"summary_text"`
}

// TranslationParameters are those of translation.
type TranslationParameters struct {
	Source string `json:"src_lang,omitempty"`
	Target string `json:"tgt_lang,omitempty"`
}

// HubTranslation is an element of the answer to translation.
type HubTranslation struct {
	TranslationText string `json:"translation_text"`
}

// GenerateParameters are those of text-generation that are used here.
type GenerateParameters struct {
	Temperature       *float64 `json:"temperature,omitzero"`
	MaxNewTokens      *int     `json:"max_new_tokens,omitzero"`
	TopP              *float64 `json:"top_p,omitzero"`
	TopK              *int     `json:"top_k,omitzero"`
	RepetitionPenalty *float64 `json:"repetition_penalty,omitzero"`
	DoSample          *bool    `json:"do_sample,omitzero"`
	Stop              []string `json:"stop,omitempty"`
	Seed              *int64   `json:"seed,omitzero"`
	ReturnFullText    bool     `json:"return_full_text,omitzero"`
	Details           bool     `json:"details,omitzero"`
}

// Generated is a text that was made.
type Generated struct {
	GeneratedText string            `json:"generated_text"`
	Details       *GeneratedDetails `json:"details,omitzero"`
}

// GeneratedDetails say how a text ended. Providers say nothing of single tokens, so those lists are empty.
type GeneratedDetails struct {
	FinishReason    string     `json:"finish_reason"` // "eos_token" or "length"
	GeneratedTokens int        `json:"generated_tokens"`
	InputLength     int        `json:"input_length"`
	Seed            *int64     `json:"seed"`
	Prefill         []struct{} `json:"prefill"`
	Tokens          []struct{} `json:"tokens"`
}

// GeneratedPiece is an event of a stream; the last has the whole text.
type GeneratedPiece struct {
	Index         int               `json:"index"`
	Token         GeneratedToken    `json:"token"`
	GeneratedText *string           `json:"generated_text"`
	Details       *GeneratedDetails `json:"details"`
}

// GeneratedToken is a piece of text. A provider says neither its id nor how likely it was.
type GeneratedToken struct {
	ID      int     `json:"id"`
	Text    string  `json:"text"`
	Logprob float64 `json:"logprob"`
	Special bool    `json:"special"`
}

// HubError is an error of an inference container.
type HubError struct {
	Error string `json:"error"`
}

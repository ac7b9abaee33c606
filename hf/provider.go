package hf

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// Task names what a model is asked to do, in the words of the Hugging Face hub.
type Task string

const (
	TextGeneration     Task = "text-generation"
	FeatureExtraction  Task = "feature-extraction"
	TextClassification Task = "text-classification"
	Summarization      Task = "summarization"
	Translation        Task = "translation"
	TextRanking        Task = "text-ranking"
)

// Provider runs tasks, here or on somebody's server. Implementations are safe for concurrent use.
type Provider interface {
	// Do answers a call. A failure is a *CallError, or ctx's error.
	Do(ctx context.Context, c Call) (Reply, error)
	// Stream answers a text generation piece by piece. The last piece has the reason for the end. After an error, which
	// may come after some pieces, there is nothing more.
	Stream(ctx context.Context, c Call) iter.Seq2[Delta, error]
}

// Call is one request to a model.
type Call struct {
	Task     Task
	Model    string
	Inputs   []string  // texts: one prompt to generate from, any number to embed, classify or rank
	Query    string    // what texts are ranked for
	Messages []Message // a conversation, in place of Inputs, for text generation
	Params   Params
	Source   string // languages of a translation, as the model names them; may be empty
	Target   string
}

// Message is one turn of a conversation.
type Message struct {
	Role    string // "system", "user", "assistant"
	Content string
}

// Params tune a generation. Nil leaves the choice to the model.
type Params struct {
	Temperature       *float64
	MaxTokens         *int
	MinTokens         *int // of a summary
	TopP              *float64
	TopK              *int
	RepetitionPenalty *float64
	DoSample          *bool
	Stop              []string
	Seed              *int64
}

// Reply is the answer to a Call: of the four lists, the one that its task is about, an element an input.
type Reply struct {
	Model        string // as the provider names it
	Texts        []string
	Labels       [][]Label // best first
	Vectors      [][]float32
	Scores       []float32 // of a ranking: the higher, the better
	FinishReason string    // "stop", "length", …; empty where the provider does not say
	Usage        Usage
}

// Label is a class and how sure the model is of it, 0 to 1.
type Label struct {
	Name  string
	Score float64
}

// Usage is what a call has cost, in tokens; 0 where the provider does not say.
type Usage struct {
	PromptTokens     int
	CompletionTokens int
}

// Delta is a piece of a generated text.
type Delta struct {
	Text         string
	FinishReason string // set on the last piece
	Usage        *Usage // on the last piece, where the provider says
}

// Fault classes a failed call by what can be done about it.
type Fault string

const (
	FaultLoading    Fault = "loading"     // the model is being loaded: try again, not too soon
	FaultRateLimit  Fault = "rate_limit"  // too many calls: try again after RetryAfter
	FaultBusy       Fault = "busy"        // this process has too much to do: its caller may try again after RetryAfter
	FaultServer     Fault = "server"      // the provider failed: try again
	FaultConnection Fault = "connection"  // no answer, or half of one: try again
	FaultTimeout    Fault = "timeout"     // no answer in time: try again
	FaultKey        Fault = "key"         // the key is missing or wrong
	FaultPermission Fault = "permission"  // the key may not do this
	FaultCredits    Fault = "credits"     // the account has none left
	FaultNotServed  Fault = "not_served"  // the provider does not run this model
	FaultInvalid    Fault = "invalid"     // the call itself is wrong
	FaultRetired    Fault = "retired"     // the endpoint is gone
	FaultUnreadable Fault = "unreadable"  // the answer is not what the protocol says
	FaultForbidden  Fault = "forbidden"   // the endpoint's address is one that is not allowed
	FaultUnsupport  Fault = "unsupported" // this provider has no such task
)

// Transient says that the same call may succeed later.
func (f Fault) Transient() bool {
	switch f {
	case FaultLoading, FaultRateLimit, FaultServer, FaultConnection, FaultTimeout:
		return true
	}
	return false
}

// CallError is a failed call: what kind of failure, and what the provider said of it, without headers or keys.
type CallError struct {
	Fault      Fault
	Status     int           // HTTP status of the provider; 0 where there was no answer
	Message    string        // the provider's own words, shortened
	RetryAfter time.Duration // how long it asks to wait; 0 where it does not say
	Err        error         // cause, for the log
}

func (e *CallError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: %s", e.Fault, e.Message)
	}
	return fmt.Sprintf("%s (HTTP %d): %s", e.Fault, e.Status, e.Message)
}

func (e *CallError) Unwrap() error { return e.Err }

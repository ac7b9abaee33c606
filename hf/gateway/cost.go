package gateway

import (
	"cmp"
	"context"
	"time"
	"unicode/utf8"

	"searchd/hf"
)

// Tier is how a provider is paid.
type Tier struct {
	Name              string
	USD               float64 // price of PerCharacters characters
	PerCharacters     int
	MonthlyCharacters int // what is included a month; 0 is no limit. A Budget holds it
}

// Tiers are the tiers of hosted Hugging Face.
func Tiers() []Tier {
	return []Tier{
		{Name: "free", MonthlyCharacters: 30_000},
		{Name: "pro", USD: 9, PerCharacters: 1_000_000, MonthlyCharacters: 1_000_000},
		{Name: "pay-per-use", USD: 0.60, PerCharacters: 1_000_000},
	}
}

// Estimate is the price of a number of characters, prompt and completion together, in US dollars:
//
//	characters × USD ÷ PerCharacters
//
// A tier with a price a month is shared out over the characters that it includes.
func Estimate(t Tier, characters int) float64 {
	if t.PerCharacters == 0 {
		return 0
	}
	return float64(characters) * t.USD / float64(t.PerCharacters)
}

// Record is one finished request, for a log that never holds what was asked or answered.
type Record struct {
	Time                 time.Time // when it finished
	Provider             string    // who answered or, of a failure, who failed last
	Type                 string
	Model                string // that was asked for or, where none was named, that the reply names
	Task                 hf.Task
	Attempts             int // calls sent upstream; those of a joined request are those it waited for
	PromptCharacters     int
	CompletionCharacters int
	Usage                hf.Usage
	EstimatedCostUSD     float64
	Took                 time.Duration
	FromCache            bool
	Joined               bool
	Stream               bool
	Fault                hf.Fault // empty where it succeeded
}

// Recorder keeps what requests were made. It is called once for each finished one, before its caller has the answer, so
// it must be quick and safe for concurrent use. Its ctx does not end with the request. What is refused for naming no target,
// or no text to embed, is not a request yet and is not recorded.
type Recorder interface {
	Record(ctx context.Context, r Record)
}

// Spend is a call about to be sent.
type Spend struct {
	Provider         string
	Type             string
	Model            string
	Task             hf.Task
	Tier             Tier
	Characters       int     // of the prompt: the length of the answer is not known yet
	EstimatedCostUSD float64 // of those characters
}

// Budget is asked before each upstream call, also before a repeated one. Its error refuses the call, says why, and is
// shown to the user; the next target is then asked about.
type Budget interface {
	Allow(ctx context.Context, s Spend) error
}

func (g *Gateway) record(ctx context.Context, task hf.Task, t Target, res Result, fault hf.Fault, stream bool) {
	if g.opt.Recorder == nil {
		return
	}
	g.opt.Recorder.Record(context.WithoutCancel(ctx), Record{
		Time: time.Now(), Provider: t.Provider, Type: t.Type, Model: cmp.Or(t.Model, res.Model), Task: task,
		Attempts: res.Attempts, PromptCharacters: res.PromptCharacters, CompletionCharacters: res.CompletionCharacters,
		Usage: res.Usage, EstimatedCostUSD: res.EstimatedCostUSD, Took: res.Elapsed,
		FromCache: res.FromCache, Joined: res.Joined, Stream: stream, Fault: fault,
	})
}

// allow asks the budget about a call.
func (g *Gateway) allow(ctx context.Context, t Target, c hf.Call) error {
	if g.opt.Budget == nil {
		return nil
	}
	n := promptCharacters(c)
	err := g.opt.Budget.Allow(ctx, Spend{
		Provider: t.Provider, Type: t.Type, Model: c.Model, Task: c.Task, Tier: t.Tier,
		Characters: n, EstimatedCostUSD: Estimate(t.Tier, n),
	})
	if err != nil {
		return &hf.CallError{Fault: FaultBudget, Message: err.Error(), Err: err}
	}
	return nil
}

func promptCharacters(c hf.Call) int {
	n := characters(c.Inputs) + utf8.RuneCountInString(c.Query)*len(c.Inputs) // it is read with each text
	for _, m := range c.Messages {
		n += utf8.RuneCountInString(m.Content)
	}
	return n
}

func completionCharacters(r hf.Reply) int { return characters(r.Texts) }

func characters(texts []string) int {
	n := 0
	for _, t := range texts {
		n += utf8.RuneCountInString(t)
	}
	return n
}

package tasks

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"searchd/hf"
	"searchd/hf/catalog"
)

// fitted is a provider that gets calls as its models take them: without the parameters that a model does not know and,
// where it is told, in words. So one call fits all the targets of a route.
type fitted struct {
	hf.Provider
	catalog *catalog.Catalog
	told    bool // the models only chat: other tasks are put into an instruction
}

func (f fitted) fit(c hf.Call) hf.Call {
	if kept, _, err := f.catalog.Check(c.Model, c.Params); err == nil {
		c.Params = kept
	}
	return c
}

// Stream is never told: only a generation is streamed.
func (f fitted) Stream(ctx context.Context, c hf.Call) iter.Seq2[hf.Delta, error] {
	return f.Provider.Stream(ctx, f.fit(c))
}

// Do answers a call. A told classification has its answer in Texts, for judgement to read.
func (f fitted) Do(ctx context.Context, c hf.Call) (hf.Reply, error) {
	if !f.told {
		return f.Provider.Do(ctx, f.fit(c))
	}
	whole := hf.Reply{Model: c.Model}
	for _, text := range c.Inputs {
		one, err := instruct(c, text)
		if err != nil {
			return hf.Reply{}, err
		}
		reply, err := f.Provider.Do(ctx, f.fit(one))
		if err != nil {
			return hf.Reply{}, err
		}
		if err := addTold(&whole, c.Task, reply); err != nil {
			return hf.Reply{}, err
		}
	}
	return whole, nil
}

func addTold(whole *hf.Reply, task hf.Task, reply hf.Reply) error {
	text := spoken(strings.Join(reply.Texts, ""))
	if text == "" {
		return unreadable("the model answered nothing")
	}
	if _, ok := judge(text); task == hf.TextClassification && !ok {
		return unreadable(fmt.Sprintf("the model was asked for positive, negative or neutral, and answered %.80q", text))
	}
	whole.Model, whole.Texts = reply.Model, append(whole.Texts, text)
	if whole.FinishReason != cutOff {
		whole.FinishReason = reply.FinishReason
	}
	whole.Usage.PromptTokens += reply.Usage.PromptTokens
	whole.Usage.CompletionTokens += reply.Usage.CompletionTokens
	return nil
}

// cutOff is the reason of a text that ended because it had all its tokens.
const cutOff = "length"

func unreadable(message string) error {
	return &hf.CallError{Fault: hf.FaultUnreadable, Message: message}
}

// instruct puts a task for one text into words. It is one message of the user, for some models know no other role.
func instruct(c hf.Call, text string) (hf.Call, error) {
	told := hf.Call{Task: hf.TextGeneration, Model: c.Model, Params: c.Params}
	var what string
	switch c.Task {
	case hf.Summarization:
		what, told.Params = shortening(c.Params)
	case hf.Translation:
		if c.Target == "" {
			return told, &hf.CallError{Fault: hf.FaultInvalid, Message: "target: name the language; a model that chats must be told it"}
		}
		what = "Translate the text below into " + c.Target + "."
		if c.Source != "" {
			what = "Translate the text below from " + c.Source + " into " + c.Target + "."
		}
		what += " Answer with the translation alone."
	default:
		what = "Judge the sentiment of the text below. Answer with one word - positive, negative or neutral - and how sure you are, from 0 to 1, as in: positive 0.9"
	}
	told.Messages = []hf.Message{{Role: "user", Content: what + "\n\nText:\n" + text}}
	return told, nil
}

// shortening says how long a summary may be. Its limits are words; a word takes up to two tokens in most languages.
func shortening(p hf.Params) (string, hf.Params) {
	limit := ""
	if p.MinTokens != nil && *p.MinTokens > 0 {
		limit = fmt.Sprintf(" at least %d and", *p.MinTokens)
	}
	p.MinTokens = nil
	if p.MaxTokens == nil {
		return "Summarise the text below. Answer with the summary alone, in the language of the text.", p
	}
	room := 2**p.MaxTokens + 16
	what := fmt.Sprintf("Summarise the text below in%s at most %d words. Answer with the summary alone, in the language of the text.", limit, *p.MaxTokens)
	p.MaxTokens = &room
	return what, p
}

var thought = regexp.MustCompile(`(?is)^\s*<think>(.*?</think>|.*)`)

// spoken is an answer without what a model thought before it, which is all of it where the tokens ended first.
func spoken(text string) string {
	return strings.TrimSpace(thought.ReplaceAllLiteralString(text, ""))
}

// judgement is a sentiment in words.
type judgement struct {
	sentiment  string
	confidence float64 // 0 where the model gave none
}

var (
	judged = regexp.MustCompile(`(?i)\b(positive|negative|neutral)\b`)
	sure   = regexp.MustCompile(`(\d*[.,]?\d+)\s?(%?)`)
)

// judge reads a sentiment: the word with which the answer begins, or the only one that it has.
func judge(text string) (judgement, bool) {
	found := judged.FindAllStringIndex(text, -1)
	names := map[string]bool{}
	for _, f := range found {
		names[strings.ToLower(text[f[0]:f[1]])] = true
	}
	if len(found) == 0 || len(names) > 1 && strings.Trim(text[:found[0][0]], " *\"'`\t\n") != "" {
		return judgement{}, false
	}
	from, to := found[0][0], found[0][1]
	return judgement{strings.ToLower(text[from:to]), confidence(text[to:])}, true
}

// confidence is the first number of a text, as a share or in percent; 0 where it is neither.
func confidence(text string) float64 {
	m := sure.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseFloat(strings.Replace(m[1], ",", ".", 1), 64)
	if m[2] == "%" {
		n /= 100
	}
	if err != nil || n > 1 {
		return 0
	}
	return n
}

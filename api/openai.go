package api

import (
	"bufio"
	"cmp"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/models"
	"searchd/tasks"
)

func (s *Server) routeOpenAI() {
	s.app.Post("/v1/chat/completions", in(openAIFailure, s.chat))
	s.app.Post("/v1/completions", in(openAIFailure, s.completions))
	s.app.Post("/v1/embeddings", in(openAIFailure, s.openAIEmbeddings))
	s.app.Post("/v1/rerank", in(rerankFailure, s.openAIRerank))
	s.app.Get("/v1/models", in(openAIFailure, s.openAIModels))
	s.app.Get("/v1/models/*", in(openAIFailure, s.openAIModel))
}

// chat speaks OpenAI's chat completions, for clients that exist already.
func (s *Server) chat(c *fiber.Ctx) error {
	var body wire.ChatRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	prompt := tasks.Prompt{Params: hf.Params{Temperature: body.Temperature, MaxTokens: lo.CoalesceOrEmpty(body.MaxCompletionTokens, body.MaxTokens), TopP: body.TopP}}
	var err error
	if prompt.Messages, err = chatMessages(body.Messages); err != nil {
		return err
	}
	if prompt.Params.Stop, err = stringOrList("stop", body.Stop); err != nil {
		return err
	}
	d := dialect{object: "chat.completion", prefix: "chatcmpl-", chat: true, usage: body.StreamOptions.IncludeUsage}
	return s.openAI(c, d, body.Model, prompt, body.Stream)
}

// completions speaks OpenAI's older completions.
func (s *Server) completions(c *fiber.Ctx) error {
	var body wire.CompletionsRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	prompts, err := stringOrList("prompt", body.Prompt)
	if err != nil {
		return err
	}
	if len(prompts) != 1 {
		return models.Errorf(models.Invalid, "prompt", "has %d texts; give one", len(prompts))
	}
	prompt := tasks.Prompt{Text: prompts[0], Params: hf.Params{Temperature: body.Temperature, MaxTokens: body.MaxTokens, TopP: body.TopP}}
	if prompt.Params.Stop, err = stringOrList("stop", body.Stop); err != nil {
		return err
	}
	return s.openAI(c, dialect{object: "text_completion", prefix: "cmpl-"}, body.Model, prompt, body.Stream)
}

// decodeLoosely reads a JSON body whose fields are somebody else's: those that are not known here are ignored.
func decodeLoosely(c *fiber.Ctx, v any) error {
	if err := requireJSON(c); err != nil {
		return err
	}
	body, err := readBody(c)
	if err != nil {
		return err
	}
	return explainJSON(unmarshal(body, v))
}

func chatMessages(list []wire.ChatMessage) ([]hf.Message, error) {
	if len(list) == 0 {
		return nil, models.Errorf(models.Invalid, "messages", "is empty; give at least one")
	}
	messages := make([]hf.Message, len(list))
	for i, m := range list {
		field := fmt.Sprintf("messages[%d]", i)
		if m.Role != "system" && m.Role != "developer" && m.Role != "user" && m.Role != "assistant" {
			return nil, models.Errorf(models.Invalid, field+".role", "%.32q is not a role; use system, user or assistant", m.Role)
		}
		text, err := chatText(field+".content", m.Content)
		if err != nil {
			return nil, err
		}
		messages[i] = hf.Message{Role: strings.Replace(m.Role, "developer", "system", 1), Content: text}
	}
	return messages, nil
}

// chatText is a message's content: a string, or parts of which only text can be read here.
func chatText(field string, raw jsontext.Value) (string, error) {
	if raw.Kind() == '"' {
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return "", models.Errorf(models.Invalid, field, "is neither a string nor a list of parts")
	}
	var b strings.Builder
	for i, p := range parts {
		if p.Type != "text" {
			return "", models.Errorf(models.Invalid, fmt.Sprintf("%s[%d].type", field, i), "%.32q cannot be read here; send text", p.Type)
		}
		b.WriteString(p.Text)
	}
	return b.String(), nil
}

func stringOrList(field string, raw jsontext.Value) ([]string, error) {
	switch raw.Kind() {
	case jsontext.KindInvalid, jsontext.KindNull:
		return nil, nil
	case jsontext.KindString:
		var one string
		err := json.Unmarshal(raw, &one)
		return []string{one}, err
	}
	var list []string
	if err := unmarshal(raw, &list); err != nil {
		return nil, models.Errorf(models.Invalid, field, "is neither a string nor a list of strings")
	}
	return list, nil
}

// dialect is how the two kinds of answer differ.
type dialect struct {
	object, prefix string
	chat           bool
	usage          bool // a last piece of a stream says what it has cost
}

func (s *Server) openAI(c *fiber.Ctx, d dialect, model string, prompt tasks.Prompt, stream bool) error {
	answer := wire.OpenAIAnswer{ID: d.prefix + requestID(c), Object: d.object, Created: time.Now().Unix(), Model: model}
	named, err := pathModel(c)
	if err != nil {
		return err
	}
	a := tasks.Ask{Model: cmp.Or(modelName(model), named), Timeout: defaultTimeoutMS * time.Millisecond}
	ctx, cancel := s.taskContext()
	if stream {
		_, pieces, done, err := s.Tasks.CompleteStream(ctx, a, prompt)
		if err != nil {
			cancel()
			return err
		}
		id := requestID(c)
		return sendEvents(c, cancel, func(w *bufio.Writer) error { return s.openAIStream(w, d, answer, pieces, done, id) })
	}
	defer cancel()
	made, done, err := s.Tasks.Complete(ctx, a, prompt)
	if err != nil {
		return err
	}
	answer.Model = done.Model
	answer.Choices = []wire.OpenAIChoice{d.whole(made)}
	answer.Usage = openAIUsage(done)
	return send(c, answer)
}

func (d dialect) whole(made tasks.Completion) wire.OpenAIChoice {
	reason := made.FinishReason
	if reason == "" {
		reason = "stop"
	}
	choice := wire.OpenAIChoice{FinishReason: &reason}
	if d.chat {
		choice.Message = &wire.OpenAIMessage{Role: "assistant", Content: &made.Text}
	} else {
		choice.Text = &made.Text
	}
	return choice
}

func (d dialect) piece(text string) wire.OpenAIChoice {
	if d.chat {
		return wire.OpenAIChoice{Delta: &wire.OpenAIMessage{Content: &text}}
	}
	return wire.OpenAIChoice{Text: &text}
}

func openAIUsage(d tasks.Done) *wire.OpenAIUsage {
	return &wire.OpenAIUsage{
		PromptTokens: d.Usage.PromptTokens, CompletionTokens: d.Usage.CompletionTokens,
		TotalTokens: d.Usage.PromptTokens + d.Usage.CompletionTokens,
	}
}

func (s *Server) openAIStream(w *bufio.Writer, d dialect, answer wire.OpenAIAnswer, pieces iter.Seq2[hf.Delta, error], done func() tasks.Done, id string) error {
	if d.chat {
		answer.Object = "chat.completion.chunk"
		empty := ""
		answer.Choices = []wire.OpenAIChoice{{Delta: &wire.OpenAIMessage{Role: "assistant", Content: &empty}}}
		if err := data(w, answer); err != nil {
			return err
		}
	}
	reason := "stop"
	for delta, err := range pieces {
		if err != nil {
			shown := s.explainError(err, id)
			return data(w, wire.ErrorAnswer{Error: shown})
		}
		if delta.FinishReason != "" {
			reason = delta.FinishReason
		}
		if delta.Text == "" {
			continue
		}
		answer.Choices = []wire.OpenAIChoice{d.piece(delta.Text)}
		if err := data(w, answer); err != nil {
			return err
		}
	}
	last := d.piece("")
	last.FinishReason = &reason
	if d.chat {
		last.Delta = &wire.OpenAIMessage{}
	}
	answer.Choices = []wire.OpenAIChoice{last}
	if err := data(w, answer); err != nil {
		return err
	}
	if d.usage {
		answer.Choices, answer.Usage = []wire.OpenAIChoice{}, openAIUsage(done())
		if err := data(w, answer); err != nil {
			return err
		}
	}
	if _, err := w.WriteString("data: [DONE]\n\n"); err != nil {
		return err
	}
	return w.Flush()
}

// data sends an event without a name.
func data(w *bufio.Writer, v any) error {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "data: %s\n\n", text); err != nil {
		return err
	}
	return w.Flush()
}

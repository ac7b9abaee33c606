package remote

import (
	"encoding/json"
	"errors"
	"strings"

	"searchd/hf"
)

// openAIRequest is a request for a chat or a completion. The model is first: proxies route by the first bytes.
type openAIRequest struct {
	Model             string         `json:"model"`
	Messages          []wireMessage  `json:"messages,omitempty"`
	Prompt            string         `json:"prompt,omitempty"`
	MaxTokens         *int           `json:"max_tokens,omitempty"`
	Temperature       *float64       `json:"temperature,omitempty"`
	TopP              *float64       `json:"top_p,omitempty"`
	TopK              *int           `json:"top_k,omitempty"`              // not OpenAI's own; many servers take it
	RepetitionPenalty *float64       `json:"repetition_penalty,omitempty"` // likewise
	Stop              []string       `json:"stop,omitempty"`               // always a list: TGI refuses a string
	Seed              *int64         `json:"seed,omitempty"`
	Stream            bool           `json:"stream,omitempty"`
	StreamOptions     *streamOptions `json:"stream_options,omitempty"` // never null: TGI refuses it
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type wireMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func openAIParams(c hf.Call, stream bool) openAIRequest {
	s := c.Params
	r := openAIRequest{
		Model: c.Model, MaxTokens: s.MaxTokens, Temperature: s.Temperature, TopP: s.TopP, TopK: s.TopK,
		RepetitionPenalty: s.RepetitionPenalty, Stop: s.Stop, Seed: s.Seed, Stream: stream,
	}
	if s.DoSample != nil && !*s.DoSample {
		r.Temperature = new(float64) // the protocol has no other word for it
	}
	if stream {
		r.StreamOptions = &streamOptions{IncludeUsage: true}
	}
	return r
}

// chat asks for the next turn of a conversation; a prompt is its first.
func chat(path string, c hf.Call, stream bool) (request, error) {
	body := openAIParams(c, stream)
	messages := c.Messages
	if len(messages) == 0 {
		messages = []hf.Message{{Role: "user", Content: c.Inputs[0]}}
	}
	for _, m := range messages {
		body.Messages = append(body.Messages, wireMessage(m))
	}
	return openAICall(path, c, body)
}

// complete asks for what follows a prompt.
func complete(path string, c hf.Call, stream bool) (request, error) {
	body := openAIParams(c, stream)
	body.Prompt = c.Inputs[0]
	return openAICall(path, c, body)
}

func openAICall(path string, c hf.Call, body openAIRequest) (request, error) {
	if c.Model == "" {
		return request{}, invalid("model: name one")
	}
	return request{path: path, body: body, read: readChoices, decode: decodeChoice}, nil
}

type wireUsage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
}

func (u *wireUsage) usage() hf.Usage {
	if u == nil {
		return hf.Usage{}
	}
	return hf.Usage{PromptTokens: max(u.PromptTokens, 0), CompletionTokens: max(u.CompletionTokens, 0)}
}

// choices is the answer to a chat or a completion, or a piece of it.
type choices struct {
	Model   string
	Choices []struct {
		Index        int
		Message      *struct{ Content content }
		Delta        *struct{ Content content }
		Text         *string
		FinishReason *string `json:"finish_reason"`
	}
	Usage *wireUsage
	Error json.RawMessage
}

// content is a text: a string, null, or a list of parts of which the texts count.
type content string

func (c *content) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '[' {
		return json.Unmarshal(b, (*string)(c))
	}
	var parts []struct{ Text string }
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	var all strings.Builder
	for _, p := range parts {
		all.WriteString(p.Text)
	}
	*c = content(all.String())
	return nil
}

func readChoices(a answer) (hf.Reply, error) {
	var wire choices
	if err := json.Unmarshal(a.body, &wire); err != nil {
		return hf.Reply{}, err
	}
	if isSet(wire.Error) {
		return hf.Reply{}, errComplaint
	}
	if len(wire.Choices) == 0 {
		return hf.Reply{}, errors.New("there is no choice in it")
	}
	first := wire.Choices[0]
	reply := hf.Reply{Model: wire.Model, Usage: wire.Usage.usage(), FinishReason: finish(first.FinishReason)}
	switch {
	case first.Message != nil:
		reply.Texts = []string{string(first.Message.Content)}
	case first.Text != nil:
		reply.Texts = []string{*first.Text}
	default:
		return hf.Reply{}, errors.New("its choice has no text")
	}
	return reply, nil
}

func decodeChoice(event []byte, s *pieces) error {
	var wire choices
	if err := json.Unmarshal(event, &wire); err != nil {
		return err
	}
	if isSet(wire.Error) {
		return errComplaint
	}
	if wire.Usage != nil {
		usage := wire.Usage.usage()
		s.last.Usage = &usage
	}
	for _, choice := range wire.Choices {
		if choice.Index != 0 {
			continue
		}
		text := ""
		switch {
		case choice.Delta != nil:
			text = string(choice.Delta.Content)
		case choice.Text != nil:
			text = *choice.Text
		}
		if err := s.add(text); err != nil {
			return err
		}
		if reason := finish(choice.FinishReason); reason != "" {
			s.last.FinishReason = reason
		}
	}
	return nil
}

func isSet(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// finish puts TGI's words into OpenAI's.
func finish(reason *string) string {
	if reason == nil {
		return ""
	}
	switch *reason {
	case "eos_token", "stop_sequence":
		return "stop"
	}
	return *reason
}

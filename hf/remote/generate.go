package remote

import (
	"encoding/json"
	"strconv"

	"searchd/hf"
)

type generateBody struct {
	Inputs     string         `json:"inputs"`
	Parameters generateParams `json:"parameters"`
	Stream     bool           `json:"stream,omitempty"`
}

type generateParams struct {
	MaxNewTokens      *int     `json:"max_new_tokens,omitempty"`
	Temperature       *float64 `json:"temperature,omitempty"`
	TopP              *float64 `json:"top_p,omitempty"`
	TopK              *int     `json:"top_k,omitempty"`
	RepetitionPenalty *float64 `json:"repetition_penalty,omitempty"`
	DoSample          *bool    `json:"do_sample,omitempty"`
	Stop              []string `json:"stop,omitempty"`
	Seed              *int64   `json:"seed,omitempty"`
	ReturnFullText    bool     `json:"return_full_text"`
	Details           bool     `json:"details,omitempty"`
}

// generate asks for what follows a prompt, in TGI's own words. Details cost little and tell why the text ends; behind
// the router may be a server that refuses the word.
func generate(path string, c hf.Call, stream, details bool) request {
	s := c.Params
	params := generateParams{
		MaxNewTokens: s.MaxTokens, Temperature: s.Temperature, TopP: s.TopP, TopK: s.TopK, RepetitionPenalty: s.RepetitionPenalty,
		DoSample: s.DoSample, Stop: s.Stop, Seed: s.Seed, Details: details,
	}
	if params.Temperature != nil && *params.Temperature == 0 { // refused; the most likely token is meant
		params.Temperature, params.DoSample = nil, new(bool)
	}
	if params.TopP != nil && *params.TopP >= 1 { // refused; all tokens are meant
		params.TopP = nil
	}
	return request{path: path, body: generateBody{c.Inputs[0], params, stream}, read: readGenerated, decode: decodeToken}
}

type generated struct {
	GeneratedText *string `json:"generated_text"`
	Details       *details
	Token         *struct {
		Text    string
		Special bool
	}
	Error json.RawMessage
}

type details struct {
	FinishReason    *string           `json:"finish_reason"`
	GeneratedTokens int               `json:"generated_tokens"`
	InputLength     int               `json:"input_length"`
	Prefill         []json.RawMessage `json:"prefill"`
}

func (d *details) usage() hf.Usage {
	return hf.Usage{PromptTokens: max(d.InputLength, len(d.Prefill)), CompletionTokens: max(d.GeneratedTokens, 0)}
}

func readGenerated(a answer) (hf.Reply, error) {
	text, err := parseText(a.body, "generated_text")
	if err != nil {
		return hf.Reply{}, err
	}
	reply := hf.Reply{Texts: []string{text}}
	if d := detailsOf(a.body); d != nil {
		reply.FinishReason, reply.Usage = finish(d.FinishReason), d.usage()
	}
	if n, err := strconv.Atoi(a.header.Get("X-Prompt-Tokens")); err == nil && n > 0 {
		reply.Usage.PromptTokens = n
	}
	return reply, nil
}

func detailsOf(body []byte) *details {
	var list []generated
	if json.Unmarshal(body, &list) == nil && len(list) == 1 {
		return list[0].Details
	}
	var one generated
	if json.Unmarshal(body, &one) == nil {
		return one.Details
	}
	return nil
}

// decodeToken reads an event of /generate_stream. The last one has the whole text, and nothing follows it.
func decodeToken(event []byte, s *pieces) error {
	var wire generated
	if err := json.Unmarshal(event, &wire); err != nil {
		return err
	}
	if isSet(wire.Error) {
		return errComplaint
	}
	text := ""
	if wire.Token != nil && !wire.Token.Special {
		text = wire.Token.Text
	}
	if err := s.add(text); err != nil {
		return err
	}
	if wire.GeneratedText == nil {
		return nil
	}
	s.over = true
	if d := wire.Details; d != nil {
		usage := d.usage()
		s.last.FinishReason, s.last.Usage = finish(d.FinishReason), &usage
	}
	return nil
}

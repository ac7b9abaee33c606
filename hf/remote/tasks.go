package remote

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"searchd/hf"
)

// embedBody has its parameters at the root, unlike all other tasks. Truncation is said each time: servers before TEI
// 1.9 refuse long texts by default, and later ones cut them.
type embedBody struct {
	Inputs   []string `json:"inputs"`
	Truncate bool     `json:"truncate"`
}

type predictBody struct {
	Inputs   [][]string `json:"inputs"`
	Truncate bool       `json:"truncate"`
}

// predict makes a list of lists: TEI takes a list of two texts for one pair.
func predict(inputs []string) predictBody {
	b := predictBody{Truncate: true}
	for _, text := range inputs {
		b.Inputs = append(b.Inputs, []string{text})
	}
	return b
}

type taskBody struct {
	Inputs     string          `json:"inputs"`
	Parameters *taskParameters `json:"parameters,omitempty"`
}

// taskParameters are those of the tasks that are not chat: each task sets its own.
type taskParameters struct {
	TopK              *int     `json:"top_k,omitempty"`
	MaxLength         *int     `json:"max_length,omitempty"`
	MinLength         *int     `json:"min_length,omitempty"`
	DoSample          *bool    `json:"do_sample,omitempty"`
	Temperature       *float64 `json:"temperature,omitempty"`
	TopP              *float64 `json:"top_p,omitempty"`
	RepetitionPenalty *float64 `json:"repetition_penalty,omitempty"`
	Source            string   `json:"src_lang,omitempty"`
	Target            string   `json:"tgt_lang,omitempty"`
}

func textBody(text string, t taskParameters) taskBody {
	if t == (taskParameters{}) {
		return taskBody{Inputs: text}
	}
	return taskBody{text, &t}
}

func topK(c hf.Call) taskParameters { return taskParameters{TopK: c.Params.TopK} }

// summary has no stop texts and no seed: the pipeline takes neither.
func summary(s hf.Params) taskParameters {
	return taskParameters{
		TopK: s.TopK, MaxLength: s.MaxTokens, MinLength: s.MinTokens, DoSample: s.DoSample,
		Temperature: s.Temperature, TopP: s.TopP, RepetitionPenalty: s.RepetitionPenalty,
	}
}

func languages(c hf.Call) taskParameters {
	return taskParameters{MaxLength: c.Params.MaxTokens, Source: c.Source, Target: c.Target}
}

type wireLabel struct {
	Label *string  `json:"label"`
	Score *float64 `json:"score"`
}

func readLabels(c hf.Call) func(answer) (hf.Reply, error) {
	return func(a answer) (hf.Reply, error) {
		labels, err := parseLabels(a.body, len(c.Inputs))
		if err != nil {
			return hf.Reply{}, err
		}
		if k := c.Params.TopK; k != nil && *k > 0 {
			for i := range labels {
				labels[i] = labels[i][:min(*k, len(labels[i]))]
			}
		}
		return hf.Reply{Labels: labels, Usage: computeTokens(a)}, nil
	}
}

// parseLabels reads the labels of n texts: a list of lists, or of one text the inner list alone.
func parseLabels(body []byte, n int) ([][]hf.Label, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	if n == 1 && len(list) > 0 && list[0][0] == '{' {
		list = []json.RawMessage{body}
	}
	if len(list) != n {
		return nil, fmt.Errorf("labels of %d texts where %d were asked for", len(list), n)
	}
	all := make([][]hf.Label, n)
	for i, part := range list {
		labels, err := parseLabelList(part)
		if err != nil {
			return nil, fmt.Errorf("text %d: %w", i, err)
		}
		all[i] = labels
	}
	return all, nil
}

func parseLabelList(part []byte) ([]hf.Label, error) {
	var wire []wireLabel
	if err := json.Unmarshal(part, &wire); err != nil {
		return nil, err
	}
	if len(wire) == 0 {
		return nil, errors.New("no label")
	}
	labels := make([]hf.Label, len(wire))
	for i, w := range wire {
		if w.Label == nil || w.Score == nil {
			return nil, errors.New("a label without a name or a score")
		}
		labels[i] = hf.Label{Name: *w.Label, Score: *w.Score}
	}
	slices.SortStableFunc(labels, func(a, b hf.Label) int { return cmp.Compare(b.Score, a.Score) })
	return labels, nil
}

// readTexts reads one text: a list of one object with the field, or the object, which manuals show and few servers send.
func readTexts(field string) func(answer) (hf.Reply, error) {
	return func(a answer) (hf.Reply, error) {
		text, err := parseText(a.body, field)
		return hf.Reply{Texts: []string{text}}, err
	}
}

func parseText(body []byte, field string) (string, error) {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		var one map[string]json.RawMessage
		if json.Unmarshal(body, &one) != nil {
			return "", err
		}
		list = append(list[:0], one)
	}
	if len(list) != 1 || list[0][field] == nil {
		return "", fmt.Errorf("no %s, or more than one", field)
	}
	var text *string
	if err := json.Unmarshal(list[0][field], &text); err != nil {
		return "", err
	}
	if text == nil {
		return "", fmt.Errorf("%s is null", field)
	}
	return *text, nil
}

package tasks

import (
	"context"
	"fmt"
	"math"
	"strings"

	"searchd/hf"
	"searchd/hf/catalog"
	"searchd/hf/gateway"
	"searchd/models"
)

// Shorten is a text to be summarised. Lengths are in words.
type Shorten struct {
	Text        string
	Most, Least int
	Style       string // "news" or "general", which counts where the catalogue chooses the model; empty is general
}

// Summary is a shorter text. Lengths are in words.
type Summary struct {
	Text                          string
	OriginalLength, SummaryLength int
	Ratio                         float64 // summary to original, two places
	Made
}

// maxSummaryWords is the longest summary, in words.
const maxSummaryWords = 5000

func (w Shorten) check() error {
	switch {
	case w.Most < 1 || w.Most > maxSummaryWords:
		return models.Errorf(models.Invalid, "max_length", "is %d; it can be 1 to %d words", w.Most, maxSummaryWords)
	case w.Least < 0 || w.Least > w.Most:
		return models.Errorf(models.Invalid, "min_length", "is %d; it can be 0 to max_length", w.Least)
	}
	return CheckText("text", w.Text)
}

// Summarize shortens a text. One that is longer than a model reads is summarised in parts, and the parts' summaries
// together once more.
func (s *Service) Summarize(ctx context.Context, a Ask, w Shorten) (Summary, Done, error) {
	if err := w.check(); err != nil {
		return Summary{}, Done{}, err
	}
	choice, err := s.Catalog.Choose(catalog.Request{Task: "summarization", Style: w.Style, Text: w.Text})
	if err != nil {
		return Summary{}, Done{}, err
	}
	r, err := s.route(ctx, a, work{hf.Summarization, &choice})
	if err != nil {
		return Summary{}, Done{}, err
	}
	params := withDefaults(hf.Params{MaxTokens: &w.Most, MinTokens: &w.Least}, r.provider.Configuration, choice)
	text, last, done, err := s.summarize(ctx, a, r, w.Text, params)
	if err != nil {
		return Summary{}, done, err
	}
	from, to := len(strings.Fields(w.Text)), len(strings.Fields(text))
	summary := Summary{Text: text, OriginalLength: from, SummaryLength: to, Ratio: math.Round(100*float64(to)/float64(from)) / 100}
	if r.targets[last.Target].Type != Local {
		summary.Made = s.made(r, params, last)
		summary.cut(last.FinishReason)
	}
	if to > w.Most {
		summary.Notes = append(summary.Notes, fmt.Sprintf("the model wrote more than the %d words that it was asked for", w.Most))
	}
	return summary, done, nil
}

// summarize also answers one of the results that the summary was made of.
func (s *Service) summarize(ctx context.Context, a Ask, r route, text string, params hf.Params) (string, gateway.Result, Done, error) {
	parts := []string{text}
	if r.first().Type != Local {
		parts = cutText(text, partBytes)
	}
	calls := make([]hf.Call, len(parts))
	for i, part := range parts {
		calls[i] = hf.Call{Task: hf.Summarization, Inputs: []string{part}, Params: params}
	}
	results, done, err := s.each(ctx, a, r, calls)
	if err != nil {
		return "", gateway.Result{}, done, err
	}
	summaries := make([]string, len(parts))
	for i, result := range results {
		summary, err := only(result.Texts)
		if err != nil {
			return "", result, done, err
		}
		summaries[i] = strings.TrimSpace(summary)
	}
	joined := strings.Join(summaries, "\n\n")
	if len(parts) > 1 && len(joined) < len(text) {
		summary, last, more, err := s.summarize(ctx, a, r, joined, params)
		return summary, last, done.plus(more), err
	}
	return joined, results[0], done, nil
}

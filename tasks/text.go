package tasks

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"searchd/hf"
	"searchd/models"
)

// CheckText makes sure that a text can be sent to a model.
func CheckText(field, text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return models.Errorf(models.Invalid, field, "is empty")
	case len(text) > MaxPromptBytes:
		return models.Errorf(models.Invalid, field, "has %d bytes; at most %d are allowed", len(text), MaxPromptBytes)
	case !utf8.ValidString(text):
		return models.Errorf(models.Invalid, field, "is not valid UTF-8")
	}
	return nil
}

// Sentiment is how a text feels.
type Sentiment struct {
	Sentiment  string             // "positive", "negative" or "neutral"
	Confidence float64            // 0 to 1
	Scores     map[string]float64 // of the three, adding up to 1
	Raw        []hf.Label         // what the model said
}

// Sentiments judges texts, an answer each.
func (s *Service) Sentiments(ctx context.Context, a Ask, texts []string) ([]Sentiment, Done, error) {
	if len(texts) == 0 || len(texts) > maxTexts {
		return nil, Done{}, models.Errorf(models.Invalid, "texts", "has %d texts; it can have 1 to %d", len(texts), maxTexts)
	}
	for i, text := range texts {
		if err := CheckText(fmt.Sprintf("texts[%d]", i), text); err != nil {
			return nil, Done{}, err
		}
	}
	reply, done, err := s.do(ctx, a, hf.Call{Task: hf.TextClassification, Inputs: texts})
	if err != nil {
		return nil, done, err
	}
	list := make([]Sentiment, len(reply.Labels))
	for i, labels := range reply.Labels {
		if list[i], err = sentimentOf(labels); err != nil {
			return nil, done, err
		}
	}
	return list, done, nil
}

const maxTexts = 1000

// sentimentOf adds up a model's labels. Models name them in their own ways: by the word, by number, or by stars.
func sentimentOf(labels []hf.Label) (Sentiment, error) {
	s := Sentiment{Scores: map[string]float64{"positive": 0, "negative": 0, "neutral": 0}, Raw: labels}
	total := 0.0
	for _, l := range labels {
		name, ok := sentimentNames[strings.ToLower(l.Name)]
		if !ok {
			return s, models.Errorf(models.Invalid, "model", "gives the label %.64q, which says nothing about sentiment; choose a model for sentiment", l.Name)
		}
		s.Scores[name] += l.Score
		total += l.Score
	}
	if total <= 0 {
		return s, models.Errorf(models.Invalid, "model", "gives no labels")
	}
	for name := range s.Scores {
		s.Scores[name] /= total
		if best := s.Scores[name]; best > s.Confidence || best == s.Confidence && name < s.Sentiment {
			s.Sentiment, s.Confidence = name, best
		}
	}
	return s, nil
}

// sentimentNames are the labels of the usual models: words; LABEL_n of cardiffnlp's; stars of nlptown's.
var sentimentNames = map[string]string{
	"positive": "positive", "pos": "positive", "label_2": "positive", "4 stars": "positive", "5 stars": "positive",
	"neutral": "neutral", "neu": "neutral", "label_1": "neutral", "3 stars": "neutral",
	"negative": "negative", "neg": "negative", "label_0": "negative", "1 star": "negative", "2 stars": "negative",
}

// Summary is a shorter text. Lengths are in words.
type Summary struct {
	Text                          string
	OriginalLength, SummaryLength int
	Ratio                         float64 // summary to original, two places
}

// maxSummaryWords is the longest summary, in words.
const maxSummaryWords = 5000

// Summarize shortens a text to at most most words. A text that is longer than a model reads is summarised in parts, and the
// parts' summaries together once more.
func (s *Service) Summarize(ctx context.Context, a Ask, text string, most, least int) (Summary, Done, error) {
	if err := CheckText("text", text); err != nil {
		return Summary{}, Done{}, err
	}
	if most < 1 || most > maxSummaryWords {
		return Summary{}, Done{}, models.Errorf(models.Invalid, "max_length", "is %d; it can be 1 to %d words", most, maxSummaryWords)
	}
	if least < 0 || least > most {
		return Summary{}, Done{}, models.Errorf(models.Invalid, "min_length", "is %d; it can be 0 to max_length", least)
	}
	summary, done, err := s.summarize(ctx, a, text, most, least)
	if err != nil {
		return Summary{}, done, err
	}
	from, to := len(strings.Fields(text)), len(strings.Fields(summary))
	return Summary{Text: summary, OriginalLength: from, SummaryLength: to, Ratio: math.Round(100*float64(to)/float64(from)) / 100}, done, nil
}

// partBytes is what the usual models for summaries read at a time: 1,024 tokens, of about four bytes.
const partBytes = 3500

func (s *Service) summarize(ctx context.Context, a Ask, text string, most, least int) (string, Done, error) {
	p, err := s.provider(ctx, a.Provider)
	if err != nil {
		return "", Done{}, err
	}
	parts := []string{text}
	if p.ProviderType != Local {
		parts = cutText(text, partBytes)
	}
	var total Done
	summaries := make([]string, len(parts))
	for i, part := range parts {
		call := hf.Call{Task: hf.Summarization, Inputs: []string{part}, Params: hf.Params{MaxTokens: &most, MinTokens: &least}}
		reply, done, err := s.do(ctx, a, call)
		if err != nil {
			return "", done, err
		}
		total = total.plus(done)
		if len(reply.Texts) == 1 {
			summaries[i] = strings.TrimSpace(reply.Texts[0])
		}
	}
	joined := strings.Join(summaries, "\n\n")
	if len(parts) > 1 && len(joined) < len(text) {
		summary, done, err := s.summarize(ctx, a, joined, most, least)
		return summary, total.plus(done), err
	}
	return joined, total, nil
}

// plus adds what two calls have cost.
func (d Done) plus(e Done) Done {
	e.Took += d.Took
	e.Attempts += d.Attempts
	e.CostUSD += d.CostUSD
	e.Usage.PromptCharacters += d.Usage.PromptCharacters
	e.Usage.CompletionCharacters += d.Usage.CompletionCharacters
	e.Usage.PromptTokens += d.Usage.PromptTokens
	e.Usage.CompletionTokens += d.Usage.CompletionTokens
	e.Cached = e.Cached && (d.Cached || d.Provider == "")
	return e
}

// cutText cuts a text into parts of at most about size bytes, at the ends of paragraphs, sentences or words.
func cutText(text string, size int) []string {
	var parts []string
	for len(text) > size {
		at := size
		for _, end := range []string{"\n\n", ". ", "\n", " "} {
			if i := strings.LastIndex(text[:size], end); i > size/2 {
				at = i + len(end)
				break
			}
		}
		for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
			at--
		}
		parts, text = append(parts, text[:at]), text[at:]
	}
	if strings.TrimSpace(text) != "" || len(parts) == 0 {
		parts = append(parts, text)
	}
	return parts
}

// Translate puts a text into another language. Languages are named as the model names them; many have one pair only.
func (s *Service) Translate(ctx context.Context, a Ask, text, source, target string) (string, Done, error) {
	if err := CheckText("text", text); err != nil {
		return "", Done{}, err
	}
	reply, done, err := s.do(ctx, a, hf.Call{Task: hf.Translation, Inputs: []string{text}, Source: source, Target: target})
	if err != nil || len(reply.Texts) == 0 {
		return "", done, err
	}
	return reply.Texts[0], done, nil
}

// Vectors embeds texts as documents are embedded.
func (s *Service) Vectors(ctx context.Context, a Ask, texts []string) ([][]float32, Done, error) {
	reply, done, err := s.do(ctx, a, hf.Call{Task: hf.FeatureExtraction, Inputs: texts})
	if err == nil && len(reply.Vectors) != len(texts) {
		err = models.Errorf(models.Internal, "", "%d vectors for %d texts", len(reply.Vectors), len(texts))
	}
	return reply.Vectors, done, err
}

package tasks

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"searchd/hf"
	"searchd/hf/catalog"
	"searchd/hf/gateway"
	"searchd/models"
)

// Sentiment is how a text feels.
type Sentiment struct {
	Sentiment  string             // "positive", "negative" or "neutral"
	Confidence float64            // 0 to 1
	Scores     map[string]float64 // of the three, adding up to 1
	Raw        []hf.Label         // what the model said
}

// Sentiments is how several texts feel.
type Sentiments struct {
	List []Sentiment // one a text
	Made
}

const maxTexts = 1000

// Sentiments judges texts. The style, "social" or "general", counts where the catalogue chooses the model.
func (s *Service) Sentiments(ctx context.Context, a Ask, style string, texts []string) (Sentiments, Done, error) {
	if len(texts) == 0 || len(texts) > maxTexts {
		return Sentiments{}, Done{}, models.Errorf(models.Invalid, "texts", "has %d texts; it can have 1 to %d", len(texts), maxTexts)
	}
	for i, text := range texts {
		if err := CheckText(fmt.Sprintf("texts[%d]", i), text); err != nil {
			return Sentiments{}, Done{}, err
		}
	}
	choice, err := s.Catalog.Choose(catalog.Request{Task: "sentiment", Style: style, Text: strings.Join(texts, "")})
	if err != nil {
		return Sentiments{}, Done{}, err
	}
	r, err := s.route(ctx, a, work{hf.TextClassification, &choice})
	if err != nil {
		return Sentiments{}, Done{}, err
	}
	params := withDefaults(hf.Params{}, models.ProviderConfig{}, choice) // an opinion is short and sober, whatever the provider's texts are
	var calls []hf.Call
	for part := range slices.Chunk(texts, textsPerCall(r.first())) {
		calls = append(calls, hf.Call{Task: hf.TextClassification, Inputs: part, Params: params})
	}
	results, done, err := s.each(ctx, a, r, calls)
	if err != nil {
		return Sentiments{}, done, err
	}
	all := Sentiments{Made: Made{Selected: r.selected && results[0].Target == 0}}
	if told(r.targets[results[0].Target]) {
		all.Made = s.made(r, params, results[0])
	}
	for i, result := range results {
		if err := all.add(result, len(calls[i].Inputs)); err != nil {
			return Sentiments{}, done, err
		}
	}
	return all, done, nil
}

// textsPerCall is how many texts a target reads in one call. One that reads them one after the other has a call for each,
// so that an attempt is about one text, and a text is answered from the cache whatever stands beside it.
func textsPerCall(t gateway.Target) int {
	switch t.Type {
	case Local:
		return maxTexts
	case "tei":
		return 32
	}
	return 1
}

// add takes over what a model said of n texts.
func (all *Sentiments) add(r gateway.Result, n int) error {
	if len(r.Labels) == 0 && len(r.Texts) == n {
		for _, text := range r.Texts {
			all.List = append(all.List, all.believe(text))
		}
		return nil
	}
	if len(r.Labels) != n {
		return models.Errorf(models.ProviderFailed, "", "the provider gave labels for %d texts of %d", len(r.Labels), n)
	}
	for _, labels := range r.Labels {
		one, err := sentimentOf(labels)
		if err != nil {
			return err
		}
		all.List = append(all.List, one)
	}
	return nil
}

// Notes of sentiments that a chat model gave in words.
const (
	inWords = "a model that chats was asked for its opinion: confidence is what it said of itself, and the other two scores share the rest"
	unsure  = "the model gave no confidence for some texts, where 1 stands for its word alone"
)

// believe reads a sentiment in words.
func (all *Sentiments) believe(text string) Sentiment {
	j, _ := judge(text) // it was read once before it was accepted
	notes := []string{inWords}
	if j.confidence == 0 {
		j.confidence = 1
		notes = append(notes, unsure)
	}
	for _, note := range notes {
		if !slices.Contains(all.Notes, note) {
			all.Notes = append(all.Notes, note)
		}
	}
	s := scored(map[string]float64{j.sentiment: j.confidence})
	s.Raw = []hf.Label{{Name: clip(text, maxRaw), Score: j.confidence}}
	// The model's word counts, also where it is so unsure that the rest is more.
	s.Sentiment, s.Confidence = j.sentiment, j.confidence
	return s
}

// maxRaw is how many bytes are shown of a model's words.
const maxRaw = 200

// clip cuts a text between characters.
func clip(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size], "") + "…"
}

// sentimentOf adds up a model's labels. Models name them in their own ways: by the word, by number, or by stars.
func sentimentOf(labels []hf.Label) (Sentiment, error) {
	sums := map[string]float64{}
	total := 0.0
	for _, l := range labels {
		name, ok := sentimentName(l.Name, len(labels))
		if !ok {
			return Sentiment{}, models.Errorf(models.Invalid, "model", "gives the label %.64q, which says nothing about sentiment; choose a model for sentiment", l.Name)
		}
		sums[name] += l.Score
		total += l.Score
	}
	if total <= 0 {
		return Sentiment{}, models.Errorf(models.Invalid, "model", "gives no labels")
	}
	if total > 1 || len(labels) > 1 { // a list of all classes, but for rounding
		for name := range sums {
			sums[name] /= total
		}
	}
	s := scored(sums)
	s.Raw = labels
	return s, nil
}

// scored makes three scores that add up to 1 of those that are known: the others share what is left of it.
func scored(known map[string]float64) Sentiment {
	s := Sentiment{Scores: map[string]float64{"positive": 0, "negative": 0, "neutral": 0}}
	rest := 1.0
	for name, score := range known {
		s.Scores[name] = score
		rest -= score
	}
	for name := range s.Scores {
		if _, ok := known[name]; !ok && rest > 0 {
			s.Scores[name] = rest / float64(3-len(known))
		}
	}
	for name, score := range s.Scores {
		if score > s.Confidence || score == s.Confidence && name < s.Sentiment {
			s.Sentiment, s.Confidence = name, score
		}
	}
	return s
}

// sentimentNames are the labels of the usual models: words, and the stars of nlptown's.
var sentimentNames = map[string]string{
	"positive": "positive", "pos": "positive", "4 stars": "positive", "5 stars": "positive",
	"neutral": "neutral", "neu": "neutral", "3 stars": "neutral",
	"negative": "negative", "neg": "negative", "1 star": "negative", "2 stars": "negative",
}

// numbered are the names of models that only count, from the worst to the best: of two classes, three or five.
var numbered = map[int][]string{
	2: {"negative", "positive"},
	3: {"negative", "neutral", "positive"},
	5: {"negative", "negative", "neutral", "positive", "positive"},
}

var numberedLabel = regexp.MustCompile(`^label_(\d)$`)

// sentimentName is what a label of a model with so many classes means. One label alone is the best of three, as a rule.
func sentimentName(label string, classes int) (string, bool) {
	label = strings.ToLower(strings.TrimSpace(label))
	if name, ok := sentimentNames[label]; ok {
		return name, true
	}
	m := numberedLabel.FindStringSubmatch(label)
	if m == nil {
		return "", false
	}
	if classes == 1 {
		classes = 3
	}
	n, err := strconv.Atoi(m[1])
	if names := numbered[classes]; err == nil && n < len(names) {
		return names[n], true
	}
	return "", false
}

package tasks

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"searchd/hf"
)

// Labels of the usual models, and of those that only count.
func TestSentimentOf(t *testing.T) {
	for name, tt := range map[string]struct {
		labels     []hf.Label
		want       string
		confidence float64
	}{
		"words":              {[]hf.Label{{Name: "positive", Score: 0.7}, {Name: "neutral", Score: 0.2}, {Name: "negative", Score: 0.1}}, "positive", 0.7},
		"another case":       {[]hf.Label{{Name: "NEGATIVE", Score: 0.75}, {Name: "POSITIVE", Score: 0.25}}, "negative", 0.75},
		"shortened":          {[]hf.Label{{Name: "POS", Score: 0.6}, {Name: "NEU", Score: 0.4}}, "positive", 0.6},
		"numbers of three":   {[]hf.Label{{Name: "LABEL_1", Score: 0.5}, {Name: "LABEL_0", Score: 0.3}, {Name: "LABEL_2", Score: 0.2}}, "neutral", 0.5},
		"numbers of two":     {[]hf.Label{{Name: "LABEL_1", Score: 0.9}, {Name: "LABEL_0", Score: 0.1}}, "positive", 0.9},
		"numbers of five":    {[]hf.Label{{Name: "LABEL_0", Score: 0.4}, {Name: "LABEL_1", Score: 0.3}, {Name: "LABEL_2", Score: 0.1}, {Name: "LABEL_3", Score: 0.1}, {Name: "LABEL_4", Score: 0.1}}, "negative", 0.7},
		"stars":              {[]hf.Label{{Name: "5 stars", Score: 0.4}, {Name: "4 stars", Score: 0.25}, {Name: "3 stars", Score: 0.2}, {Name: "2 stars", Score: 0.1}, {Name: "1 star", Score: 0.05}}, "positive", 0.65},
		"the best alone":     {[]hf.Label{{Name: "neutral", Score: 0.6}}, "neutral", 0.6},
		"rounded":            {[]hf.Label{{Name: "negative", Score: 0.5001}, {Name: "positive", Score: 0.5}}, "negative", 0.5},
		"a tie":              {[]hf.Label{{Name: "positive", Score: 0.5}, {Name: "negative", Score: 0.5}}, "negative", 0.5},
		"of something else":  {[]hf.Label{{Name: "sports", Score: 1}}, "", 0},
		"a number too large": {[]hf.Label{{Name: "LABEL_7", Score: 1}}, "", 0},
		"nothing":            {nil, "", 0},
		"only zeros":         {[]hf.Label{{Name: "positive"}}, "", 0},
	} {
		got, err := sentimentOf(tt.labels)
		if (err != nil) != (tt.want == "") || got.Sentiment != tt.want || math.Abs(got.Confidence-tt.confidence) > 1e-3 {
			t.Errorf("%s: %+v, %v, want %s %v", name, got, err, tt.want, tt.confidence)
		}
		if sum := got.Scores["positive"] + got.Scores["negative"] + got.Scores["neutral"]; err == nil && math.Abs(sum-1) > 1e-9 {
			t.Errorf("%s: the scores %v add up to %v", name, got.Scores, sum)
		}
	}
}

func TestJudge(t *testing.T) {
	for text, want := range map[string]judgement{
		"positive 0.9":                     {"positive", 0.9},
		"Negative":                         {"negative", 0},
		"NEUTRAL.":                         {"neutral", 0},
		"**Positive**, 95 %":               {"positive", 0.95},
		"positive .5":                      {"positive", 0.5},
		"positive 0,75.":                   {"positive", 0.75},
		"The sentiment is negative (0.8).": {"negative", 0.8},
		"Positive. It is not negative at all, 0.7": {"positive", 0.7},
		"positive 9/10":                 {"positive", 0},
		"positive 120%":                 {"positive", 0},
		"neither positive nor negative": {},
		"0.9":                           {},
		"":                              {},
		"positively":                    {},
	} {
		if got, ok := judge(text); got != want || ok != (want.sentiment != "") {
			t.Errorf("%q is %+v, %v, want %+v", text, got, ok, want)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, text := range []string{"positive 0.9", "Negative 85%", "<think>x</think> neutral", "neither positive nor negative", "positive 1e9 \xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		j, ok := judge(spoken(text))
		if ok && (sentimentNames[j.sentiment] != j.sentiment || !(j.confidence >= 0 && j.confidence <= 1)) || !ok && j != (judgement{}) {
			t.Errorf("%q is %+v, %v", text, j, ok)
		}
	})
}

func FuzzCutText(f *testing.F) {
	f.Add("One. Two. Three.\n\nFour, five", 8)
	f.Add(strings.Repeat(" ", 50)+"é", 3)
	f.Add(strings.Repeat("é", 50), 5)
	f.Fuzz(func(t *testing.T, text string, size int) {
		if size < utf8.UTFMax || size > 1000 || !utf8.ValidString(text) || strings.TrimSpace(text) == "" {
			return
		}
		parts := cutText(text, size)
		if strings.Join(parts, "") != text {
			t.Fatalf("%q in parts of %d is %q", text, size, parts)
		}
		for _, part := range parts[1:] {
			if strings.TrimSpace(part) == "" || len(strings.TrimSpace(part)) > size || !utf8.ValidString(part) {
				t.Errorf("%q of %q, of at most %d", part, text, size)
			}
		}
	})
}

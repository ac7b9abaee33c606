package inproc

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/jonreiter/govader"

	"searchd/hf"
	"searchd/internal/prose"
)

// VADER is the model id of the rules for sentiment.
const VADER = "vader"

// The names of the labels.
const (
	Positive = "positive"
	Negative = "negative"
	Neutral  = "neutral"
)

// maxSentiment is how many bytes of a text are read for its sentiment. It costs about 20 ms; the mood of a longer text is
// clear by then.
const maxSentiment = 256 << 10

const (
	// threshold is the compound score from which VADER's authors call a text positive, and below whose negative they call
	// it negative.
	threshold = 0.05
	// slope turns the compound score into the odds of positive against negative. It is the one that makes the scores of
	// SST-2's development sentences most likely.
	slope = 0.8
	// flat is how much likelier neutral is than either other at a compound of 0, as a logarithm.
	flat = 1.0
)

func (p *Provider) classify(ctx context.Context, c hf.Call) (hf.Reply, error) {
	if len(c.Inputs) == 0 {
		return hf.Reply{}, invalid("there is no text to classify")
	}
	if c.Model != "" && c.Model != VADER {
		return p.classifyWith(ctx, c)
	}
	r := hf.Reply{Model: VADER, Labels: make([][]hf.Label, len(c.Inputs))}
	for i, text := range c.Inputs {
		if err := ctx.Err(); err != nil {
			return hf.Reply{}, err
		}
		r.Labels[i] = labels(compound(p.vader(), text))
	}
	return r, nil
}

// classifyWith asks a model of this process.
func (p *Provider) classifyWith(ctx context.Context, c hf.Call) (hf.Reply, error) {
	m, err := p.models.Classifier(c.Model)
	if err != nil {
		return hf.Reply{}, notServed(err, "the classifier %s is not in this process: name one that `searchd model list` shows, or "+VADER+", or no model", c.Model)
	}
	list, err := m.Classify(ctx, c.Inputs)
	if err != nil {
		return hf.Reply{}, failed(ctx, err)
	}
	return hf.Reply{Model: m.Card().ID, Labels: list}, nil
}

// compound is VADER's compound score of a text, -1 to 1. The rules are for sentences, and a long run of them always ends
// at -1 or 1; so a text has the mean of its sentences, as the authors advise.
//
// Spaces of every kind become one: the library splits words at U+0020 only. Otherwise it agrees with the reference
// implementation, but for two words that its lexicon lacks (heart, hearts) and for "so", which it does not take for "never so".
func compound(v *govader.SentimentIntensityAnalyzer, text string) float64 {
	text = strings.ToValidUTF8(text[:prose.Cut(text, maxSentiment)], " ")
	var sum float64
	found := prose.Sentences(text)
	for _, s := range found {
		sum += v.PolarityScores(prose.Flatten(text[s.Start:s.End])).Compound
	}
	return sum / float64(max(len(found), 1))
}

// labels turns a compound score into three scores that sum to 1, best first.
//
// They are a softmax over slope·c for positive, -slope·c for negative and, for neutral, the better of the two plus
// flat·(1-|c|/threshold). So neutral is the best exactly between the two thresholds, as VADER's authors draw them; the
// odds of positive against negative are exp(2·slope·c); and positive less negative grows with c.
func labels(c float64) []hf.Label {
	logits := [3]float64{slope * c, -slope * c, slope*math.Abs(c) + flat*(1-math.Abs(c)/threshold)}
	var e [3]float64
	var sum float64
	for i, l := range logits {
		e[i] = math.Exp(l)
		sum += e[i]
	}
	out := []hf.Label{{Name: Positive, Score: e[0] / sum}, {Name: Negative, Score: e[1] / sum}, {Name: Neutral, Score: e[2] / sum}}
	slices.SortStableFunc(out, func(a, b hf.Label) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return out
}

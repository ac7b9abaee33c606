package local

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"searchd/hf"
)

// Classifier is a model with a classification head in this process. It is safe for concurrent use.
type Classifier struct {
	logits   *Embedder // whose vectors have a logit a class
	classes  []string
	multiple bool // a text may belong to several classes, so that each is judged on its own
}

var (
	_ hf.Classifier    = (*Classifier)(nil)
	_ hf.RawClassifier = (*Classifier)(nil)
)

// OpenClassifier loads the model that lies in fsys as transformers lays it out: a folder of the KindClassifier. Of the
// classes, whose names id2label in config.json has, a text belongs to one, unless problem_type says otherwise.
func OpenClassifier(fsys fs.FS, o Options) (*Classifier, error) {
	e, err := open(fsys, o, KindClassifier)
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	c := e.model.Config()
	if c.ProblemType == "regression" {
		return nil, fmt.Errorf("local: config.json: problem_type is \"regression\" with %d outputs; classes are needed", len(c.Classes()))
	}
	return &Classifier{e, c.Classes(), c.ProblemType == "multi_label_classification"}, nil
}

// Card describes the model.
func (c *Classifier) Card() hf.Card { return c.logits.Card() }

// Classify answers every class of the model for each text, best first. A text longer than the model reads is cut.
func (c *Classifier) Classify(ctx context.Context, texts []string) ([][]hf.Label, error) {
	if c.multiple {
		return c.classify(ctx, texts, sigmoid)
	}
	return c.classify(ctx, texts, softmax)
}

// ClassifyRaw answers the logit of every class for each text, the largest first.
func (c *Classifier) ClassifyRaw(ctx context.Context, texts []string) ([][]hf.Label, error) {
	return c.classify(ctx, texts, raw)
}

func (c *Classifier) classify(ctx context.Context, texts []string, scores func(logits []float32) []float64) ([][]hf.Label, error) {
	answers, err := c.logits.Embed(ctx, hf.Document, texts)
	if err != nil {
		return nil, err
	}
	labels := make([][]hf.Label, len(texts))
	for i, a := range answers {
		labels[i] = c.labels(scores(a.Vector))
	}
	return labels, nil
}

func (c *Classifier) labels(scores []float64) []hf.Label {
	labels := make([]hf.Label, len(scores))
	for i, s := range scores {
		labels[i] = hf.Label{Name: c.classes[i], Score: s}
	}
	slices.SortStableFunc(labels, func(a, b hf.Label) int { return cmp.Compare(b.Score, a.Score) })
	return labels
}

func raw(logits []float32) []float64 {
	scores := make([]float64, len(logits))
	for i, v := range logits {
		scores[i] = float64(v)
	}
	return scores
}

func sigmoid(logits []float32) []float64 {
	scores := make([]float64, len(logits))
	for i, v := range logits {
		scores[i] = 1 / (1 + math.Exp(-float64(v)))
	}
	return scores
}

func softmax(logits []float32) []float64 {
	top, sum := slices.Max(logits), 0.0
	scores := make([]float64, len(logits))
	for i, v := range logits {
		scores[i] = math.Exp(float64(v - top))
		sum += scores[i]
	}
	for i := range scores {
		scores[i] /= sum
	}
	return scores
}

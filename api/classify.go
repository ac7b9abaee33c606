package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/models"
	"searchd/tasks"
)

// rules is the name of the rules for sentiment, which are no model.
const rules = "vader"

// defaultTopK is how many classes are answered where a client does not say.
const defaultTopK = 5

// hubClassify answers a list of classes for each text, and so a list of lists for one text too: clients take its first
// element without looking.
func (s *Server) hubClassify(c *fiber.Ctx, model string, body wire.HubRequest) error {
	var p wire.ClassifyParameters
	if err := parameters(body, &p); err != nil {
		return err
	}
	in, err := parseInput("inputs", body.Inputs)
	if err != nil {
		return err
	}
	most := defaultTopK
	if p.TopK != nil {
		most = *p.TopK
	}
	switch {
	case in.ids != nil:
		return models.Errorf(models.Invalid, "inputs", "holds token ids; send text")
	case most < 1:
		return models.Errorf(models.Invalid, "parameters.top_k", "is %d; it must be 1 or more", most)
	case !slices.Contains([]wire.Choice{"", "softmax", "sigmoid", "none"}, p.FunctionToApply):
		return models.Errorf(models.Invalid, "parameters.function_to_apply", "is %.32q; it can be softmax, sigmoid or none", p.FunctionToApply)
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	all, err := s.classify(ctx, modelName(model), string(p.FunctionToApply), in.texts)
	if err != nil {
		return err
	}
	return send(c, lo.Map(all, func(labels []hf.Label, _ int) []wire.Label { return wireLabels(labels[:min(most, len(labels))]) }))
}

// classify asks the classifier of a name; where it is not here, the default provider. No name is the classifier that is
// here, or else the rules for sentiment. The function makes scores of the model's numbers; "" is the one that it was
// trained with.
func (s *Server) classify(ctx context.Context, model, function string, texts []string) ([][]hf.Label, error) {
	m, err := s.Models.Classifier(model)
	switch {
	case err == nil:
		return classifyHere(ctx, m, function, texts)
	case models.CodeOf(err) != models.NotFound:
		return nil, err
	case !isProbability(function):
		return nil, errNoFunction(function)
	}
	a := tasks.Ask{Model: model}
	if model == "" || model == rules {
		a.Provider = tasks.Local
	}
	judged, _, err := s.Tasks.Sentiments(ctx, a, "", texts)
	if err != nil {
		return nil, inputsError(err, "texts")
	}
	return lo.Map(judged.List, func(s tasks.Sentiment, _ int) []hf.Label { return s.Raw }), nil
}

// classifyHere asks a classifier of this process.
func classifyHere(ctx context.Context, m hf.Classifier, function string, texts []string) ([][]hf.Label, error) {
	raw, ok := hf.As[hf.RawClassifier](m)
	switch {
	case function == "" || !ok && isProbability(function):
		return m.Classify(ctx, texts)
	case !ok:
		return nil, errNoFunction(function)
	}
	all, err := raw.ClassifyRaw(ctx, texts)
	if err != nil {
		return nil, err
	}
	for _, labels := range all {
		apply(function, labels)
	}
	return all, nil
}

// isProbability says that scores which are probabilities already are what a function makes.
func isProbability(function string) bool { return function == "" || function == "softmax" }

func errNoFunction(function string) error {
	return models.Errorf(models.Invalid, "parameters.function_to_apply", "%.32q cannot be applied with this model, which answers probabilities and not the numbers before them: leave it out", function)
}

// apply makes scores of a model's numbers. Their order stays.
func apply(function string, labels []hf.Label) {
	switch function {
	case "sigmoid":
		for i := range labels {
			labels[i].Score = sigmoid(labels[i].Score)
		}
	case "softmax":
		largest, sum := math.Inf(-1), 0.0
		for _, l := range labels {
			largest = max(largest, l.Score)
		}
		for i := range labels {
			labels[i].Score = math.Exp(labels[i].Score - largest)
			sum += labels[i].Score
		}
		for i := range labels {
			labels[i].Score /= sum
		}
	}
}

// inputsError names the field by its name in the request.
func inputsError(err error, field string) error {
	var e *models.Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Field, field) {
		return err
	}
	moved := *e
	moved.Field = "inputs" + strings.TrimPrefix(e.Field, field)
	return &moved
}

func wireLabels(labels []hf.Label) []wire.Label {
	return lo.Map(labels, func(l hf.Label, _ int) wire.Label { return wire.Label{Label: l.Name, Score: l.Score} })
}

// teiPredict classifies. The answer to one text is a list of classes, that to a list of lists is a list of such lists.
func (s *Server) teiPredict(c *fiber.Ctx) error {
	var body wire.PredictRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	texts, one, err := predictTexts(body.Inputs)
	if err != nil {
		return err
	}
	m, err := s.Models.Classifier("")
	if err != nil {
		return unlessHere(err, "model is not a classifier model")
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	all, err := predict(ctx, m, body.RawScores, texts)
	if err != nil {
		return err
	}
	if one {
		return send(c, wireLabels(all[0]))
	}
	return send(c, lo.Map(all, func(labels []hf.Label, _ int) []wire.Label { return wireLabels(labels) }))
}

func predict(ctx context.Context, m hf.Classifier, raw bool, texts []string) ([][]hf.Label, error) {
	if !raw {
		return m.Classify(ctx, texts)
	}
	able, ok := hf.As[hf.RawClassifier](m)
	if !ok {
		return nil, models.Errorf(models.Invalid, "raw_scores", "cannot be had of %s, which answers probabilities alone; leave it out", m.Card().ID)
	}
	return able.ClassifyRaw(ctx, texts)
}

// predictTexts reads the inputs of POST /predict: a text, or a list of lists with one text each. A flat list of two
// strings is a pair of texts there, not two; no model here reads pairs.
func predictTexts(raw jsontext.Value) (texts []string, one bool, err error) {
	if raw.Kind() != jsontext.KindBeginArray {
		in, err := parseInput("inputs", raw)
		return in.texts, true, err
	}
	var batch [][]string
	if err := json.Unmarshal(raw, &batch); err != nil {
		return nil, false, models.Errorf(models.Invalid, "inputs", "must be a string, or a list of lists with one string each; a list of two strings is a pair, which cannot be read here")
	}
	if err := checkCount("inputs", len(batch)); err != nil {
		return nil, false, err
	}
	for i, element := range batch {
		at := fmt.Sprintf("inputs[%d]", i)
		if len(element) != 1 {
			return nil, false, models.Errorf(models.Invalid, at, "has %d strings; give one, as pairs cannot be read here", len(element))
		}
		if element[0] == "" {
			return nil, false, empty(at)
		}
		texts = append(texts, element[0])
	}
	return texts, false, nil
}

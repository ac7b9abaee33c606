package api

import (
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
	"searchd/models"
)

// routeHub speaks as Hugging Face's inference containers do, at the paths of the router and at the older ones.
func (s *Server) routeHub() {
	s.app.Post("/", in(teiFailure, s.byBody))
	for _, prefix := range []string{"", "/hf-inference"} {
		model := prefix + "/models/:org/:name"
		s.app.Post(model, in(hubFailure, s.hub))
		s.app.Post(model+"/pipeline/:task", in(hubFailure, s.hub))
		s.app.Post(prefix+"/pipeline/:task/:org/:name", in(hubFailure, s.hub))
		s.app.Post(model+"/v1/chat/completions", in(hubFailure, s.chat))
		s.app.Post(model+"/v1/completions", in(hubFailure, s.completions))
	}
}

// hub runs a task with the model that the path names.
func (s *Server) hub(c *fiber.Ctx) error {
	var body wire.HubRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	model, err := pathModel(c)
	if err != nil {
		return err
	}
	task := c.Params("task")
	if task == "" {
		if task, err = s.taskOf(model, body); err != nil {
			return err
		}
	}
	return s.hubTask(c, model, task, body)
}

// pathModel is the model that a path names, if it does.
func pathModel(c *fiber.Ctx) (string, error) {
	if c.Params("org") == "" {
		return "", nil
	}
	id, err := url.PathUnescape(c.Params("org") + "/" + c.Params("name"))
	if err != nil {
		return "", models.Errorf(models.Malformed, "model", "the path is not URL-encoded: %v", err)
	}
	return id, nil
}

// taskOf is what a model is for: its only task here, or the catalogue's word, or what the request shows. A model for
// embeddings has two.
func (s *Server) taskOf(model string, body wire.HubRequest) (string, error) {
	if isSimilarity(body.Inputs) {
		return "sentence-similarity", nil
	}
	if _, err := s.Models.Model(model); models.CodeOf(err) != models.NotFound {
		return "feature-extraction", nil
	}
	if _, err := s.Models.Classifier(model); models.CodeOf(err) != models.NotFound {
		return "text-classification", nil
	}
	if known, ok := s.Tasks.Catalog.Model(model); ok {
		return known.Task, nil
	}
	if task, err := shownTask(body); task != "" || err != nil {
		return task, err
	}
	return "", models.Errorf(models.NotFound, "model", "%.128q is not here, and what it is for is not known; name the task as well: POST /models/%.128s/pipeline/TASK", model, model)
}

// isSimilarity says whether inputs are a sentence and others.
func isSimilarity(inputs jsontext.Value) bool {
	var fields map[string]jsontext.Value
	if inputs.Kind() != jsontext.KindBeginObject || json.Unmarshal(inputs, &fields) != nil {
		return false
	}
	_, ok := fields["source_sentence"]
	return ok
}

func (s *Server) hubTask(c *fiber.Ctx, model, task string, body wire.HubRequest) error {
	if _, err := readingOf(body.EmbedOptions); err != nil { // a mistake is one, even where the task does not look at it
		return err
	}
	switch task {
	case "feature-extraction":
		return s.hubFeatures(c, model, body)
	case "sentence-similarity":
		if !isSimilarity(body.Inputs) { // a model for similarity, asked for vectors
			return s.hubFeatures(c, model, body)
		}
		return s.hubSimilarity(c, model, body)
	case "text-classification", "sentiment-analysis":
		return s.hubClassify(c, model, body)
	case "summarization":
		return s.hubSummarize(c, model, body)
	case "translation":
		return s.hubTranslate(c, model, body)
	case "text-generation", "text2text-generation":
		return s.hubGenerate(c, model, body)
	}
	return models.Errorf(models.Invalid, "task", "%.64q is not done here; there are feature-extraction, sentence-similarity, text-classification, summarization, translation and text-generation", task)
}

// byBody runs the task that a body is for, with the default model: clients send all tasks to one address where they were
// given no more than that. What the body does not tell apart is refused rather than guessed.
func (s *Server) byBody(c *fiber.Ctx) error {
	var body wire.HubRequest
	if err := decodeLoosely(c, &body); err != nil {
		return err
	}
	task, err := taskOfBody(body)
	if err != nil {
		return err
	}
	if task == "feature-extraction" {
		v, err := s.hubVectors(c, "", body)
		if err != nil {
			return err
		}
		return send(c, v.rows()) // as text-embeddings-inference, whose address this is too: a list even for one text
	}
	return s.hubTask(c, "", task, body)
}

// marks are the parameters that one task alone has.
var marks = []struct{ field, task string }{
	{"candidate_labels", "zero-shot-classification"}, // not done here, and said so by name
	{"function_to_apply", "text-classification"},
	{"generate_parameters", "summarization"},
	{"min_length", "summarization"},
	{"max_length", "summarization"},
	{"src_lang", "translation"},
	{"tgt_lang", "translation"},
	{"max_new_tokens", "text-generation"},
	{"return_full_text", "text-generation"},
	{"details", "text-generation"},
	{"do_sample", "text-generation"},
	{"temperature", "text-generation"},
	{"top_p", "text-generation"},
	{"top_k", "text-classification"}, // of a generation too, which has others beside it as a rule
}

// taskOfBody is the task of a request that names no model either.
func taskOfBody(body wire.HubRequest) (string, error) {
	switch task, err := shownTask(body); {
	case task != "" || err != nil:
		return task, err
	case len(body.Parameters) == 0 || body.Parameters.Kind() == jsontext.KindNull:
		return "feature-extraction", nil
	}
	return "", models.Errorf(models.Invalid, "parameters", "do not tell which task is meant; give the client the task's own address: /models/{org}/{name}/pipeline/{task}")
}

// shownTask is the task that alone has such a request; none where several have.
func shownTask(body wire.HubRequest) (string, error) {
	switch {
	case isSimilarity(body.Inputs):
		return "sentence-similarity", nil
	case body.Stream != nil:
		return "text-generation", nil
	}
	var fields map[string]jsontext.Value
	if err := parameters(body, &fields); err != nil {
		return "", err
	}
	for _, mark := range marks {
		if _, ok := fields[mark.field]; ok {
			return mark.task, nil
		}
	}
	return "", nil
}

// parameters reads the parameters of a task; those that are not known here are ignored.
func parameters(body wire.HubRequest, v any) error {
	if kind := body.Parameters.Kind(); kind == jsontext.KindInvalid || kind == jsontext.KindNull {
		return nil
	}
	return within("parameters", explainJSON(unmarshal(body.Parameters, v)))
}

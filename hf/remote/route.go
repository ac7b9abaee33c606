package remote

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"searchd/hf"
)

// check finds what is wrong with a call whatever the server.
func check(c hf.Call) error {
	if c.Task != hf.TextGeneration {
		switch {
		case len(c.Messages) > 0:
			return invalid("messages: %s takes texts, not a conversation", c.Task)
		case len(c.Inputs) == 0:
			return invalid("inputs: there is no text")
		case c.Task == hf.TextRanking && strings.TrimSpace(c.Query) == "":
			return invalid("query: is empty; say what the texts are ranked for")
		case (c.Source == "") != (c.Target == ""):
			return invalid("source, target: give both languages or neither")
		}
		return nil
	}
	switch {
	case len(c.Messages) > 0 && len(c.Inputs) > 0:
		return invalid("inputs: give a prompt or messages, not both")
	case len(c.Messages) == 0 && len(c.Inputs) != 1:
		return invalid("inputs: %d prompts; text generation takes one", len(c.Inputs))
	case len(c.Messages) == 0 && strings.TrimSpace(c.Inputs[0]) == "":
		return invalid("inputs: the prompt is empty")
	}
	return nil
}

// split makes calls of one request each. Servers behind the router may take two texts to classify for one pair, and
// promise a list of texts to no other task than feature extraction, so there each text is a request.
func (p *Provider) split(c hf.Call) []hf.Call {
	size := p.batch
	switch {
	case c.Task == hf.TextGeneration:
		return []hf.Call{c}
	case p.kind == HuggingFace && c.Task != hf.FeatureExtraction:
		size = 1
	}
	var calls []hf.Call
	for inputs := range slices.Chunk(c.Inputs, size) {
		part := c
		part.Inputs = inputs
		calls = append(calls, part)
	}
	return calls
}

// route puts a call into the words of the server.
func (p *Provider) route(c hf.Call, stream bool) (request, error) {
	switch p.kind {
	case HuggingFace:
		return p.routeHuggingFace(c, stream)
	case TEI:
		return p.routeTEI(c)
	case TGI:
		return p.routeTGI(c, stream)
	default:
		return p.routeOpenAI(c, stream)
	}
}

func (p *Provider) routeHuggingFace(c hf.Call, stream bool) (request, error) {
	if c.Task == hf.TextGeneration && (!p.raw || len(c.Messages) > 0) {
		return chat("/v1/chat/completions", c, stream)
	}
	if !modelID.MatchString(c.Model) || strings.Contains(c.Model, "..") {
		return request{}, invalid("model: %.80q is not the id of a model, such as owner/name", c.Model)
	}
	path := "/hf-inference/models/" + c.Model
	switch c.Task {
	case hf.FeatureExtraction:
		return request{path: path + "/pipeline/feature-extraction", body: embedBody{c.Inputs, true}, read: readEmbeddings(c)}, nil
	case hf.TextClassification:
		return request{path: path, body: textBody(c.Inputs[0], topK(c)), read: readLabels(c)}, nil
	case hf.Summarization:
		return request{path: path, body: textBody(c.Inputs[0], summary(c.Params)), read: readTexts("summary_text")}, nil
	case hf.Translation:
		return request{path: path, body: textBody(c.Inputs[0], languages(c)), read: readTexts("translation_text")}, nil
	case hf.TextGeneration:
		return generate(path, c, stream, false), nil
	}
	return request{}, p.unsupported(c)
}

func (p *Provider) routeTEI(c hf.Call) (request, error) {
	switch c.Task {
	case hf.FeatureExtraction:
		return request{path: "/embed", body: embedBody{c.Inputs, true}, read: readEmbeddings(c)}, nil
	case hf.TextClassification:
		return request{path: "/predict", body: predict(c.Inputs), read: readLabels(c)}, nil
	case hf.TextRanking:
		return request{path: "/rerank", body: teiRerank{c.Query, c.Inputs, true}, read: readTEIRanks(len(c.Inputs))}, nil
	}
	return request{}, p.unsupported(c)
}

func (p *Provider) routeTGI(c hf.Call, stream bool) (request, error) {
	switch {
	case c.Task != hf.TextGeneration:
		return request{}, p.unsupported(c)
	case len(c.Messages) > 0:
		c.Model = cmp.Or(c.Model, "tgi") // it has one model, and the protocol wants a name
		return chat("/v1/chat/completions", c, stream)
	case stream:
		return generate("/generate_stream", c, false, true), nil
	}
	return generate("/generate", c, false, true), nil
}

func (p *Provider) routeOpenAI(c hf.Call, stream bool) (request, error) {
	switch {
	case c.Task == hf.FeatureExtraction:
		body := openAIEmbed{Model: c.Model, Input: c.Inputs, Format: "base64"}
		return request{path: "/embeddings", body: body, read: readOpenAIEmbeddings(len(c.Inputs))}, nil
	case c.Task == hf.TextRanking:
		return request{path: "/rerank", body: openAIRerank{c.Model, c.Query, c.Inputs}, read: readOpenAIRanks(len(c.Inputs))}, nil
	case c.Task != hf.TextGeneration:
		return request{}, p.unsupported(c)
	case p.raw && len(c.Messages) == 0:
		return complete("/completions", c, stream)
	}
	return chat("/chat/completions", c, stream)
}

// modelID guards the path of a URL.
var modelID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?$`)

func (p *Provider) unsupported(c hf.Call) error {
	able := map[Type]string{
		HuggingFace: "all tasks that searchd knows but text-ranking", OpenAI: "text-generation, feature-extraction and text-ranking",
		TEI: "feature-extraction, text-classification and text-ranking", TGI: "text-generation",
	}[p.kind]
	return &hf.CallError{Fault: hf.FaultUnsupport, Message: fmt.Sprintf(
		"a provider of type %s does not do %.40s, only %s; choose another provider", p.kind, string(c.Task), able)}
}

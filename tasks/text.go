package tasks

import (
	"context"
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

// partBytes is what the usual models for summaries read at a time: 1,024 tokens, of about four bytes.
const partBytes = 3500

// cutText cuts a text into parts of at most about size bytes, at the ends of paragraphs, sentences or words. No part is
// blank, apart from that of a blank text.
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
		parts, text = add(parts, text[:at]), text[at:]
	}
	return add(parts, text)
}

// add appends a part; a blank one is the end of the part before it.
func add(parts []string, part string) []string {
	if n := len(parts); n > 0 && strings.TrimSpace(part) == "" {
		parts[n-1] += part
		return parts
	}
	return append(parts, part)
}

// Translation is a text in another language.
type Translation struct {
	Text string
	Made
}

// translatedBytes is what models for translation read at a time: 512 tokens, of which other alphabets need more.
const translatedBytes = 1200

// Translate puts a text into another language. Languages are named as the model names them; many have one pair only, and
// need no name. A text that is longer than such a model reads is translated in parts.
func (s *Service) Translate(ctx context.Context, a Ask, text, source, target string) (Translation, Done, error) {
	if err := CheckText("text", text); err != nil {
		return Translation{}, Done{}, err
	}
	r, err := s.route(ctx, a, work{task: hf.Translation})
	if err != nil {
		return Translation{}, Done{}, err
	}
	if err := checkLanguages(source, target, told(r.first())); err != nil && r.provider.ProviderType != Local {
		return Translation{}, Done{}, err
	}
	params := hf.Params{Temperature: r.provider.Configuration.Temperature}
	var calls []hf.Call
	parts := cutText(text, translatedBytes)
	for _, part := range parts {
		calls = append(calls, hf.Call{Task: hf.Translation, Inputs: []string{part}, Source: source, Target: target, Params: params})
	}
	results, done, err := s.each(ctx, a, r, calls)
	if err != nil {
		return Translation{}, done, err
	}
	t := Translation{Made: s.made(r, params, results[0])}
	for i, part := range parts {
		text, err := only(results[i].Texts)
		if err != nil {
			return Translation{}, done, err
		}
		t.Text += strings.TrimSpace(text) + part[len(strings.TrimRight(part, " \n")):]
		t.cut(results[i].FinishReason)
	}
	t.Text = strings.TrimSpace(t.Text)
	return t, done, nil
}

func checkLanguages(source, target string, told bool) error {
	switch {
	case target == "" && (told || source != ""):
		return models.Errorf(models.Invalid, "target", "is empty; name the language to translate into")
	case target != "" && source == "" && !told:
		return models.Errorf(models.Invalid, "source", "is empty; such a model is given both languages or neither")
	}
	return nil
}

// only is the one text of a reply.
func only(texts []string) (string, error) {
	if len(texts) != 1 || strings.TrimSpace(texts[0]) == "" {
		return "", models.Errorf(models.ProviderFailed, "", "the provider gave no text; try again, or another model")
	}
	return texts[0], nil
}

// cut notes a text that ended before its end.
func (m *Made) cut(finishReason string) {
	const note = "the model's answer was cut off: it had used all its tokens"
	if finishReason == cutOff && (len(m.Notes) == 0 || m.Notes[len(m.Notes)-1] != note) {
		m.Notes = append(m.Notes, note)
	}
}

// Vectors embeds texts as documents are embedded.
func (s *Service) Vectors(ctx context.Context, a Ask, texts []string) ([][]float32, Done, error) {
	reply, done, err := s.do(ctx, a, hf.Call{Task: hf.FeatureExtraction, Inputs: texts})
	if err == nil && len(reply.Vectors) != len(texts) {
		err = models.Errorf(models.Internal, "", "%d vectors for %d texts", len(reply.Vectors), len(texts))
	}
	return reply.Vectors, done, err
}

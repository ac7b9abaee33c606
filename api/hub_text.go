package api

import (
	"bufio"
	"cmp"
	"iter"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/models"
	"searchd/tasks"
)

// maxHubTexts is how many texts one request may have summarised or translated: each is a call of a model.
const maxHubTexts = 32

// hubTexts reads the inputs of a task that makes text.
func hubTexts(body wire.HubRequest) ([]string, error) {
	in, err := parseInput("inputs", body.Inputs)
	switch {
	case err != nil:
		return nil, err
	case in.ids != nil:
		return nil, models.Errorf(models.Invalid, "inputs", "holds token ids; send text")
	case len(in.texts) > maxHubTexts:
		return nil, models.Errorf(models.Invalid, "inputs", "has %d texts; at most %d are allowed", len(in.texts), maxHubTexts)
	}
	return in.texts, nil
}

// hubSummarize answers a list even for one text, as clients want it. Lengths are in words.
func (s *Server) hubSummarize(c *fiber.Ctx, model string, body wire.HubRequest) error {
	var p wire.SummaryParameters
	if err := parameters(body, &p); err != nil {
		return err
	}
	texts, err := hubTexts(body)
	if err != nil {
		return err
	}
	most, least := summaryBounds(p)
	ctx, cancel := s.taskContext()
	defer cancel()
	answer := make([]wire.HubSummary, len(texts))
	for i, text := range texts {
		summary, _, err := s.Tasks.Summarize(ctx, s.summarizer(model), tasks.Shorten{Text: text, Most: most, Least: least})
		if err != nil {
			return inputsError(err, "text")
		}
		answer[i].SummaryText = summary.Text
	}
	return send(c, answer)
}

// summaryBounds are the lengths of a summary, from the first place that says.
func summaryBounds(p wire.SummaryParameters) (most, least int) {
	most = defaultSummaryWords
	for _, l := range []wire.Lengths{p.GenerateKwargs, p.GenerationParameters, p.GenerateParameters, p.Lengths} {
		if n := lo.CoalesceOrEmpty(l.MaxLength, l.MaxNewTokens); n != nil {
			most = *n
		}
		if l.MinLength != nil {
			least = *l.MinLength
		}
	}
	return most, least
}

// summarizer is who summarises: this process where no model is named, or one for embeddings, which is what it does it with.
func (s *Server) summarizer(model string) tasks.Ask {
	a := tasks.Ask{Model: modelName(model)}
	if _, err := s.Models.Model(a.Model); models.CodeOf(err) != models.NotFound {
		a.Provider = tasks.Local
	}
	return a
}

func (s *Server) hubTranslate(c *fiber.Ctx, model string, body wire.HubRequest) error {
	var p wire.TranslationParameters
	if err := parameters(body, &p); err != nil {
		return err
	}
	texts, err := hubTexts(body)
	if err != nil {
		return err
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	answer := make([]wire.HubTranslation, len(texts))
	for i, text := range texts {
		translation, _, err := s.Tasks.Translate(ctx, tasks.Ask{Model: modelName(model)}, text, p.Source, p.Target)
		if err != nil {
			return inputsError(err, "text")
		}
		answer[i].TranslationText = translation.Text
	}
	return send(c, answer)
}

// hubGenerate speaks as text-generation-inference does. A prompt comes back before the text only where that is asked for.
func (s *Server) hubGenerate(c *fiber.Ctx, model string, body wire.HubRequest) error {
	var p wire.GenerateParameters
	if err := parameters(body, &p); err != nil {
		return err
	}
	texts, err := hubTexts(body)
	if err != nil {
		return err
	}
	if len(texts) != 1 {
		return models.Errorf(models.Invalid, "inputs", "has %d prompts; give one", len(texts))
	}
	prompt := tasks.Prompt{Text: texts[0], Params: hf.Params{
		Temperature: p.Temperature, MaxTokens: p.MaxNewTokens, TopP: p.TopP, TopK: p.TopK,
		RepetitionPenalty: p.RepetitionPenalty, DoSample: p.DoSample, Stop: p.Stop, Seed: p.Seed,
	}}
	a := tasks.Ask{Model: modelName(model)}
	if body.Stream != nil && *body.Stream {
		return s.generateStream(c, a, prompt, p)
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	made, done, err := s.Tasks.Complete(ctx, a, prompt)
	if err != nil {
		return inputsError(err, "prompt")
	}
	answer := generated(prompt.Text, made.Text, p)
	if p.Details {
		answer.Details = generatedDetails(made.FinishReason, done, p)
	}
	return send(c, []wire.Generated{answer})
}

func generated(prompt, text string, p wire.GenerateParameters) wire.Generated {
	if p.ReturnFullText {
		text = prompt + text
	}
	return wire.Generated{GeneratedText: text}
}

func generatedDetails(reason string, d tasks.Done, p wire.GenerateParameters) *wire.GeneratedDetails {
	if cmp.Or(reason, "stop") == "stop" {
		reason = "eos_token"
	}
	return &wire.GeneratedDetails{
		FinishReason: reason, GeneratedTokens: d.Usage.CompletionTokens, InputLength: d.Usage.PromptTokens, Seed: p.Seed,
		Prefill: []struct{}{}, Tokens: []struct{}{},
	}
}

// generateStream sends the pieces as they come; the last event has the whole text. There is no [DONE].
func (s *Server) generateStream(c *fiber.Ctx, a tasks.Ask, prompt tasks.Prompt, p wire.GenerateParameters) error {
	ctx, cancel := s.taskContext()
	_, pieces, done, err := s.Tasks.CompleteStream(ctx, a, prompt)
	if err != nil {
		cancel()
		return inputsError(err, "prompt")
	}
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	id := requestID(c)
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer cancel()
		_ = s.sendPieces(w, prompt.Text, pieces, done, p, id) // the client has left if this fails
	})
	return nil
}

func (s *Server) sendPieces(w *bufio.Writer, prompt string, pieces iter.Seq2[hf.Delta, error], done func() tasks.Done, p wire.GenerateParameters, id string) error {
	text, reason, index := "", "", 0
	for delta, err := range pieces {
		if err != nil {
			return data(w, wire.HubError{Error: sentence(s.explainError(err, id))})
		}
		reason = cmp.Or(delta.FinishReason, reason)
		if delta.Text == "" {
			continue
		}
		index, text = index+1, text+delta.Text
		if err := data(w, wire.GeneratedPiece{Index: index, Token: wire.GeneratedToken{Text: delta.Text}}); err != nil {
			return err
		}
	}
	whole := generated(prompt, text, p).GeneratedText
	return data(w, wire.GeneratedPiece{
		Index: index + 1, Token: wire.GeneratedToken{Special: true}, GeneratedText: lo.ToPtr(whole), Details: generatedDetails(reason, done(), p),
	})
}

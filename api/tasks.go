package api

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/models"
	"searchd/tasks"
)

// Limits of a model task.
const (
	defaultTimeoutMS = 60_000
	maxTimeoutMS     = 600_000
	maxEmbedded      = 1000 // documents in one POST /embeddings

	defaultSummaryWords = 100
)

// ask reads what all tasks have in common.
func ask(a wire.Ask) (tasks.Ask, error) {
	timeout := defaultTimeoutMS
	if a.TimeoutMS != nil {
		timeout = *a.TimeoutMS
	}
	switch {
	case timeout < 1 || timeout > maxTimeoutMS:
		return tasks.Ask{}, models.Errorf(models.Invalid, "timeout_ms", "is %d; it can be 1 to %d", timeout, maxTimeoutMS)
	case len(a.FallbackModels) > models.MaxFallbacks:
		return tasks.Ask{}, models.Errorf(models.Invalid, "fallback_models", "has %d models; at most %d are allowed", len(a.FallbackModels), models.MaxFallbacks)
	case len(a.FallbackProviders) > models.MaxFallbacks:
		return tasks.Ask{}, models.Errorf(models.Invalid, "fallback_providers", "has %d providers; at most %d are allowed", len(a.FallbackProviders), models.MaxFallbacks)
	}
	return tasks.Ask{
		Provider: a.Provider, Model: a.Model, Fallbacks: a.FallbackModels, FallbackProviders: a.FallbackProviders,
		NoCache: a.UseCache != nil && !*a.UseCache, Timeout: time.Duration(timeout) * time.Millisecond,
	}, nil
}

func generationParams(p wire.Params) (hf.Params, error) {
	if p.MaxTokens == nil {
		p.MaxTokens = p.MaxNewTokens
	} else if p.MaxNewTokens != nil && *p.MaxNewTokens != *p.MaxTokens {
		return hf.Params{}, models.Errorf(models.Invalid, "max_new_tokens", "differs from max_tokens, which means the same; give one of them")
	}
	return hf.Params{
		Temperature: p.Temperature, MaxTokens: p.MaxTokens, TopP: p.TopP, TopK: p.TopK,
		RepetitionPenalty: p.RepetitionPenalty, DoSample: p.DoSample, Stop: p.Stop,
	}, nil
}

func wireParams(p hf.Params) wire.Params {
	return wire.Params{
		Temperature: p.Temperature, MaxTokens: p.MaxTokens, TopP: p.TopP, TopK: p.TopK,
		RepetitionPenalty: p.RepetitionPenalty, DoSample: p.DoSample, Stop: p.Stop,
	}
}

func wireDone(d tasks.Done) wire.Done {
	return wire.Done{
		Model: d.Model, Provider: d.Provider, ExecutionTimeMS: milliseconds(d.Took), Attempts: d.Attempts, FromCache: d.Cached,
		Usage: wire.Usage(d.Usage), EstimatedCostUSD: d.CostUSD,
	}
}

func wireMade(m tasks.Made) wire.Made {
	return wire.Made{ModelSelected: m.Selected, ConfigUsed: wireParams(m.Config), Notes: m.Notes}
}

// taskContext outlives the deadline of other requests: a task may be tried several times.
func (s *Server) taskContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.live, 10*time.Minute)
}

func (s *Server) complete(c *fiber.Ctx) error {
	var body wire.CompleteRequest
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	a, err := ask(body.Ask)
	if err != nil {
		return err
	}
	p, err := generationParams(body.Params)
	if err != nil {
		return err
	}
	prompt := tasks.Prompt{Text: body.Prompt, TaskType: string(body.TaskType), Quality: string(body.Quality), Style: string(body.Style), Params: p}
	if body.Stream {
		return s.completeStream(c, a, prompt)
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	made, done, err := s.Tasks.Complete(ctx, a, prompt)
	if err != nil {
		return err
	}
	return send(c, wireCompletion(made, done))
}

func wireCompletion(made tasks.Completion, done tasks.Done) wire.Completion {
	return wire.Completion{
		Done: wireDone(done), Made: wireMade(made.Made), Text: made.Text, FinishReason: made.FinishReason,
		TokenCount: made.TokenCount, TaskType: made.TaskType,
	}
}

// completeStream sends each piece as an event "delta", and at the end an event "done" or "error".
func (s *Server) completeStream(c *fiber.Ctx, a tasks.Ask, prompt tasks.Prompt) error {
	ctx, cancel := s.taskContext()
	made, pieces, done, err := s.Tasks.CompleteStream(ctx, a, prompt)
	if err != nil {
		cancel()
		return err
	}
	id := requestID(c)
	return sendEvents(c, cancel, func(w *bufio.Writer) error {
		err := s.sendDeltas(w, pieces, id, func(d hf.Delta) {
			made.Text += d.Text
			made.FinishReason = cmp.Or(d.FinishReason, made.FinishReason)
		})
		if err != nil {
			return err
		}
		paid := done()
		made.TokenCount = paid.Usage.CompletionTokens
		return event(w, "done", wireCompletion(made, paid))
	})
}

func (s *Server) compare(c *fiber.Ctx) error {
	var body wire.CompareRequest
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	a, err := ask(body.Ask)
	if err != nil {
		return err
	}
	p, err := generationParams(body.Params)
	if err != nil {
		return err
	}
	if err := comparable(body.Ask); err != nil {
		return err
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	start := time.Now()
	results, err := s.Tasks.Compare(ctx, a, tasks.Prompt{Text: body.Prompt, TaskType: string(body.TaskType), Params: p}, body.Models)
	if err != nil {
		return err
	}
	answer := wire.Comparison{Prompt: body.Prompt, ModelResults: map[string]wire.ModelResult{}, TotalModelsTested: len(results)}
	for name, r := range results {
		answer.ModelResults[name] = s.wireCompared(r, requestID(c))
		if r.Err == nil {
			answer.SuccessfulResponses++
		}
	}
	answer.Done = wireDone(tasks.Together(results))
	answer.ExecutionTimeMS = milliseconds(time.Since(start))
	return send(c, answer)
}

// comparable refuses what would have no effect: each of the models stands for itself.
func comparable(a wire.Ask) error {
	switch {
	case a.Model != "":
		return models.Errorf(models.Invalid, "model", "has no effect here; name the models in models")
	case len(a.FallbackModels) > 0:
		return models.Errorf(models.Invalid, "fallback_models", "has no effect here: a model that fails is shown as failed")
	case len(a.FallbackProviders) > 0:
		return models.Errorf(models.Invalid, "fallback_providers", "has no effect here: a model that fails is shown as failed")
	}
	return nil
}

func (s *Server) wireCompared(r tasks.Compared, id string) wire.ModelResult {
	result := wire.ModelResult{
		Status: "success", Text: r.Completion.Text, ExecutionTimeMS: milliseconds(r.Done.Took),
		TokenCount: r.Completion.TokenCount, FinishReason: r.Completion.FinishReason,
		Attempts: r.Done.Attempts, FromCache: r.Done.Cached, Usage: wire.Usage(r.Done.Usage), EstimatedCost: r.Done.CostUSD,
	}
	if r.Err != nil {
		shown := s.explainError(r.Err, id)
		result.Status, result.Error = "failed", &shown
	}
	return result
}

func (s *Server) sentiment(c *fiber.Ctx) error {
	var body wire.SentimentRequest
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	a, err := ask(body.Ask)
	if err != nil {
		return err
	}
	if (body.Text == nil) == (body.Texts == nil) {
		return models.Errorf(models.Invalid, "text", "and texts: give one of them, and only one")
	}
	texts := body.Texts
	if body.Text != nil {
		texts = []string{*body.Text}
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	judged, done, err := s.Tasks.Sentiments(ctx, a, string(body.Style), texts)
	if err != nil {
		if body.Text != nil {
			err = renamed(err, "texts[0]", "text")
		}
		return err
	}
	if body.Text != nil {
		return send(c, wire.OneSentiment{Done: wireDone(done), Made: wireMade(judged.Made), Sentiment: wireSentiment(judged.List[0])})
	}
	return send(c, wire.Sentiments{
		Done: wireDone(done), Made: wireMade(judged.Made),
		Results: lo.Map(judged.List, func(s tasks.Sentiment, _ int) wire.Sentiment { return wireSentiment(s) }),
	})
}

func wireSentiment(s tasks.Sentiment) wire.Sentiment {
	return wire.Sentiment{
		Sentiment: s.Sentiment, Confidence: s.Confidence, Scores: s.Scores,
		RawResponse: lo.Map(s.Raw, func(l hf.Label, _ int) wire.Label { return wire.Label{Label: l.Name, Score: l.Score} }),
	}
}

func (s *Server) summarize(c *fiber.Ctx) error {
	var body wire.SummarizeRequest
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	a, err := ask(body.Ask)
	if err != nil {
		return err
	}
	most := defaultSummaryWords
	if body.MaxLength != nil {
		most = *body.MaxLength
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	summary, done, err := s.Tasks.Summarize(ctx, a, tasks.Shorten{Text: body.Text, Most: most, Least: body.MinLength, Style: string(body.Style)})
	if err != nil {
		return err
	}
	return send(c, wire.Summary{
		Done: wireDone(done), Made: wireMade(summary.Made), Summary: summary.Text, OriginalLength: summary.OriginalLength,
		SummaryLength: summary.SummaryLength, CompressionRatio: summary.Ratio,
	})
}

func (s *Server) translate(c *fiber.Ctx) error {
	var body wire.TranslateRequest
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	a, err := ask(body.Ask)
	if err != nil {
		return err
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	made, done, err := s.Tasks.Translate(ctx, a, body.Text, body.Source, body.Target)
	if err != nil {
		return err
	}
	return send(c, wire.TranslationAnswer{Done: wireDone(done), Made: wireMade(made.Made), Translation: made.Text})
}

// embeddings embeds what can be embedded; a document without content fails alone.
func (s *Server) embeddings(c *fiber.Ctx) error {
	var body wire.EmbeddingsRequest
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	a, err := ask(body.Ask)
	if err != nil {
		return err
	}
	if len(body.Documents) == 0 || len(body.Documents) > maxEmbedded {
		return models.Errorf(models.Invalid, "documents", "has %d documents; it can have 1 to %d", len(body.Documents), maxEmbedded)
	}
	answer := wire.Embeddings{ProcessedDocuments: len(body.Documents), Results: make([]wire.EmbeddingResult, len(body.Documents))}
	var texts []string
	var places []int
	for i, d := range body.Documents {
		answer.Results[i] = wire.EmbeddingResult{DocumentID: d.ID, Status: "failed"}
		if err := tasks.CheckText(fmt.Sprintf("documents[%d].content", i), d.Content); err != nil {
			shown := s.explainError(err, requestID(c))
			answer.Results[i].Error = &shown
			continue
		}
		texts, places = append(texts, d.Content), append(places, i)
	}
	if len(texts) == 0 {
		return models.Errorf(models.Invalid, "documents", "has no content: %s", answer.Results[0].Error.Error())
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	vectors, done, err := s.Tasks.Vectors(ctx, a, texts)
	if err != nil {
		return err
	}
	for i, v := range vectors {
		r := &answer.Results[places[i]]
		r.Embedding, r.Dimensions, r.Status = v, len(v), "success"
	}
	answer.Done, answer.EmbeddingModel, answer.SuccessfulEmbeddings = wireDone(done), done.Model, len(vectors)
	answer.EmbeddingDimensions = len(vectors[0])
	return send(c, answer)
}

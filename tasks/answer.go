package tasks

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"searchd/hf"
	"searchd/hf/gateway"
	"searchd/hf/inproc"
	"searchd/models"
	"searchd/search"
)

// Citation is a part of a document that an answer rests on: the bytes Start to End of its text.
type Citation struct {
	DocumentID string
	Start, End int
}

// Answered is an answer with what it rests on.
type Answered struct {
	Text      string // empty where the documents do not say
	Citations []Citation
	Hits      []search.Hit
}

// Answering is an answer under way. Its hits are there from the start; the rest of Answered and Done is whole when Pieces has
// come to its end without an error.
type Answering struct {
	Answered
	Done   Done
	Pieces iter.Seq2[hf.Delta, error] // of the text; it can be ranged over once
}

// Answer answers a question from the documents that a search finds. With a provider that generates, a model writes it from
// the passages and cites them; otherwise it is the sentences of the passages that answer best.
func (s *Service) Answer(ctx context.Context, a Ask, c models.Collection, r search.Request) (Answered, Done, error) {
	w, p, err := s.ground(ctx, a, c, r)
	switch {
	case err != nil || len(w.Hits) == 0:
	case p.ProviderType == Local:
		err = s.quote(ctx, a, r.Query, w)
	default:
		err = s.write(ctx, a, r.Query, w)
	}
	return w.Answered, w.Done, err
}

// AnswerStream is Answer piece by piece. It returns when the search is done, before a model is asked.
func (s *Service) AnswerStream(ctx context.Context, a Ask, c models.Collection, r search.Request) (*Answering, error) {
	w, p, err := s.ground(ctx, a, c, r)
	switch {
	case err != nil:
		return nil, err
	case len(w.Hits) == 0:
		w.Pieces = func(func(hf.Delta, error) bool) {}
	case p.ProviderType == Local:
		w.Pieces = func(yield func(hf.Delta, error) bool) {
			if err := s.quote(ctx, a, r.Query, w); err != nil || w.Text != "" {
				yield(hf.Delta{Text: w.Text}, err)
			}
		}
	default:
		way, err := s.route(ctx, a, work{task: hf.TextGeneration})
		if err != nil {
			return nil, err
		}
		w.Pieces = s.written(ctx, a, way, r.Query, w)
	}
	return w, nil
}

// ground finds the passages to answer from, and who is to answer.
func (s *Service) ground(ctx context.Context, a Ask, c models.Collection, r search.Request) (*Answering, models.Provider, error) {
	w := &Answering{}
	found, err := s.Search.Search(ctx, c, r)
	if err != nil {
		return w, models.Provider{}, renamed(err)
	}
	p, err := s.provider(ctx, a.Provider)
	w.Hits, w.Done = found.Hits, Done{Provider: p.ProviderID, Model: found.Model}
	return w, p, err
}

// renamed says question where the search says query.
func renamed(err error) error {
	if e, ok := err.(*models.Error); ok && e.Field == "query" { //nolint:errorlint // search answers its errors unwrapped
		return models.Errorf(e.Code, "question", "%s", e.Message)
	}
	return err
}

// quote answers with the sentences of the passages. No provider is asked, so it keeps the request's time and log itself.
func (s *Service) quote(ctx context.Context, a Ask, question string, w *Answering) error {
	if a.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.Timeout)
		defer cancel()
	}
	start := time.Now()
	passages := make([]inproc.Passage, len(w.Hits))
	w.Done.Usage.PromptCharacters = utf8.RuneCountInString(question)
	for i, h := range w.Hits {
		passages[i] = inproc.Passage{Text: h.Text}
		w.Done.Usage.PromptCharacters += utf8.RuneCountInString(h.Text)
	}
	text, citations, err := s.Local.Answer(ctx, question, passages)
	w.Text = text
	for _, c := range citations {
		h := w.Hits[c.Passage]
		w.Citations = append(w.Citations, Citation{h.Document.ID, h.Chunk.Start + c.Start, h.Chunk.Start + c.End})
	}
	w.Done.Attempts, w.Done.Took = 1, time.Since(start)
	w.Done.Usage.CompletionCharacters = utf8.RuneCountInString(text)
	s.Usage.recordLocal(ctx, hf.Call{Task: questionAnswering, Inputs: []string{question}}, w.Done, err)
	return err
}

const instruction = `Answer the question from the numbered passages only, in a few sentences. After each statement cite its passage, as in [2]. If the passages do not answer the question, say that they do not.`

// prompt asks for an answer from the passages that were found.
func prompt(question string, hits []search.Hit) hf.Call {
	var b strings.Builder
	for i, h := range hits {
		fmt.Fprintf(&b, "[%d] %s\n%s\n\n", i+1, h.Document.Title, h.Text)
	}
	fmt.Fprintf(&b, "Question: %s", question)
	return hf.Call{Task: hf.TextGeneration, Messages: []hf.Message{{Role: "system", Content: instruction}, {Role: "user", Content: b.String()}}}
}

// write lets a model answer.
func (s *Service) write(ctx context.Context, a Ask, question string, w *Answering) error {
	reply, done, err := s.do(ctx, a, prompt(question, w.Hits))
	if err != nil {
		return err
	}
	w.Done = done
	w.finish(strings.Join(reply.Texts, ""))
	return nil
}

// written is write piece by piece.
func (s *Service) written(ctx context.Context, a Ask, way route, question string, w *Answering) iter.Seq2[hf.Delta, error] {
	call := prompt(question, w.Hits)
	pieces := s.Gateway.Stream(s.Usage.noting(ctx, call), gateway.Request{
		Call: call, Targets: way.targets, AttemptTimeout: a.Timeout, Deadline: a.deadline(),
		Finished: func(r gateway.Result) { w.Done = doneOf(way, r) },
	})
	return func(yield func(hf.Delta, error) bool) {
		var text strings.Builder
		for d, err := range pieces {
			text.WriteString(d.Text)
			if !yield(d, s.explain(err)) {
				return
			}
		}
		w.finish(text.String())
	}
}

func (w *Answering) finish(text string) {
	w.Text = strings.TrimSpace(text)
	w.Citations = cited(w.Text, w.Hits)
}

var mark = regexp.MustCompile(`\[(\d{1,3})\]`)

// cited are the passages whose numbers stand in a text, each once, in the order in which they are named.
func cited(text string, hits []search.Hit) []Citation {
	var list []Citation
	seen := map[int]bool{}
	for _, m := range mark.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil || n < 1 || n > len(hits) || seen[n] {
			continue
		}
		seen[n] = true
		h := hits[n-1]
		list = append(list, Citation{h.Document.ID, h.Chunk.Start, h.Chunk.End})
	}
	return list
}

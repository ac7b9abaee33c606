package api

import (
	"bufio"
	"cmp"
	"context"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/models"
	"searchd/search"
	"searchd/tasks"
)

// defaultPassages is how many passages an answer is made from.
const defaultPassages = 5

func (s *Server) answerQuestion(c *fiber.Ctx) error {
	var body wire.AnswerRequest
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	a, err := ask(body.Ask)
	if err != nil {
		return err
	}
	r, err := s.answerSearch(c.UserContext(), body)
	if err != nil {
		return err
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	if body.Stream {
		return s.answerStream(c, a, collection, r, body.Explain)
	}
	ctx, cancel := s.taskContext()
	defer cancel()
	answered, done, err := s.Tasks.Answer(ctx, a, collection, r)
	if err != nil {
		return err
	}
	return send(c, wireAnswer(answered, done, body.Explain))
}

// answerSearch is the search for a question. A passage that answers may stand beside another of its document, so hits are
// passages unless documents are asked for.
func (s *Server) answerSearch(ctx context.Context, body wire.AnswerRequest) (search.Request, error) {
	switch {
	case body.Query != "":
		return search.Request{}, models.Errorf(models.Invalid, "query", "is called question here")
	case body.Vector != nil:
		return search.Request{}, models.Errorf(models.Invalid, "vector", "is not taken here; the question finds the passages")
	case len(body.Like) > 0:
		return search.Request{}, models.Errorf(models.Invalid, "like", "is not taken here; the question finds the passages")
	case body.Cursor != nil:
		return search.Request{}, models.Errorf(models.Invalid, "cursor", "is not taken here; an answer is made from one page")
	case len(body.Facets) > 0:
		return search.Request{}, models.Errorf(models.Invalid, "facets", "are not counted here; ask POST /search")
	}
	body.Query = body.Question
	r, err := s.searchRequest(ctx, body.SearchRequest, defaultPassages)
	r.Group = cmp.Or(r.Group, search.ByChunk)
	return r, err
}

// answerStream sends an event "hits" as soon as the passages are found, each piece of the answer as an event "delta", and at
// the end an event "done" or "error".
func (s *Server) answerStream(c *fiber.Ctx, a tasks.Ask, collection models.Collection, r search.Request, explain bool) error {
	ctx, cancel := s.taskContext()
	answering, err := s.Tasks.AnswerStream(ctx, a, collection, r)
	if err != nil {
		cancel()
		return err
	}
	id := requestID(c)
	return sendEvents(c, cancel, func(w *bufio.Writer) error {
		if err := event(w, "hits", map[string]any{"hits": wireHits(answering.Hits, explain)}); err != nil {
			return err
		}
		if err := s.sendDeltas(w, answering.Pieces, id, func(hf.Delta) {}); err != nil {
			return err
		}
		return event(w, "done", wireAnswer(answering.Answered, answering.Done, explain))
	})
}

func wireAnswer(a tasks.Answered, done tasks.Done, explain bool) wire.Answer {
	return wire.Answer{
		Done: wireDone(done), Answer: a.Text, Hits: wireHits(a.Hits, explain),
		Citations: lo.Map(a.Citations, func(c tasks.Citation, _ int) wire.Citation { return wire.Citation(c) }),
	}
}

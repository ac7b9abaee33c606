package tasks

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"searchd/hf"
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

// Answer answers a question from the documents that a search finds. With a provider that generates, a model writes it from
// the passages and cites them; otherwise it is the sentences of the passages that answer best.
func (s *Service) Answer(ctx context.Context, a Ask, c models.Collection, r search.Request) (Answered, Done, error) {
	found, err := s.Search.Search(ctx, c, r)
	if err != nil {
		return Answered{}, Done{}, renamed(err)
	}
	p, err := s.provider(ctx, a.Provider)
	if err != nil {
		return Answered{}, Done{}, err
	}
	answer := Answered{Hits: found.Hits}
	if len(found.Hits) == 0 {
		return answer, Done{Provider: p.ProviderID, Model: found.Model}, nil
	}
	if p.ProviderType == Local {
		err := s.quote(ctx, r.Query, &answer)
		return answer, Done{Provider: Local, Model: found.Model, Attempts: 1}, err
	}
	done, err := s.write(ctx, a, r.Query, &answer)
	return answer, done, err
}

// renamed says question where the search says query.
func renamed(err error) error {
	if e, ok := err.(*models.Error); ok && e.Field == "query" { //nolint:errorlint // search answers its errors unwrapped
		return models.Errorf(e.Code, "question", "%s", e.Message)
	}
	return err
}

func (s *Service) quote(ctx context.Context, question string, answer *Answered) error {
	passages := make([]inproc.Passage, len(answer.Hits))
	for i, h := range answer.Hits {
		passages[i] = inproc.Passage{Text: h.Text}
	}
	text, citations, err := s.Local.Answer(ctx, question, passages)
	answer.Text = text
	for _, c := range citations {
		h := answer.Hits[c.Passage]
		answer.Citations = append(answer.Citations, Citation{h.Document.ID, h.Chunk.Start + c.Start, h.Chunk.Start + c.End})
	}
	return err
}

const instruction = `Answer the question from the numbered passages only, in a few sentences. After each statement cite its passage, as in [2]. If the passages do not answer the question, say that they do not.`

func (s *Service) write(ctx context.Context, a Ask, question string, answer *Answered) (Done, error) {
	var b strings.Builder
	for i, h := range answer.Hits {
		fmt.Fprintf(&b, "[%d] %s\n%s\n\n", i+1, h.Document.Title, h.Text)
	}
	fmt.Fprintf(&b, "Question: %s", question)
	call := hf.Call{Task: hf.TextGeneration, Messages: []hf.Message{{Role: "system", Content: instruction}, {Role: "user", Content: b.String()}}}
	reply, done, err := s.do(ctx, a, call)
	if err != nil {
		return done, err
	}
	answer.Text = strings.TrimSpace(strings.Join(reply.Texts, ""))
	answer.Citations = cited(answer.Text, answer.Hits)
	return done, nil
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

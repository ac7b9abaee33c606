package inproc

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"searchd/hf"
	"searchd/internal/prose"
)

// Passage is a text that may hold the answer.
type Passage struct {
	Text string
}

// Citation is where a sentence of an answer stands: passages[Passage].Text[Start:End].
type Citation struct {
	Passage    int
	Start, End int     // bytes
	Score      float64 // cosine to the question, with what its passage added
}

// Limits of an answer.
const (
	maxAnswerSentences = 3
	maxAnswerRead      = 256 // sentences embedded, those of the first passages first
)

// The weights and limits of an answer, found on XQuAD's English questions.
const (
	contextWeight = 0.15 // of the passage as a whole, against the sentence by itself
	rankBonus     = 0.05
	nearBest      = 0.8 // of the best score, for another sentence to be cited as well
	sameSentence  = 0.9 // cosine above which a sentence repeats one that is cited
	// leastRelevance is how many standard deviations a sentence has to lie above what unrelated texts score.
	leastRelevance = 6.0
)

// Answer picks, from passages in the order of their relevance, the sentences that answer a question best, at most three.
// The text is those sentences in the order of the passages, and the citations say where each stands. Where no sentence is
// near enough to the question, the answer is empty and so are the citations: that is not an error.
//
// The model is the default one of this process.
func (p *Provider) Answer(ctx context.Context, question string, passages []Passage) (text string, citations []Citation, err error) {
	if strings.TrimSpace(question) == "" {
		return "", nil, invalid("the question is empty")
	}
	m, err := p.model("")
	if err != nil {
		return "", nil, err
	}
	read := readPassages(passages)
	if len(read) == 0 {
		return "", nil, nil
	}
	asked, err := m.Embed(ctx, hf.Query, []string{question})
	if err != nil {
		return "", nil, failed(ctx, err)
	}
	if err := embedSentences(ctx, m, read); err != nil {
		return "", nil, failed(ctx, err)
	}
	null := m.Card().Null
	score(read, unit(asked[0].Vector), len(passages))
	cited := cite(read, null.Mean+leastRelevance*null.StdDev)
	return quote(cited), citationsOf(cited), nil
}

// sentence is one of a passage.
type sentence struct {
	prose.Span
	passage  int
	text     string // with single spaces
	question bool
	vector   []float32
	cosine   float64 // to the question
	score    float64
}

// readPassages splits the passages, up to maxAnswerRead sentences. What stands in two passages, as where they overlap, is
// read in the first.
func readPassages(passages []Passage) []sentence {
	var out []sentence
	seen := map[string]bool{}
	for i, p := range passages {
		// No more than maxAnswerRead sentences can be in there, so more need not be split.
		head := p.Text[:prose.Cut(p.Text, maxAnswerRead*prose.MaxSentence)]
		for _, s := range prose.Sentences(head) {
			if len(out) == maxAnswerRead {
				return out
			}
			flat := prose.Flatten(strings.ToValidUTF8(head[s.Start:s.End], "\uFFFD"))
			if seen[flat] || !prose.HasWord(flat) {
				continue
			}
			seen[flat] = true
			out = append(out, sentence{Span: s, passage: i, text: flat, question: prose.IsQuestion(flat)})
		}
	}
	return out
}

func embedSentences(ctx context.Context, m hf.Embedder, read []sentence) error {
	texts := make([]string, len(read))
	for i, s := range read {
		texts[i] = s.text[:prose.Cut(s.text, maxRead)]
	}
	embeddings, err := m.Embed(ctx, hf.Document, texts)
	if err != nil {
		return err
	}
	for i, e := range embeddings {
		read[i].vector = unit(e.Vector)
	}
	return nil
}

// score gives each sentence its cosine to the question, plus a share of that of its whole passage, whose words it may
// need to be understood, plus a little for the passage's rank.
//
// A question does not answer another, however alike they are: what stands under it does. So its cosine goes to the
// sentence behind it.
func score(read []sentence, asked []float32, passages int) {
	for i := range read {
		read[i].cosine = dot(read[i].vector, asked)
	}
	for from := 0; from < len(read); {
		to := from
		mean := make([]float32, len(asked))
		for to < len(read) && read[to].passage == read[from].passage {
			for d, x := range read[to].vector {
				mean[d] += x
			}
			to++
		}
		whole := dot(unit(mean), asked)
		rank := rankBonus * (1 - float64(read[from].passage)/float64(passages))
		for i := from; i < to; i++ {
			s := &read[i]
			if i > from && read[i-1].question && !s.question {
				s.cosine = max(s.cosine, read[i-1].cosine)
			}
			s.score = (1-contextWeight)*s.cosine + contextWeight*whole + rank
		}
		from = to
	}
}

// cite picks the best sentence, if it is relevant enough, and up to two more that are nearly as good and say something
// else, in the order of the passages.
func cite(read []sentence, least float64) []sentence {
	order := slices.Clone(read)
	slices.SortStableFunc(order, func(a, b sentence) int { return -cmp.Compare(a.score, b.score) })
	var out []sentence
	for _, s := range order {
		if len(out) == maxAnswerSentences || len(out) > 0 && s.score < nearBest*out[0].score {
			break
		}
		if s.question || !(s.cosine >= least) || math.IsNaN(s.score) || repeats(out, s) {
			continue
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b sentence) int {
		return cmp.Or(cmp.Compare(a.passage, b.passage), cmp.Compare(a.Start, b.Start))
	})
	return out
}

func repeats(cited []sentence, s sentence) bool {
	return slices.ContainsFunc(cited, func(c sentence) bool { return dot(c.vector, s.vector) > sameSentence })
}

func quote(cited []sentence) string {
	cs := make([]candidate, len(cited))
	for i, s := range cited {
		cs[i].text = s.text
	}
	return join(cs)
}

func citationsOf(cited []sentence) []Citation {
	var out []Citation
	for _, s := range cited {
		out = append(out, Citation{Passage: s.passage, Start: s.Start, End: s.End, Score: s.score})
	}
	return out
}

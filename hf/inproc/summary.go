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

const (
	defaultWords = 100      // of a summary
	maxText      = 16 << 20 // bytes of a text to summarise
	// maxCandidates is how many sentences are embedded. Of a longer text, as many blocks of sentences send one each.
	maxCandidates = 128
	// maxRead is how many bytes of a sentence are embedded: what is further on seldom changes what it is about, and reading
	// a text of nothing but long sentences would take four times as long.
	maxRead = 400
)

// The weights of a sentence's worth, found on clauses of contracts with their summaries in plain words. The cosine to the
// mean has weight 1.
const (
	leadWeight       = 0.5  // of the first sentence; the second has half of it, the third a third: texts say early what they are about
	redundancyWeight = 0.3  // against being like a sentence already taken
	duplicate        = 0.95 // a cosine above which a sentence says nothing new
	aside            = 0.5  // of the best cosine to the mean, under which a sentence is off the subject
)

func (p *Provider) summarize(ctx context.Context, c hf.Call) (hf.Reply, error) {
	m, err := p.model(c.Model)
	if err != nil {
		return hf.Reply{}, err
	}
	limit, least, err := lengths(c.Params)
	if err != nil {
		return hf.Reply{}, err
	}
	if len(c.Inputs) == 0 {
		return hf.Reply{}, invalid("there is no text to summarise")
	}
	r := hf.Reply{Model: m.Card().ID, FinishReason: "stop"}
	for i, text := range c.Inputs {
		switch {
		case strings.TrimSpace(text) == "":
			return hf.Reply{}, invalid("text %d is empty: there is nothing to summarise", i)
		case len(text) > maxText:
			return hf.Reply{}, invalid("text %d has %d bytes, more than %d: send it in parts", i, len(text), maxText)
		}
		summary, tokens, err := summary(ctx, m, strings.ToValidUTF8(text, "\uFFFD"), limit, least)
		if err != nil {
			return hf.Reply{}, failed(ctx, err)
		}
		r.Texts = append(r.Texts, summary)
		r.Usage.PromptTokens += tokens
	}
	return r, nil
}

// lengths are the most and the fewest words of a summary.
func lengths(p hf.Params) (limit, least int, err error) {
	limit = defaultWords
	if p.MaxTokens != nil {
		limit = *p.MaxTokens
	}
	if limit < 1 {
		return 0, 0, invalid("max_length is %d: a summary has at least 1 word", limit)
	}
	if p.MinTokens != nil {
		least = *p.MinTokens
	}
	if least < 0 || least > limit {
		return 0, 0, invalid("min_length is %d: it lies between 0 and max_length, which is %d", least, limit)
	}
	return limit, least, nil
}

// summary answers at most limit words of a text, and the tokens that the model read. A text that is no longer comes back
// as it is.
//
// It takes sentences greedily by maximal marginal relevance (Carbonell and Goldstein 1998): near the mean of all
// sentences, early, unlike those already taken. They appear in the order of the text.
func summary(ctx context.Context, m hf.Embedder, text string, limit, least int) (string, int, error) {
	if prose.Words(text) <= limit {
		return text, 0, nil
	}
	cs := candidates(text)
	texts := make([]string, len(cs))
	for i, c := range cs {
		texts[i] = c.text[:prose.Cut(c.text, maxRead)]
	}
	embeddings, err := m.Embed(ctx, hf.Document, texts)
	if err != nil {
		return "", 0, err
	}
	tokens := 0
	for i, e := range embeddings {
		cs[i].vector = unit(e.Vector)
		tokens += e.Tokens
	}
	weigh(cs)
	return join(choose(cs, limit, least)), tokens, nil
}

// candidate is a sentence that may be taken.
type candidate struct {
	text   string
	words  int
	at     int // place among all sentences
	vector []float32
	aside  bool
	worth  float64 // without regard to what was taken
	near   float64 // cosine to the nearest sentence already taken
}

// candidates are the sentences of a text that are worth embedding, in order, each text once. Of a long text, each of
// maxCandidates blocks sends its most typical one: whose terms occur most in the text. A text without a word, all marks,
// has its first sentence.
func candidates(text string) []candidate {
	spans := prose.Sentences(text)
	chosen := spans
	if len(spans) > maxCandidates {
		chosen = typical(text, spans)
	}
	out := make([]candidate, 0, len(chosen))
	seen := map[string]bool{}
	at := 0
	for _, s := range chosen {
		for spans[at] != s {
			at++
		}
		flat := prose.Flatten(text[s.Start:s.End])
		if seen[flat] || !prose.HasWord(flat) {
			continue
		}
		seen[flat] = true
		out = append(out, candidate{text: flat, words: prose.Words(flat), at: at})
	}
	if len(out) == 0 {
		flat := prose.Flatten(text[spans[0].Start:spans[0].End])
		out = append(out, candidate{text: flat, words: prose.Words(flat)})
	}
	return out
}

// typical picks one sentence from each block: that whose terms are the most frequent on the average, after SumBasic
// (Nenkova and Vanderwende 2005). Terms of up to three letters say little and do not count, nor do sentences of fewer
// than five other terms where there is a longer one.
func typical(text string, spans []prose.Span) []prose.Span {
	frequency := map[string]int{}
	for _, s := range spans {
		prose.EachTerm(text[s.Start:s.End], func(term string) {
			if counts(term) {
				frequency[term]++
			}
		})
	}
	out := make([]prose.Span, 0, maxCandidates)
	for block := range maxCandidates {
		from, to := block*len(spans)/maxCandidates, (block+1)*len(spans)/maxCandidates
		best, highest := from, -1.0
		for i, s := range spans[from:to] {
			if t := typicality(text[s.Start:s.End], frequency); t > highest {
				best, highest = from+i, t
			}
		}
		out = append(out, spans[best])
	}
	return out
}

func counts(term string) bool { return len(term) > 3 || term[0] >= 0xE0 }

func typicality(sentence string, frequency map[string]int) float64 {
	sum, n := 0, 0
	prose.EachTerm(sentence, func(term string) {
		if counts(term) {
			sum += frequency[term]
			n++
		}
	})
	return float64(sum) / float64(max(n, 5))
}

// weigh gives each candidate its worth: the cosine to the mean of all, where a longer sentence counts for more, and
// something for standing early.
func weigh(cs []candidate) {
	mean := make([]float32, len(cs[0].vector))
	for _, c := range cs {
		weight := float32(math.Sqrt(float64(c.words)))
		for d, x := range c.vector {
			mean[d] += weight * x
		}
	}
	mean = unit(mean)
	highest := 0.0
	for i := range cs {
		cs[i].worth = dot(cs[i].vector, mean)
		highest = max(highest, cs[i].worth)
	}
	for i := range cs {
		cs[i].aside = cs[i].worth < aside*highest
		cs[i].worth += leadWeight / float64(1+cs[i].at)
	}
}

// choose takes candidates, best first, until there is no room, and answers them in the order of the text. One that does
// not fit is passed over, unless less than half of the room is used, or fewer than least words: then its beginning is
// taken. A worse sentence is not better for being short, and an aside no better than room left empty.
func choose(cs []candidate, limit, least int) []candidate {
	left := slices.Clone(cs)
	var taken []candidate
	used := 0
	for used < limit {
		best := bestOf(left)
		if best < 0 {
			break
		}
		c := left[best]
		left = slices.Delete(left, best, best+1)
		if c.aside && len(taken) > 0 && used >= least {
			continue
		}
		if c.words > limit-used {
			if 2*used >= limit && used >= least {
				continue
			}
			c = shorten(c, limit-used)
		}
		taken = append(taken, c)
		used += c.words
		for i := range left {
			left[i].near = max(left[i].near, dot(left[i].vector, c.vector))
		}
	}
	slices.SortFunc(taken, func(a, b candidate) int { return cmp.Compare(a.at, b.at) })
	return taken
}

// bestOf is the place of the best candidate; -1 where none says anything new.
func bestOf(cs []candidate) int {
	best, highest := -1, 0.0
	for i, c := range cs {
		score := c.worth - redundancyWeight*c.near
		if c.words > 0 && c.near < duplicate && (best < 0 || score > highest) {
			best, highest = i, score
		}
	}
	return best
}

func shorten(c candidate, words int) candidate {
	text, cut := prose.FirstWords(c.text, words)
	if cut {
		text += "…"
	}
	c.text, c.words = text, prose.Words(text)
	return c
}

// join puts sentences in a row, with a space between two that need one.
func join(cs []candidate) string {
	var b strings.Builder
	for i, c := range cs {
		if i > 0 && !prose.EndsWide(cs[i-1].text) {
			b.WriteByte(' ')
		}
		b.WriteString(c.text)
	}
	return b.String()
}

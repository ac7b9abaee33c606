package local

import (
	"cmp"
	"slices"
	"sync"
)

// class is how soon a request is served.
type class uint8

const (
	interactive class = iota // somebody waits for a little work
	bulk                     // much work, such as an ingest
	classes
)

// interactiveTokens is the most work that is interactive: a passage or two, or a few questions.
const interactiveTokens = 256

// patience is how many interactive batches go before bulk work that waits, so that it is slowed down and never stopped.
const patience = 4

// request is the texts of one call on their way through the queue.
type request struct {
	class  class
	texts  []text
	values []float32 // what the encoder makes of each text

	// Guarded by the queue's lock:
	order []int // of the texts that no worker has taken yet, long ones first
	left  int   // texts that are not computed yet

	mu   sync.Mutex
	err  error         // the first
	done chan struct{} // closed when no text is left
}

// newRequest makes a request for width values a text.
func newRequest(texts []text, width int) *request {
	r := &request{
		class: bulk, texts: texts, values: make([]float32, len(texts)*width),
		order: make([]int, len(texts)), left: len(texts), done: make(chan struct{}),
	}
	for i := range r.order {
		r.order[i] = i
	}
	slices.SortStableFunc(r.order, func(a, b int) int { return cmp.Compare(len(texts[b].ids), len(texts[a].ids)) })
	if r.tokens() <= interactiveTokens {
		r.class = interactive
	}
	return r
}

// tokens is how many tokens no worker has taken yet.
func (r *request) tokens() int {
	n := 0
	for _, i := range r.order {
		n += len(r.texts[i].ids)
	}
	return n
}

func (r *request) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// queue is the texts that wait for a worker. Its methods are not safe for concurrent use.
type queue struct {
	lines  [classes]line
	streak int // interactive batches since the last bulk one, while bulk work waited
}

// line is the requests of a class. Each is served one batch at a time, in turn: a short one does not wait for the end of a
// long one.
type line struct {
	requests      []*request
	texts, tokens int
}

// add puts a request at the end of its line. It answers false where the line would grow over a limit; an empty line takes
// any request, as there is no better time for it.
func (q *queue) add(r *request, maxTexts, maxTokens int) bool {
	l, tokens := &q.lines[r.class], r.tokens()
	if l.texts > 0 && (l.texts+len(r.order) > maxTexts || l.tokens+tokens > maxTokens) {
		return false
	}
	l.requests = append(l.requests, r)
	l.texts += len(r.order)
	l.tokens += tokens
	return true
}

// remove takes what waits of a request out of its line.
func (q *queue) remove(r *request) {
	l := &q.lines[r.class]
	i := slices.Index(l.requests, r)
	if i < 0 {
		return
	}
	l.requests = slices.Delete(l.requests, i, i+1)
	l.texts -= len(r.order)
	l.tokens -= r.tokens()
	r.order = nil
}

// next is the class that a free worker serves; not ok when nothing waits.
func (q *queue) next() (c class, ok bool) {
	urgent, slow := q.lines[interactive].texts > 0, q.lines[bulk].texts > 0
	switch {
	case urgent && !slow:
		return interactive, true
	case urgent && q.streak < patience:
		q.streak++
		return interactive, true
	case slow:
		q.streak = 0
		return bulk, true
	}
	return 0, false
}

// take moves texts from a line to a batch of at most budget tokens. A longer text is a batch of its own.
func (q *queue) take(batch []place, c class, budget int) []place {
	l := &q.lines[c]
	for len(l.requests) > 0 {
		r, before := l.requests[0], len(batch)
		for len(r.order) > 0 {
			n := len(r.texts[r.order[0]].ids)
			if len(batch) > 0 && n > budget {
				break
			}
			batch = append(batch, place{r, r.order[0]})
			r.order = r.order[1:]
			l.texts, l.tokens, budget = l.texts-1, l.tokens-n, budget-n
		}
		if len(r.order) == 0 {
			l.requests = slices.Delete(l.requests, 0, 1)
			continue
		}
		if len(batch) > before { // it had its turn
			l.requests = append(slices.Delete(l.requests, 0, 1), r)
		}
		break
	}
	return batch
}

// size is how much waits.
func (q *queue) size() (texts, tokens int) {
	for _, l := range q.lines {
		texts, tokens = texts+l.texts, tokens+l.tokens
	}
	return texts, tokens
}

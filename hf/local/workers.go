package local

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"searchd/hf/encoder"
	"searchd/internal/cores"
	"searchd/models"
)

// Observer is told how the workers of a model fare. Its methods are called often and from many goroutines; they must be
// quick.
type Observer interface {
	// Waiting says how much is in the queue. It is called with a lock held.
	Waiting(texts, tokens int)
	// Computed tells of a batch, which could have had at most budget tokens.
	Computed(texts, tokens, budget int, took time.Duration)
	// Answered tells of a call that has ended.
	Answered(texts int, took time.Duration, err error)
}

// nobody is an Observer that looks away.
type nobody struct{}

func (nobody) Waiting(int, int)                      {}
func (nobody) Computed(int, int, int, time.Duration) {}
func (nobody) Answered(int, time.Duration, error)    {}

// smallBatch is the size, in tokens, below which it does not pay to cut a batch for another core: reading the weights
// then takes as long as using them.
const smallBatch = 64

// workers compute texts for all callers of one model. A worker that becomes free takes what waits at that moment, from
// any number of callers, as one batch: under load batches fill up by themselves, and an idle server adds no delay.
//
// Interactive work goes first. It even interrupts a bulk batch: the encoder pauses a few times in each layer, and a worker
// uses the pause for what is urgent, in memory of its own.
//
// A worker that has work runs on the goroutine of a caller, or on one of its own; none runs when there is nothing to do.
type workers struct {
	encode    encode
	width     int // values a text
	budget    int // most tokens in a batch
	maxTexts  int // waiting, in each class
	maxTokens int
	observer  Observer
	count     int

	urgent atomic.Int64 // interactive texts that wait, to be read without the lock
	busy   atomic.Int64 // workers that are not idle, likewise

	mu       sync.Mutex
	queue    queue
	idle     []*worker
	starting int     // workers on their way to the queue
	pace     float64 // seconds a token takes one worker, lately
}

// worker computes one batch at a time, or two, of which the bulk one pauses.
type worker struct {
	passes [classes]pass
	away   time.Duration // spent on interactive work during this bulk batch
}

// newWorkers makes workers that compute width values a text. Their memory is allocated when they are first used.
func newWorkers(m *encoder.Model, encode encode, width int, o Options) *workers {
	o = o.withDefaults()
	ws := &workers{
		encode: encode, width: width, budget: o.BatchTokens, maxTexts: o.QueueTexts, maxTokens: o.QueueTokens,
		observer: o.Observer, count: o.Workers,
	}
	for range o.Workers {
		w := &worker{}
		for c := range w.passes {
			w.passes[c].space = m.NewWorkspace()
			w.passes[c].space.Alone = func() bool { return ws.busy.Load() == 1 }
		}
		w.passes[bulk].space.Pause = func() { ws.interrupt(w) }
		ws.idle = append(ws.idle, w)
	}
	return ws
}

// compute answers the values of each text, one text's after the other's. When ctx ends, texts that no worker has taken yet
// are not computed any more.
func (ws *workers) compute(ctx context.Context, texts []text) ([]float32, error) {
	if err := ctx.Err(); err != nil || len(texts) == 0 {
		return nil, err
	}
	r := newRequest(texts, ws.width)
	w, err := ws.admit(r)
	if err != nil {
		return nil, err
	}
	if w != nil {
		ws.work(w, func() bool {
			if ctx.Err() != nil {
				ws.queue.remove(r) // before another goroutine takes over
			}
			return len(r.order) > 0
		})
	}
	select {
	case <-r.done:
		return r.values, r.err
	case <-ctx.Done():
		ws.withdraw(r)
		return nil, ctx.Err()
	}
}

// admit puts a request into the queue, and idle workers to work. One of them, if any is idle, is for the caller to run:
// that saves a lone question the way to another thread.
func (ws *workers) admit(r *request) (*worker, error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if !ws.queue.add(r, ws.maxTexts, ws.maxTokens) {
		return nil, ws.full()
	}
	ws.changed()
	texts, tokens := ws.queue.size()
	useful := min(len(ws.idle), texts, (tokens+smallBatch-1)/smallBatch)
	if useful == 0 {
		return nil, nil
	}
	for range useful - 1 {
		go ws.work(ws.start(), always)
	}
	return ws.start(), nil
}

func always() bool { return true }

// start takes an idle worker.
func (ws *workers) start() *worker {
	last := len(ws.idle) - 1
	w := ws.idle[last]
	ws.idle = ws.idle[:last]
	ws.starting++
	ws.busy.Add(1)
	return w
}

// full is the error of a queue that takes no more. It asks to come back when half of what waits will be done.
func (ws *workers) full() error {
	texts, tokens := ws.queue.size()
	err := models.Errorf(models.RateLimited, "", "the model has %d texts of %d tokens waiting; try again later", texts, tokens)
	seconds := float64(tokens) / 2 * ws.pace / float64(ws.count)
	err.RetryAfter = time.Duration(math.Ceil(max(1, min(seconds, 60)))) * time.Second
	return err
}

func (ws *workers) withdraw(r *request) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.queue.remove(r)
	ws.changed()
}

// work serves the queue as long as something waits and the goroutine cares to; another one then takes the worker over.
func (ws *workers) work(w *worker, cares func() bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.starting--
	for cares() {
		c, ok := ws.queue.next()
		if !ok {
			break
		}
		ws.serve(w, c)
	}
	ws.idle = append(ws.idle, w)
	ws.busy.Add(-1)
	if texts, _ := ws.queue.size(); texts > 0 {
		go ws.work(ws.start(), always)
	}
}

// interrupt computes what is urgent while a bulk batch pauses: one batch, for the bulk one has waited already.
func (ws *workers) interrupt(w *worker) {
	if ws.urgent.Load() == 0 {
		return
	}
	start := time.Now()
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.queue.lines[interactive].texts > 0 {
		ws.serve(w, interactive)
		w.away += time.Since(start)
	}
}

// serve computes one batch of a class. It is called with the lock, which it gives back while it computes.
func (ws *workers) serve(w *worker, c class) {
	p := &w.passes[c]
	budget := ws.share(c)
	p.places = ws.queue.take(p.places[:0], c, budget)
	p.space.Threads = 1 + len(ws.idle) // the last batch, often the only one, gets the cores that have nothing to do, for as long as it is alone
	ws.changed()
	ws.mu.Unlock()
	if c == interactive {
		cores.Enter()
		defer cores.Leave()
	}
	start := time.Now()
	p.run(ws.encode, ws.width)
	took := time.Since(start)
	if c == bulk {
		took -= w.away
		w.away = 0
	}
	tokens := p.tokens()
	ws.observer.Computed(len(p.places), tokens, ws.budget, took)
	ws.mu.Lock()
	ws.measure(tokens, took)
	ws.finish(p)
}

// share is the budget of a batch: smaller than the usual where other workers are about to help. Questions are divided among
// all workers, for those that are busy with some soon come back for more: who waits less behind others' matters more than a full batch.
func (ws *workers) share(c class) int {
	n, least := 1+ws.starting, smallBatch
	if c == interactive {
		n, least = ws.count, smallBatch/2
	}
	share := (ws.queue.lines[c].tokens + n - 1) / n
	return min(ws.budget, max(share, least))
}

// finish ends the requests that have all they asked for.
func (ws *workers) finish(p *pass) {
	for _, at := range p.places {
		if at.request.left--; at.request.left == 0 {
			close(at.request.done)
		}
	}
	clear(p.places) // hold on to no request
}

// measure keeps the pace, a moving average.
func (ws *workers) measure(tokens int, took time.Duration) {
	pace := took.Seconds() / float64(tokens)
	if ws.pace == 0 {
		ws.pace = pace
	}
	ws.pace += (pace - ws.pace) / 8
}

// changed makes the size of the queue known.
func (ws *workers) changed() {
	ws.urgent.Store(int64(ws.queue.lines[interactive].texts))
	ws.observer.Waiting(ws.queue.size())
}

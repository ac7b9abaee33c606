package local

import (
	"context"
	"sync"
	"sync/atomic"

	"searchd/hf"
)

// textsAtOnce is how many texts are tokenised between two looks at ctx.
const textsAtOnce = 32

// prepareAll tokenises the texts.
func (e *Embedder) prepareAll(ctx context.Context, role hf.Role, texts []string) ([]text, error) {
	ready := make([]text, len(texts))
	pieces := (len(texts) + textsAtOnce - 1) / textsAtOnce
	err := e.each(ctx, pieces, func(w *worker, p int) error {
		for i := p * textsAtOnce; i < min(len(texts), (p+1)*textsAtOnce); i++ {
			ready[i], w.tokens = e.prepare(role, texts[i], w.tokens)
		}
		return nil
	})
	return ready, err
}

// each calls do for every i < n, on as many workers as are of use, the caller's goroutine being one. It stops at the first
// error and when ctx ends.
func (e *Embedder) each(ctx context.Context, n int, do func(w *worker, i int) error) error {
	var next atomic.Int64
	if n < 2 || cap(e.workers) < 2 {
		return e.run(ctx, n, &next, do)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var first error
	var once sync.Once
	var wg sync.WaitGroup
	work := func() {
		if err := e.run(ctx, n, &next, do); err != nil {
			once.Do(func() { first = err })
			stop()
		}
	}
	for range min(n, cap(e.workers)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return first
}

// run takes one number after the other from next. It holds a worker only while it computes, so that calls take turns.
func (e *Embedder) run(ctx context.Context, n int, next *atomic.Int64, do func(w *worker, i int) error) error {
	for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case w := <-e.workers:
			err := do(w, i)
			e.workers <- w
			if err != nil {
				return err
			}
		}
	}
	return nil
}

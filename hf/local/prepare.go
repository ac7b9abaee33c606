package local

import (
	"context"
	"sync"
	"sync/atomic"

	"searchd/hf"
	"searchd/internal/cores"
)

// textsAtOnce is how many texts are tokenised between two looks at ctx.
const textsAtOnce = 32

// prepareAll tokenises the texts, many of them on all cores.
func (e *Embedder) prepareAll(ctx context.Context, role hf.Role, texts []string) ([]text, error) {
	ready := make([]text, len(texts))
	var next atomic.Int64
	work := func() {
		scratch, ok := e.scratch.Get().(*[]hf.Token)
		if !ok {
			scratch = new([]hf.Token)
		}
		defer e.scratch.Put(scratch)
		for ctx.Err() == nil {
			end := int(next.Add(textsAtOnce))
			if end-textsAtOnce >= len(texts) {
				return
			}
			for i := end - textsAtOnce; i < min(len(texts), end); i++ {
				ready[i], *scratch = e.prepare(role, texts[i], *scratch)
			}
		}
	}
	var wg sync.WaitGroup
	for range min(cores.Count(), (len(texts)+textsAtOnce-1)/textsAtOnce) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
	return ready, ctx.Err()
}

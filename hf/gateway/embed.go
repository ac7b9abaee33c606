package gateway

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"searchd/hf"
)

// embeddingCalls is how many batches of one request are upstream at a time: few enough that a long request leaves places
// to others.
const embeddingCalls = 4

// embeddings is what a target has still to be asked for, and the reply in which it will be put.
type embeddings struct {
	reply   hf.Reply
	missing []missing // each text once
}

type missing struct {
	text string
	key  key
	at   []int // where in the reply its vector belongs
}

// planEmbeddings looks up each text of the call. A text is kept as the reply to a call for it alone, so whatever tells two
// calls apart tells their texts apart.
func (r *run) planEmbeddings(target int) *embeddings {
	c := r.callFor(target)
	p := &embeddings{reply: hf.Reply{Model: c.Model, Vectors: make([][]float32, len(c.Inputs))}}
	seen := make(map[string]int, len(c.Inputs))
	for i, text := range c.Inputs {
		if m, ok := seen[text]; ok {
			p.share(i, m)
			continue
		}
		k := key{}
		if r.useCache {
			one := c
			one.Inputs = []string{text}
			k = keyOf(r.targets[target], one)
			if cached, ok := r.g.cache.get(k); ok {
				p.reply.Model, p.reply.Vectors[i] = cached.Model, cached.Vectors[0]
				continue
			}
		}
		seen[text] = len(p.missing)
		p.missing = append(p.missing, missing{text: text, key: k, at: []int{i}})
	}
	return p
}

func (p *embeddings) share(i, m int) { p.missing[m].at = append(p.missing[m].at, i) }

// embed gets all vectors from one target: those of two models cannot be compared, so what a target that fails in the
// middle has answered is of no use to the next one. It stays in the cache.
func (r *run) embed(ctx context.Context, target int) (answer, error) {
	p := r.planEmbeddings(target)
	if len(p.missing) == 0 {
		return answer{reply: p.reply, target: target, fromCache: true}, nil
	}
	var mu sync.Mutex // of p.reply
	batches, bctx := errgroup.WithContext(ctx)
	batches.SetLimit(embeddingCalls)
	for batch := range slices.Chunk(p.missing, r.g.opt.EmbeddingBatch) {
		batches.Go(func() error {
			reply, err := r.send(bctx, r.targets[target], batchCall(r.callFor(target), batch))
			if err != nil {
				return err
			}
			r.keep(batch, reply)
			mu.Lock()
			defer mu.Unlock()
			p.fill(batch, reply)
			return nil
		})
	}
	if err := batches.Wait(); err != nil {
		return answer{}, err
	}
	return answer{reply: p.reply, target: target}, nil
}

func batchCall(c hf.Call, batch []missing) hf.Call {
	c.Inputs = make([]string, len(batch))
	for i, m := range batch {
		c.Inputs[i] = m.text
	}
	return c
}

// keep puts the vectors of a batch in the cache. Tokens are counted for a batch, not for a text, so they are not kept.
func (r *run) keep(batch []missing, reply hf.Reply) {
	if !r.useCache {
		return
	}
	for i, m := range batch {
		r.g.cache.set(m.key, hf.Reply{Model: reply.Model, Vectors: reply.Vectors[i : i+1]})
	}
}

func (p *embeddings) fill(batch []missing, reply hf.Reply) {
	p.reply.Model = reply.Model
	p.reply.Usage.PromptTokens += reply.Usage.PromptTokens
	p.reply.Usage.CompletionTokens += reply.Usage.CompletionTokens
	for i, m := range batch {
		for _, at := range m.at {
			p.reply.Vectors[at] = reply.Vectors[i]
		}
	}
}

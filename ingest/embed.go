package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"searchd/hf"
	"searchd/models"
	"searchd/models/db"
)

// maxTitleTokens bounds the share of a chunk that its title may take.
const maxTitleTokens = 48

// contentHash names what was embedded: a document with the same hash need not be embedded again. The title counts, as
// every chunk is read under its title, and so does that it was not split.
func contentHash(p payload) []byte {
	h := sha256.New()
	for _, part := range []string{"1", p.Title, p.Text} {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	h.Write(p.Vector)
	if p.Chunking == models.NoChunking {
		h.Write([]byte(p.Chunking))
	}
	return h.Sum(nil)
}

// embedBatch gathers the chunks of several documents, to embed them together.
type embedBatch struct {
	model  hf.Model
	texts  []string
	tokens int                      // of the texts, about
	first  map[*models.Document]int // place of a document's first chunk in texts
}

// add splits a document and lays its chunks out in r. A document that brings its own vector is one chunk.
func (b *embedBatch) add(r *db.Result, p payload, overlap int) error {
	if p.Vector != nil {
		r.Chunks = []models.Chunk{{End: len(p.Text), Vector: db.EncodeVector(models.Normalize(db.DecodeVector(p.Vector)))}}
		r.Document.Chunks, r.Item.Chunks = 1, 1
		return nil
	}
	prefix, used := titlePrefix(b.model, p.Title)
	limit := b.model.Card().MaxTokens - specialTokens - used
	spans := spansOf(p, b.model.Tokenize(p.Text), limit, min(overlap, limit/4))
	if len(spans) > models.MaxChunks {
		return models.Errorf(models.Invalid, "text", "gives %d chunks; at most %d are allowed: split it into several documents", len(spans), models.MaxChunks)
	}
	if b.first == nil {
		b.first = map[*models.Document]int{}
	}
	b.first[r.Document] = len(b.texts)
	for _, s := range spans {
		r.Chunks = append(r.Chunks, models.Chunk{Start: s.start, End: s.end, Tokens: s.tokens})
		b.texts = append(b.texts, prefix+p.Text[s.start:s.end])
		b.tokens += used + s.tokens
	}
	r.Document.Chunks, r.Item.Chunks = len(spans), len(spans)
	return nil
}

// spansOf are the parts of a text that become chunks. Of one that is not to be split the model may not read the end: the result
// of embedding it says so.
func spansOf(p payload, tokens []hf.Token, limit, overlap int) []span {
	if p.Chunking == models.NoChunking {
		return []span{{end: len(p.Text), tokens: min(len(tokens), limit)}}
	}
	return split(p.Text, tokens, limit, overlap)
}

// specialTokens is how many tokens a model puts around a text: [CLS] and [SEP], <s> and </s>.
const specialTokens = 2

// titlePrefix is what stands before each chunk, so that a chunk from the middle of a document still says what it is
// about; and how many tokens it takes: never more than a quarter of what the model reads.
func titlePrefix(m hf.Model, title string) (string, int) {
	if title == "" {
		return "", 0
	}
	limit := min(maxTitleTokens, m.Card().MaxTokens/4)
	tokens := m.Tokenize(title)
	if len(tokens) > limit {
		title, tokens = title[:tokens[limit].Start], tokens[:limit]
	}
	return title + "\n", len(tokens)
}

// embedded are the vectors of a batch.
type embedded struct {
	batch   *embedBatch
	vectors []hf.Embedding
}

// run embeds the texts. A model that has too much to do is waited for: nobody stands at the door.
func (b *embedBatch) run(ctx context.Context) (embedded, error) {
	if len(b.texts) == 0 {
		return embedded{batch: b}, nil
	}
	for {
		vectors, err := b.model.Embed(ctx, hf.Document, b.texts)
		if err == nil {
			return embedded{batch: b, vectors: vectors}, nil
		}
		var busy *models.Error
		if !errors.As(err, &busy) || busy.Code != models.RateLimited || ctx.Err() != nil {
			return embedded{}, fmt.Errorf("embed: %w", err)
		}
		pause(ctx, max(time.Second, busy.RetryAfter))
	}
}

// fill puts the vectors of a result's chunks in their places.
func (e embedded) fill(r *db.Result) {
	first, ok := e.batch.first[r.Document]
	if !ok {
		return
	}
	for i := range r.Chunks {
		v := e.vectors[first+i]
		r.Chunks[i].Vector = db.EncodeVector(v.Vector)
		r.Item.Tokens += v.Tokens
		r.Item.Truncated = r.Item.Truncated || v.Truncated
	}
	r.Document.Tokens = r.Item.Tokens
}

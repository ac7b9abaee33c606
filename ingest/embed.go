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

// embedBatch gathers the chunks of several documents, to embed them together. A text that stands in it twice is embedded once.
type embedBatch struct {
	model  hf.Model
	texts  []string
	sizes  []int             // of the texts, in tokens, special ones included: what a model without a limit would read
	hashes [][]byte          // of the texts
	place  map[string]int    // of a text among texts, by hash
	known  map[string][]byte // stored vectors of texts, by hash: these need not be embedded
	tokens int               // of the texts, about
}

// add splits a document and lays its chunks out in r. A document that brings its own vector is one chunk.
func (b *embedBatch) add(r *db.Result, p payload, overlap int) error {
	if n := len(p.Vector) / 4; p.Vector != nil && n != b.model.Card().Dimensions {
		return models.Errorf(models.Invalid, "vector", "has %d values; the collection's vectors have %d since its model was changed", n, b.model.Card().Dimensions)
	}
	if p.Vector != nil {
		r.Chunks = []models.Chunk{{End: len(p.Text), Vector: db.EncodeVector(models.Normalize(db.DecodeVector(p.Vector)))}}
		r.Document.Chunks, r.Item.Chunks = 1, 1
		return nil
	}
	cuts := b.cut(p, overlap)
	if len(cuts) > models.MaxChunks {
		return models.Errorf(models.Invalid, "text", "gives %d chunks; at most %d are allowed: split it into several documents", len(cuts), models.MaxChunks)
	}
	for _, c := range cuts {
		hash := textHash(b.model.Card(), c.text)
		r.Chunks = append(r.Chunks, models.Chunk{Start: c.start, End: c.end, Tokens: c.tokens, Hash: hash})
		b.put(c.text, hash, c.size)
	}
	r.Document.Chunks, r.Item.Chunks = len(cuts), len(cuts)
	return nil
}

// addStored lays a stored document out for the batch's model, also where its vector was given.
func (b *embedBatch) addStored(doc *models.Document, overlap int) (db.Result, error) {
	metadata, err := models.ParseMetadata([]byte(doc.Metadata))
	if err != nil {
		return db.Result{}, models.Within("metadata", err)
	}
	r := db.Result{Document: doc, Fields: metadata.Fields}
	return r, b.add(&r, readable(doc), overlap)
}

// readable is what of a document is embedded.
func readable(doc *models.Document) payload {
	return payload{Title: doc.Title, Text: doc.Text, Chunking: doc.Chunking}
}

// piece is a span with what the model reads for it, and how many tokens that has, special ones included.
type piece struct {
	span
	text string
	size int
}

// cut splits a text so that the model reads all of each piece. A word's tokens may be more at the beginning of a piece than
// they are after a space, which is only known once it was cut: then it is cut again, a little shorter.
func (b *embedBatch) cut(p payload, overlap int) []piece {
	card, tokens := b.model.Card(), b.model.Tokenize(p.Text)
	prompt, prefix := card.Prompts[hf.Document], titlePrefix(b.model, p.Title)
	for limit := card.MaxTokens - specialTokens - len(b.model.Tokenize(prompt+prefix)); ; {
		pieces, over := []piece{}, 0
		for _, s := range spansOf(p, tokens, limit, min(overlap, limit/4)) {
			text := prefix + p.Text[s.start:s.end]
			size := len(b.model.Tokenize(prompt+text)) + specialTokens
			pieces = append(pieces, piece{s, text, size})
			over = max(over, size-card.MaxTokens)
		}
		if over == 0 || p.Chunking == models.NoChunking || limit/2 < over {
			return pieces
		}
		limit -= over
	}
}

func (b *embedBatch) put(text string, hash []byte, size int) {
	if _, there := b.place[string(hash)]; there {
		return
	}
	if b.place == nil {
		b.place = map[string]int{}
	}
	b.place[string(hash)] = len(b.texts)
	b.texts, b.hashes, b.sizes = append(b.texts, text), append(b.hashes, hash), append(b.sizes, size)
	b.tokens += size
}

// textHash names what a model makes of a text: chunks with the same hash have the same vector, in whatever collection.
func textHash(c hf.Card, text string) []byte {
	h := sha256.New()
	for _, part := range []string{c.ID, c.Revision, c.Pooling, c.Prompts[hf.Document], text} {
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)[:16]
}

// recall finds the texts that are stored already with their vectors, in any collection of the model, or are about to be.
func (b *embedBatch) recall(ctx context.Context, store *db.DB, coming []db.Result) (err error) {
	if b.known, err = store.VectorsByHash(ctx, b.hashes); err != nil {
		return err
	}
	for i := range coming { // of which no more than the chunks is read: the rest is being committed
		for _, chunk := range coming[i].Chunks {
			if _, here := b.place[string(chunk.Hash)]; here {
				b.known[string(chunk.Hash)] = chunk.Vector
			}
		}
	}
	return nil
}

// unknown are the texts that must be embedded, and their places in the batch.
func (b *embedBatch) unknown() (texts []string, places []int) {
	for i, text := range b.texts {
		if _, known := b.known[string(b.hashes[i])]; !known {
			texts, places = append(texts, text), append(places, i)
		}
	}
	return texts, places
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
// about. It takes never more than a quarter of what the model reads.
func titlePrefix(m hf.Model, title string) string {
	if title == "" {
		return ""
	}
	limit := min(maxTitleTokens, m.Card().MaxTokens/4)
	if tokens := m.Tokenize(title); len(tokens) > limit {
		title = title[:tokens[limit].Start]
	}
	return title + "\n"
}

// embed has a model read texts. One that has too much to do is waited for: nobody stands at the door.
func embed(ctx context.Context, m hf.Model, texts []string) ([]hf.Embedding, error) {
	for len(texts) > 0 {
		vectors, err := m.Embed(ctx, hf.Document, texts)
		if err == nil {
			return vectors, nil
		}
		var busy *models.Error
		if !errors.As(err, &busy) || busy.Code != models.RateLimited || ctx.Err() != nil {
			return nil, fmt.Errorf("embed: %w", err)
		}
		pause(ctx, max(time.Second, busy.RetryAfter))
	}
	return nil, nil
}

// embedded is what became of a text: its vector as it is stored, and what reading it has cost or did cost once.
type embedded struct {
	vector    []byte
	tokens    int
	truncated bool
}

// run gets the vectors of all texts: those that are known from the store, the others from the model.
func (b *embedBatch) run(ctx context.Context) ([]embedded, error) {
	texts, places := b.unknown()
	vectors, err := embed(ctx, b.model, texts)
	if err != nil {
		return nil, err
	}
	all := make([]embedded, len(b.texts))
	for hash, vector := range b.known {
		i := b.place[hash]
		all[i] = b.cost(i)
		all[i].vector = vector
	}
	for i, v := range vectors {
		all[places[i]] = embedded{vector: db.EncodeVector(v.Vector), tokens: v.Tokens, truncated: v.Truncated}
	}
	return all, nil
}

// cost is what the model would read of a text.
func (b *embedBatch) cost(i int) embedded {
	limit := b.model.Card().MaxTokens
	return embedded{tokens: min(b.sizes[i], limit), truncated: b.sizes[i] > limit}
}

// fill puts the vectors of a result's chunks in their places. Chunks of given vectors have theirs.
func (b *embedBatch) fill(r *db.Result, all []embedded) {
	for i := range r.Chunks {
		if r.Chunks[i].Hash == nil {
			continue
		}
		e := all[b.place[string(r.Chunks[i].Hash)]]
		r.Chunks[i].Vector = e.vector
		r.Item.Tokens += e.tokens
		r.Item.Truncated = r.Item.Truncated || e.truncated
		r.Document.Tokens = r.Item.Tokens
	}
}

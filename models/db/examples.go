package db

import (
	"context"
	"slices"
)

// Example is a document as a whole: the sum of its chunks' vectors, which has its direction.
type Example struct {
	Seq    uint64
	Chunks int
	Vector []float32
}

// Examples reads documents by id. Those that are not there are not in the answer.
func (d *DB) Examples(ctx context.Context, collection uint64, ids []string) (map[string]Example, error) {
	found := make(map[string]Example, len(ids))
	for some := range slices.Chunk(ids, maxVariables) {
		var id string
		var seq uint64
		var vector []byte
		q := d.read.WithContext(ctx).Raw("SELECT documents.id, documents.seq, chunks.vector"+ofCollection+" AND documents.id IN ?", collection, some)
		add := func() error { found[id] = found[id].with(seq, DecodeVector(vector)); return nil }
		if err := eachRow(q, add, &id, &seq, &vector); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// with is the example with one more chunk.
func (e Example) with(seq uint64, v []float32) Example {
	if e.Vector == nil {
		e.Vector = make([]float32, len(v))
	}
	for i, x := range v {
		e.Vector[i] += x
	}
	e.Seq, e.Chunks = seq, e.Chunks+1
	return e
}

package db

import (
	"context"
	"slices"

	"searchd/models"
)

// Label is what a document is called, and the first value that it has of a metadata key.
type Label struct {
	ID, Title string
	Value     *models.Value // nil where it has none, or one that is too long to be a label
}

// Labels reads the labels of the documents that chunks belong to, by Seq; by is the key, or empty.
func (d *DB) Labels(ctx context.Context, collection uint64, chunks []uint64, by string) (map[uint64]Label, error) {
	seqs := make([]uint64, len(chunks))
	for i, chunk := range chunks {
		seqs[i] = models.DocumentSeq(chunk)
	}
	slices.Sort(seqs)
	found := map[uint64]Label{}
	for some := range slices.Chunk(slices.Compact(seqs), maxVariables) {
		if err := d.labels(ctx, collection, some, by, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (d *DB) labels(ctx context.Context, collection uint64, seqs []uint64, by string, found map[uint64]Label) error {
	var seq uint64
	var l Label
	q := d.read.WithContext(ctx).Raw("SELECT seq, id, title FROM documents WHERE collection_id = ? AND seq IN ?", collection, seqs)
	if err := eachRow(q, func() error { found[seq] = l; return nil }, &seq, &l.ID, &l.Title); err != nil || by == "" {
		return err
	}
	var v models.Value
	q = d.read.WithContext(ctx).Raw("SELECT document_seq, kind, text, number FROM fields WHERE document_seq IN ? AND key = ? ORDER BY id", seqs, by)
	return eachRow(q, func() error {
		label, ok := found[seq]
		if ok && label.Value == nil && v.Kind != models.KindNull && v.Kind != models.KindEmpty && len(v.Text) <= maxFacetValue {
			value := v
			label.Value = &value
			found[seq] = label
		}
		return nil
	}, &seq, &v.Kind, &v.Text, &v.Number)
}

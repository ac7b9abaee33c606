package db

import (
	"context"
	"encoding/binary"
	"math"

	"gorm.io/gorm"

	"searchd/models"
)

// EncodeVector lays a vector out as it is stored.
func EncodeVector(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// DecodeVector reads a stored vector.
func DecodeVector(b []byte) []float32 {
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

// Vectors calls fn for every chunk of a collection, to fill an index.
func (d *DB) Vectors(ctx context.Context, collection uint64, fn func(chunk uint64, vector []float32) error) error {
	rows, err := d.read.WithContext(ctx).Raw(
		"SELECT chunks.id, chunks.vector FROM documents JOIN chunks ON chunks.document_seq = documents.seq WHERE documents.collection_id = ?",
		collection).Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // the error that counts is rows.Err
	for rows.Next() {
		var id uint64
		var vector []byte
		if err := rows.Scan(&id, &vector); err != nil {
			return err
		}
		if err := fn(id, DecodeVector(vector)); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Passage is a chunk with the document around it, as a search answers it.
type Passage struct {
	Chunk    models.Chunk
	Document models.Document // without its whole text
	Text     string          // of the chunk
}

// Passages reads the text and the document of each chunk, from one state of the store. Chunks that are gone are not in
// the answer.
func (d *DB) Passages(ctx context.Context, ids []uint64) (map[uint64]Passage, error) {
	found := make(map[uint64]Passage, len(ids))
	err := d.read.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for len(ids) > 0 {
			n := min(len(ids), maxVariables)
			if err := passages(tx, ids[:n], found); err != nil {
				return err
			}
			ids = ids[n:]
		}
		return nil
	})
	return found, err
}

func passages(tx *gorm.DB, ids []uint64, found map[uint64]Passage) error {
	// The text is cut as bytes (CAST … AS BLOB), since offsets count bytes and SQLite's substr counts characters.
	rows, err := tx.Raw(`SELECT c.id, c.start, c."end", c.tokens, d.seq, d.id, d.title, d.url, d.metadata,
		CAST(substr(CAST(d.text AS BLOB), c.start + 1, c."end" - c.start) AS BLOB)
		FROM chunks c JOIN documents d ON d.seq = c.document_seq WHERE c.id IN ?`, ids).Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // the error that counts is rows.Err
	for rows.Next() {
		var p Passage
		var text []byte
		c, d := &p.Chunk, &p.Document
		if err := rows.Scan(&c.ID, &c.Start, &c.End, &c.Tokens, &d.Seq, &d.ID, &d.Title, &d.URL, &d.Metadata, &text); err != nil {
			return err
		}
		p.Text, c.DocumentSeq = string(text), d.Seq
		found[c.ID] = p
	}
	return rows.Err()
}

package db

import (
	"context"
	"slices"
	"strings"

	"searchd/models"
)

// Passage is a chunk with the document around it, as a search answers it.
type Passage struct {
	Chunk    models.Chunk
	Document models.Document // without its whole text
	Text     string          // of the chunk
}

// size is about what a passage takes.
func (p Passage) size() int {
	d := &p.Document
	return 600 + len(p.Text) + len(d.ID) + len(d.Title) + len(d.URL) + len(d.Metadata) + len(d.Sections)
}

// maxPassages bounds what is remembered of passages, in bytes.
const maxPassages = 32 << 20

// told names a chunk, and how often stored documents had been changed when it was read: what is said of it then holds
// until they are again. Documents that come in change nothing.
type told struct{ revision, chunk uint64 }

// Passages reads the text and the document of each chunk. Chunks that are gone are not in the answer.
func (d *DB) Passages(ctx context.Context, ids []uint64) (map[uint64]Passage, error) {
	found, revision := make(map[uint64]Passage, len(ids)), d.changes.revision()
	var missing []any
	for _, id := range ids {
		if p, ok := d.passages.Get(told{revision, id}); ok {
			found[id] = *p
		} else {
			missing = append(missing, id)
		}
	}
	for some := range slices.Chunk(missing, maxVariables) {
		err := d.readPassages(ctx, some, func(p Passage) {
			found[p.Chunk.ID] = p
			d.passages.Put(told{revision, p.Chunk.ID}, &p, p.size())
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// readPassages calls fn for those chunks that are there.
func (d *DB) readPassages(ctx context.Context, ids []any, fn func(Passage)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// Every search reads some. To prepare for being interrupted takes longer than these rows do, and so does what GORM does
	// before it asks. The text is cut as bytes (CAST … AS BLOB), since offsets count bytes and SQLite's substr counts characters.
	rows, err := d.read.ConnPool.QueryContext(context.WithoutCancel(ctx), `SELECT c.id, c.start, c."end", c.tokens, d.id, d.title, d.url, d.metadata, d.sections,
		CAST(substr(CAST(d.text AS BLOB), c.start + 1, c."end" - c.start) AS BLOB)
		FROM chunks c JOIN documents d ON d.seq = c.document_seq WHERE c.id IN (?`+strings.Repeat(",?", len(ids)-1)+")", ids...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // the error that counts is rows.Err
	for rows.Next() {
		var p Passage
		var text []byte
		c, d := &p.Chunk, &p.Document
		if err := rows.Scan(&c.ID, &c.Start, &c.End, &c.Tokens, &d.ID, &d.Title, &d.URL, &d.Metadata, &d.Sections, &text); err != nil {
			return err
		}
		c.DocumentSeq = models.DocumentSeq(c.ID)
		p.Text, d.Seq = string(text), c.DocumentSeq
		fn(p)
	}
	return rows.Err()
}

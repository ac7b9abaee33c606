package db

import (
	"context"
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
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

// ofCollection is what the chunks of a collection are read from.
const ofCollection = " FROM documents JOIN chunks ON chunks.document_seq = documents.seq WHERE documents.collection_id = ?"

// Vectors calls fn for every chunk of a collection, to fill an index.
func (d *DB) Vectors(ctx context.Context, collection uint64, fn func(chunk uint64, vector []float32) error) error {
	return eachVector(d.read.WithContext(ctx).Raw("SELECT chunks.id, chunks.vector"+ofCollection, collection), fn)
}

// VectorsOf calls fn for those chunks of a collection that are among ids.
func (d *DB) VectorsOf(ctx context.Context, collection uint64, ids []uint64, fn func(chunk uint64, vector []float32) error) error {
	for some := range slices.Chunk(ids, maxVariables) {
		// CROSS JOIN has the chunks looked up first: SQLite would try every id with every document of the collection.
		q := d.read.WithContext(ctx).Raw("SELECT chunks.id, chunks.vector FROM chunks CROSS JOIN documents ON documents.seq = chunks.document_seq WHERE documents.collection_id = ? AND chunks.id IN ?",
			collection, some)
		if err := eachVector(q, fn); err != nil {
			return err
		}
	}
	return nil
}

// VectorsByHash are the stored vectors, as EncodeVector has them, of chunks of any collection that have one of these hashes,
// by hash. Damaged ones are left out.
func (d *DB) VectorsByHash(ctx context.Context, hashes [][]byte) (map[string][]byte, error) {
	found := make(map[string][]byte, len(hashes))
	for some := range slices.Chunk(hashes, maxVariables) {
		var hash, vector []byte
		var sum uint32
		q := d.read.WithContext(ctx).Raw("SELECT hash, vector, sum FROM chunks WHERE hash IN ?", some)
		err := eachRow(q, func() error {
			if models.Sum(vector) == sum {
				found[string(hash)] = vector
			}
			return nil
		}, &hash, &vector, &sum)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func eachVector(q *gorm.DB, fn func(chunk uint64, vector []float32) error) error {
	var id uint64
	var vector []byte
	return eachRow(q, func() error { return fn(id, DecodeVector(vector)) }, &id, &vector)
}

// VectorIDs lists the chunks of a collection.
func (d *DB) VectorIDs(ctx context.Context, collection uint64) (*roaring64.Bitmap, error) {
	ids := roaring64.New()
	var id uint64
	q := d.read.WithContext(ctx).Raw("SELECT chunks.id"+ofCollection, collection)
	err := eachRow(q, func() error { ids.Add(id); return nil }, &id)
	return ids, err
}

// eachRow calls fn with the columns of each row.
func eachRow(q *gorm.DB, fn func() error, columns ...any) error {
	rows, err := q.Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // the error that counts is rows.Err
	for rows.Next() {
		if err := rows.Scan(columns...); err != nil {
			return err
		}
		if err := fn(); err != nil {
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
	if len(ids) <= maxVariables { // one statement sees one state; in a transaction, it would be parsed anew
		return found, passages(d.read.WithContext(ctx), ids, found)
	}
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
	rows, err := tx.Raw(`SELECT c.id, c.start, c."end", c.tokens, d.seq, d.id, d.title, d.url, d.metadata, d.sections,
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
		if err := rows.Scan(&c.ID, &c.Start, &c.End, &c.Tokens, &d.Seq, &d.ID, &d.Title, &d.URL, &d.Metadata, &d.Sections, &text); err != nil {
			return err
		}
		p.Text, c.DocumentSeq = string(text), d.Seq
		found[c.ID] = p
	}
	return rows.Err()
}

// Texts calls fn with the title and the text of each chunk, document by document. Chunks that are gone are left out, and so are
// damaged ones that do not lie within their text: Verify names them.
func (d *DB) Texts(ctx context.Context, ids []uint64, fn func(chunk uint64, title, text string) error) error {
	for some := range slices.Chunk(ids, maxVariables) {
		err := d.read.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return texts(tx, some, fn) })
		if err != nil {
			return err
		}
	}
	return nil
}

func texts(tx *gorm.DB, ids []uint64, fn func(chunk uint64, title, text string) error) error {
	var chunks []models.Chunk
	if err := tx.Omit("vector").Where("id IN ?", ids).Find(&chunks).Error; err != nil {
		return err
	}
	of := map[uint64][]models.Chunk{}
	for _, c := range chunks {
		of[c.DocumentSeq] = append(of[c.DocumentSeq], c)
	}
	var seq uint64
	var title, text string
	q := tx.Raw("SELECT seq, title, text FROM documents WHERE seq IN ?", slices.Collect(maps.Keys(of)))
	return eachRow(q, func() error {
		for _, c := range of[seq] {
			if !within(c.Start, c.End, text) {
				continue
			}
			if err := fn(c.ID, title, text[c.Start:c.End]); err != nil {
				return err
			}
		}
		return nil
	}, &seq, &title, &text)
}

// Span is the bytes Start to End of a document's text.
type Span struct {
	Start, End int
	Text       string
}

// Around reads a document's text from the start of chunk first to the end of chunk last, as far as there are such chunks.
// It is empty where the document is gone.
func (d *DB) Around(ctx context.Context, first, last uint64) (Span, error) {
	var s Span
	var text []byte
	q := d.read.WithContext(ctx).Raw(`SELECT s.low, s.high, CAST(substr(CAST(d.text AS BLOB), s.low + 1, s.high - s.low) AS BLOB)
		FROM documents d, (SELECT MIN(start) AS low, MAX("end") AS high FROM chunks WHERE id BETWEEN ? AND ?) s WHERE d.seq = ? AND s.low IS NOT NULL`,
		first, last, models.DocumentSeq(first))
	err := eachRow(q, func() error { s.Text = string(text); return nil }, &s.Start, &s.End, &text)
	return s, err
}

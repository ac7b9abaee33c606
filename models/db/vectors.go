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

package db

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/samber/lo"
	"gorm.io/gorm"

	"searchd/models"
)

func compareFields(a, b models.Field) int {
	element := func(f models.Field) int { return lo.Ternary(f.Element, 1, 0) }
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Kind, b.Kind), cmp.Compare(element(a), element(b)),
		cmp.Compare(a.Text, b.Text), cmp.Compare(a.Number, b.Number))
}

// FillSums gives whole records their checksums. What a Seq or a chunk's id names never changes, so that nothing can have come in
// between.
func (d *DB) FillSums(ctx context.Context, records []Unsummed) error {
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, r := range records {
			statement := "UPDATE documents SET sum = ? WHERE seq = ? AND sum = 0"
			if r.chunk {
				statement = "UPDATE chunks SET sum = ? WHERE id = ? AND sum = 0"
			}
			if err := tx.Exec(statement, r.sum, r.key).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// ErrChanged is the answer where a document was changed or deleted while it was to be repaired: it is to be looked at again.
var ErrChanged = errors.New("the document has changed meanwhile")

// Mend writes again what can be derived from a document's own row: its fields from its metadata or, where that cannot be read,
// its metadata from its fields.
func (d *DB) Mend(ctx context.Context, damaged Damaged) error {
	defer d.changes.add(damaged.Collection)
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var doc models.Document
		if err := tx.Where("seq = ?", damaged.Seq).Take(&doc).Error; err != nil {
			return changed404(err)
		}
		m, err := models.ParseMetadata([]byte(doc.Metadata))
		if err != nil {
			var fields []models.Field
			if err := tx.Where("document_seq = ?", doc.Seq).Order("id").Find(&fields).Error; err != nil {
				return err
			}
			if m, err = models.MetadataOf(fields); err != nil {
				return err
			}
		}
		return patch(tx, &doc, Patch{Metadata: &m})
	})
}

// changed404 is ErrChanged where a row is not there any more.
func changed404(err error) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return ErrChanged
	}
	return err
}

// Record is a document with its chunks, as far as there are any.
type Record struct {
	Document models.Document
	Chunks   []models.Chunk
}

// Given says that the document came with its vector, which no model can make again.
func (r Record) Given() bool {
	return r.Document.Tokens == 0 && !slices.ContainsFunc(r.Chunks, func(c models.Chunk) bool { return c.Hash != nil })
}

// Record reads a damaged document, to make its chunks again.
func (d *DB) Record(ctx context.Context, seq uint64) (Record, error) {
	var r Record
	err := d.read.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Where("seq = ?", seq).Take(&r.Document).Error; err != nil {
			return changed404(err)
		}
		return tx.Where("document_seq = ?", seq).Order("id").Find(&r.Chunks).Error
	})
	return r, err
}

// Remake puts a document with new chunks in the place of a damaged one. It gets a new Seq, as a new content would, so that no
// chunk's id changes its meaning.
func (d *DB) Remake(ctx context.Context, was models.Document, made Result) (Committed, error) {
	defer d.changes.add(was.CollectionID)
	var c Committed
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c = Committed{}
		var stored models.Document
		if err := tx.Select("seq", "chunks", "updated_at").Where("seq = ?", was.Seq).Take(&stored).Error; err != nil {
			return changed404(err)
		}
		if !stored.UpdatedAt.Equal(was.UpdatedAt) {
			return ErrChanged
		}
		if err := takeOut(tx, stored.Seq, stored.Chunks, &c); err != nil {
			return err
		}
		if err := insertDocuments(tx, was.CollectionID, []*Result{&made}, &c); err != nil {
			return err
		}
		return count(tx, was.CollectionID, 0, made.Document.Chunks-stored.Chunks)
	})
	if err == nil {
		d.changes.took(c.Added)
	}
	return c, err
}

// takeOut deletes the rows of a document, whatever their number, and names all chunks that an index can have of it.
func takeOut(tx *gorm.DB, seq uint64, chunks int, c *Committed) error {
	var ids []uint64
	if err := tx.Model(&models.Chunk{}).Where("document_seq = ?", seq).Pluck("id", &ids).Error; err != nil {
		return err
	}
	var gone Removed
	if err := remove(tx, []models.Document{{Seq: seq, Chunks: min(max(chunks, 0), models.MaxChunks)}}, &gone); err != nil {
		return err
	}
	c.Removed = append(c.Removed, lo.Uniq(append(ids, gone.Chunks...))...)
	return nil
}

// Quarantine takes a damaged document out of its collection, and keeps its rows as far as they can be read.
func (d *DB) Quarantine(ctx context.Context, damaged Damaged) (Committed, error) {
	defer d.changes.add(damaged.Collection)
	var c Committed
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c = Committed{}
		rows, err := rowsOf(tx, damaged.Seq)
		if err != nil {
			return err
		}
		q := models.Quarantined{Reason: damaged.Reason(), At: now(), Rows: rows}
		var chunks int
		err = tx.Raw(`SELECT d.collection_id, d.id, d.chunks, COALESCE(c.name, ''), COALESCE(c.generation, '')
			FROM documents d LEFT JOIN collections c ON c.id = d.collection_id WHERE d.seq = ?`, damaged.Seq).
			Row().Scan(&q.CollectionID, &q.DocumentID, &chunks, &q.Collection, &q.Generation)
		if err != nil {
			return err
		}
		if err := tx.Create(&q).Error; err != nil {
			return err
		}
		if err := takeOut(tx, damaged.Seq, chunks, &c); err != nil {
			return err
		}
		return count(tx, q.CollectionID, -1, -chunks)
	})
	return c, err
}

// Reason is what is wrong with a document, in one line.
func (d Damaged) Reason() string {
	const most = 3
	reason := ""
	for i, f := range d.Faults {
		switch {
		case i == most:
			return fmt.Sprintf("%s; and %d faults more", reason, len(d.Faults)-most)
		case i > 0:
			reason += "; "
		}
		reason += f.Message
	}
	return reason
}

// rowsOf is the JSON of the rows of a document, read without regard to what they should be.
func rowsOf(tx *gorm.DB, seq uint64) ([]byte, error) {
	var docs, chunks []map[string]any
	if err := tx.Raw("SELECT * FROM documents WHERE seq = ?", seq).Scan(&docs).Error; err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, ErrChanged
	}
	if err := tx.Raw("SELECT * FROM chunks WHERE document_seq = ? ORDER BY id", seq).Scan(&chunks).Error; err != nil {
		return nil, err
	}
	for _, row := range slices.Concat(docs, chunks) {
		for name, value := range row {
			if text, ok := value.(string); ok && !utf8.ValidString(text) {
				row[name] = []byte(text) // base64, which loses nothing
			}
		}
	}
	return json.Marshal(map[string]any{"document": docs[0], "chunks": chunks})
}

// Quarantined lists what is in quarantine, the newest first, without the rows, and says how much there is.
func (d *DB) Quarantined(ctx context.Context, limit int) ([]models.Quarantined, int, error) {
	var total int64
	if err := d.read.WithContext(ctx).Model(&models.Quarantined{}).Count(&total).Error; err != nil {
		return nil, 0, err
	}
	var list []models.Quarantined
	err := d.read.WithContext(ctx).Omit("rows").Order("id DESC").Limit(limit).Find(&list).Error
	return list, int(total), err
}

// release forgets what is in quarantine of documents that are sent again.
func release(tx *gorm.DB, collection uint64, ids []string) error {
	var any bool
	if err := tx.Raw("SELECT EXISTS (SELECT 1 FROM quarantined)").Scan(&any).Error; err != nil || !any {
		return err
	}
	for some := range slices.Chunk(ids, maxVariables) {
		if err := tx.Where("collection_id = ? AND document_id IN ?", collection, some).Delete(&models.Quarantined{}).Error; err != nil {
			return err
		}
	}
	return nil
}

// counted is what a collection's documents add up to.
const counted = `(SELECT COUNT(*) FROM documents WHERE collection_id = collections.id) AS documents,
	(SELECT COALESCE(SUM(chunks), 0) FROM documents WHERE collection_id = collections.id) AS chunks`

// Miscounted is a collection with wrong counters.
type Miscounted struct {
	Collection        models.Collection
	Documents, Chunks int // that there are
}

// Counters holds the counters of a collection against its documents. It is nil where they are right.
func (d *DB) Counters(ctx context.Context, collection uint64) (*Miscounted, error) {
	var m Miscounted
	err := d.read.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Take(&m.Collection, collection).Error; err != nil {
			return err
		}
		return tx.Raw("SELECT "+counted+" FROM collections WHERE id = ?", collection).Row().Scan(&m.Documents, &m.Chunks)
	})
	gone := errors.Is(err, gorm.ErrRecordNotFound)
	if err != nil && !gone || gone || m.Documents == m.Collection.Documents && m.Chunks == m.Collection.Chunks {
		return nil, lo.Ternary(gone, nil, err)
	}
	return &m, nil
}

// Recount sets the counters of a collection right.
func (d *DB) Recount(ctx context.Context, collection uint64) error {
	defer d.changes.record()
	return d.write.WithContext(ctx).Exec("UPDATE collections SET (documents, chunks) = (SELECT "+counted+") WHERE id = ?", collection).Error
}

// Orphans are rows of a table that belong to a document that is not there.
type Orphans struct {
	Table    string
	Document uint64 // Seq
	Rows     int
}

// orphaned are the tables whose rows belong to documents.
var orphaned = []string{"chunks", "fields"}

// Orphans calls fn for the orphans of every document that is missed.
func (d *DB) Orphans(ctx context.Context, fn func(Orphans)) error {
	for _, table := range orphaned {
		o := Orphans{Table: table}
		q := d.read.WithContext(ctx).Raw("SELECT document_seq, COUNT(*) FROM " + table + without + " GROUP BY document_seq")
		if err := eachRow(q, func() error { fn(o); return nil }, &o.Document, &o.Rows); err != nil {
			return err
		}
	}
	return nil
}

const without = " WHERE NOT EXISTS (SELECT 1 FROM documents WHERE documents.seq = document_seq)"

// RemoveOrphans deletes them.
func (d *DB) RemoveOrphans(ctx context.Context) error {
	defer d.changes.all() // a filter may have found them
	for _, table := range orphaned {
		if err := d.write.WithContext(ctx).Exec("DELETE FROM " + table + without).Error; err != nil {
			return err
		}
	}
	return nil
}

// WholeVectors calls fn for those chunks of a collection that are among ids; the vector is nil where it is damaged.
func (d *DB) WholeVectors(ctx context.Context, c models.Collection, ids []uint64, fn func(chunk uint64, vector []float32)) error {
	for some := range slices.Chunk(ids, maxVariables) {
		var id uint64
		var vector []byte
		var sum uint32
		q := d.read.WithContext(ctx).Raw("SELECT chunks.id, chunks.vector, chunks.sum FROM chunks CROSS JOIN documents ON documents.seq = chunks.document_seq WHERE documents.collection_id = ? AND chunks.id IN ?",
			c.ID, some)
		err := eachRow(q, func() error {
			if sum != 0 && sum != models.Sum(vector) || vectorProblem(vector, c.Dimensions) != "" {
				fn(id, nil)
				return nil
			}
			fn(id, DecodeVector(vector))
			return nil
		}, &id, &vector, &sum)
		if err != nil {
			return err
		}
	}
	return nil
}

package db

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"gorm.io/gorm"

	"searchd/models"
)

func now() time.Time { return time.Now().UTC() }

// maxVariables bounds the parameters of one statement, well under SQLite's limit.
const maxVariables = 500

// Document is the document of an id, or NotFound.
func (d *DB) Document(ctx context.Context, collection uint64, id string) (models.Document, error) {
	var doc models.Document
	err := d.read.WithContext(ctx).Where("collection_id = ? AND id = ?", collection, id).Take(&doc).Error
	return doc, notFound(err, "id", "there is no document %q in this collection", id)
}

// StoredDocuments are those of ids that are there, by id, without their texts.
func (d *DB) StoredDocuments(ctx context.Context, collection uint64, ids []string) (map[string]models.Document, error) {
	return storedAs(d.read.WithContext(ctx).Omit("text"), collection, ids)
}

// Sent are the documents of a collection that are as they were last sent with one of these hashes, by hash, without what they say.
func (d *DB) Sent(ctx context.Context, collection uint64, hashes [][]byte) (map[string]models.Document, error) {
	found := make(map[string]models.Document, len(hashes))
	for some := range slices.Chunk(hashes, maxVariables) {
		var doc models.Document
		// A statement for one row of many columns costs more in GORM than in SQLite.
		q := d.read.WithContext(ctx).Raw("SELECT id, chunks, tokens, sent FROM documents WHERE collection_id = ? AND sent IN ?", collection, some)
		err := eachRow(q, func() error { found[string(doc.Sent)] = doc; return nil }, &doc.ID, &doc.Chunks, &doc.Tokens, &doc.Sent)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// ChunksOf lists a document's chunks in order, without their vectors.
func (d *DB) ChunksOf(ctx context.Context, seq uint64) ([]models.Chunk, error) {
	var chunks []models.Chunk
	err := d.read.WithContext(ctx).Omit("vector").Where("document_seq = ?", seq).Order("id").Find(&chunks).Error
	return chunks, err
}

// Documents lists a collection's documents by id, those of allow only where it is not nil. Their texts, which may be
// large, are left out.
func (d *DB) Documents(ctx context.Context, collection uint64, allow *roaring64.Bitmap, p Page) ([]models.Document, error) {
	g := d.read.WithContext(ctx)
	if allow == nil {
		var list []models.Document
		err := g.Omit("text", "sections").Where("collection_id = ? AND id > ?", collection, p.After).Order("id").Limit(p.Limit).Find(&list).Error
		return list, err
	}
	seqs, err := d.pageOf(ctx, collection, allow, p)
	if err != nil {
		return nil, err
	}
	var list []models.Document
	for len(seqs) > 0 {
		var part []models.Document
		n := min(len(seqs), maxVariables)
		if err := g.Omit("text", "sections").Where("seq IN ?", seqs[:n]).Order("id").Find(&part).Error; err != nil {
			return nil, err
		}
		list, seqs = append(list, part...), seqs[n:]
	}
	return list, nil
}

// pageOf walks the ids in order and keeps the allowed ones, until the page is full.
func (d *DB) pageOf(ctx context.Context, collection uint64, allow *roaring64.Bitmap, p Page) ([]uint64, error) {
	rows, err := d.read.WithContext(ctx).Model(&models.Document{}).Select("seq").
		Where("collection_id = ? AND id > ?", collection, p.After).Order("id").Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // the error that counts is rows.Err
	var seqs []uint64
	for len(seqs) < p.Limit && rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		if allow.Contains(models.ChunkID(seq, 0)) {
			seqs = append(seqs, seq)
		}
	}
	return seqs, rows.Err()
}

// SameTexts finds the documents of a collection that have one of these texts: for each text that is there, the ids of at most
// two. Only texts of the same lengths are read.
func (d *DB) SameTexts(ctx context.Context, collection uint64, texts []string) (map[string][]string, error) {
	found := map[string][]string{}
	lengths := map[int]bool{}
	for _, text := range texts {
		found[text] = nil
		lengths[len(text)] = true
	}
	all := slices.Collect(maps.Keys(lengths))
	for part := range slices.Chunk(all, maxVariables) {
		if err := d.sameTexts(ctx, collection, part, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (d *DB) sameTexts(ctx context.Context, collection uint64, lengths []int, found map[string][]string) error {
	rows, err := d.read.WithContext(ctx).Model(&models.Document{}).Select("id", "text").
		Where("collection_id = ? AND octet_length(text) IN ?", collection, lengths).Order("seq").Rows()
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // the error that counts is rows.Err
	for rows.Next() {
		var id, text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		if ids, wanted := found[text]; wanted && len(ids) < 2 {
			found[text] = append(ids, id)
		}
	}
	return rows.Err()
}

// Patch is a change to what is known about a document; a nil field stays as it is.
type Patch struct {
	ID         *string
	Title, URL *string
	Metadata   *models.Metadata
}

// PatchDocument changes a document's id, title, URL or metadata. Its text and vectors stay.
func (d *DB) PatchDocument(ctx context.Context, collection uint64, id string, p Patch) (models.Document, error) {
	defer d.changes.add(collection)
	var doc models.Document
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		err := tx.Where("collection_id = ? AND id = ?", collection, id).Take(&doc).Error
		if err != nil {
			return notFound(err, "id", "there is no document %q in this collection", id)
		}
		if err := rename(tx, &doc, p.ID); err != nil {
			return err
		}
		doc.Sent = nil
		return patch(tx, &doc, p)
	})
	return doc, err
}

func rename(tx *gorm.DB, doc *models.Document, id *string) error {
	if id == nil || *id == doc.ID {
		return nil
	}
	var taken int64
	err := tx.Model(&models.Document{}).Where("collection_id = ? AND id = ?", doc.CollectionID, *id).Count(&taken).Error
	if err == nil && taken > 0 {
		err = models.Errorf(models.Conflict, "id", "%q is another document's; delete that first, or choose another id", *id)
	}
	if err != nil {
		return err
	}
	doc.ID = *id
	return tx.Model(&models.Document{}).Where("seq = ?", doc.Seq).Update("id", *id).Error
}

func patch(tx *gorm.DB, doc *models.Document, p Patch) error {
	if p.Title != nil {
		doc.Title = *p.Title
	}
	if p.URL != nil {
		doc.URL = *p.URL
	}
	if p.Metadata != nil {
		doc.Metadata = p.Metadata.JSON
		if err := tx.Where("document_seq = ?", doc.Seq).Delete(&models.Field{}).Error; err != nil {
			return err
		}
		if err := insert(tx, fieldsOf(doc, p.Metadata.Fields)); err != nil {
			return err
		}
	}
	doc.UpdatedAt = now()
	return tx.Model(doc).Where("seq = ?", doc.Seq).Select("title", "url", "metadata", "sections", "sent", "updated_at").Updates(doc).Error
}

// DeleteDocuments removes documents by id, with uploads of them that are still waiting, and answers the chunks that
// left. An id that is not there is no error: deleting twice is deleting once.
func (d *DB) DeleteDocuments(ctx context.Context, collection uint64, ids []string) (Removed, error) {
	defer d.changes.add(collection)
	var gone Removed
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for part := ids; len(part) > 0; part = part[min(len(part), maxVariables):] {
			n := min(len(part), maxVariables)
			if err := dropPending(tx, collection, part[:n]); err != nil {
				return err
			}
			if err := release(tx, collection, part[:n]); err != nil {
				return err
			}
			var docs []models.Document
			if err := tx.Select("seq", "chunks").Where("collection_id = ? AND id IN ?", collection, part[:n]).Find(&docs).Error; err != nil {
				return err
			}
			if err := remove(tx, docs, &gone); err != nil {
				return err
			}
		}
		return count(tx, collection, -gone.Documents, -len(gone.Chunks))
	})
	return gone, err
}

// DeleteMatching removes the documents whose chunks are in allow.
func (d *DB) DeleteMatching(ctx context.Context, collection uint64, allow *roaring64.Bitmap) (Removed, error) {
	defer d.changes.add(collection)
	var gone Removed
	seqs := documentsIn(allow)
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for part := seqs; len(part) > 0; part = part[min(len(part), maxVariables):] {
			var docs []models.Document
			err := tx.Select("seq", "chunks").Where("collection_id = ? AND seq IN ?", collection, part[:min(len(part), maxVariables)]).Find(&docs).Error
			if err != nil {
				return err
			}
			if err := remove(tx, docs, &gone); err != nil {
				return err
			}
		}
		return count(tx, collection, -gone.Documents, -len(gone.Chunks))
	})
	return gone, err
}

// Removed counts the documents that a transaction took out, and names their chunks, which the index must forget.
type Removed struct {
	Documents int
	Chunks    []uint64
}

// remove deletes the rows of documents of which Seq and Chunks are known.
func remove(tx *gorm.DB, docs []models.Document, gone *Removed) error {
	for some := range slices.Chunk(docs, maxVariables) {
		seqs := make([]uint64, len(some))
		for i, doc := range some {
			seqs[i] = doc.Seq
			for c := range doc.Chunks {
				gone.Chunks = append(gone.Chunks, models.ChunkID(doc.Seq, c))
			}
		}
		gone.Documents += len(some)
		for _, step := range []*gorm.DB{
			tx.Where("document_seq IN ?", seqs).Delete(&models.Chunk{}),
			tx.Where("document_seq IN ?", seqs).Delete(&models.Field{}),
			tx.Where("seq IN ?", seqs).Delete(&models.Document{}),
		} {
			if step.Error != nil {
				return step.Error
			}
		}
	}
	return nil
}

// documentsIn lists the documents that a set of chunks belongs to, in order.
func documentsIn(chunks *roaring64.Bitmap) []uint64 {
	var seqs []uint64
	for it := chunks.Iterator(); it.HasNext(); {
		if seq := models.DocumentSeq(it.Next()); len(seqs) == 0 || seqs[len(seqs)-1] != seq {
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

// CountDocuments is how many documents a set of chunks belongs to.
func CountDocuments(chunks *roaring64.Bitmap) int { return len(documentsIn(chunks)) }

package db

import (
	"context"
	"slices"

	"github.com/samber/lo"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"searchd/models"
)

// Result is what became of one item, with what is to be stored.
type Result struct {
	Item     models.JobItem
	Document *models.Document // set for a new content, and for a change of title, URL or metadata only
	Fields   []models.Field
	Chunks   []models.Chunk // none where the content is unchanged
	Keep     bool           // the stored content stays; Document says what else changed
}

// Committed is what a commit did to the index's side: chunks that are new, and chunks that are gone.
type Committed struct {
	Added   []models.Chunk
	Removed []uint64
}

// insertRows is how many rows one statement inserts.
const insertRows = 50

// Commit stores the outcomes of a job's items: documents with their chunks, statuses and counters together, or nothing.
// No two results are of the same document. Items that no longer wait, since they were cancelled or deleted meanwhile,
// are left out.
func (d *DB) Commit(ctx context.Context, collection uint64, results []Result) (Committed, error) {
	var c Committed
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c = Committed{}
		return commit(tx, collection, results, &c)
	})
	if err == nil && len(c.Removed) == 0 && !slices.ContainsFunc(results, func(r Result) bool { return r.Keep }) {
		d.changes.grew(collection)
	} else {
		d.changes.add(collection)
	}
	if err == nil {
		d.changes.took(c.Added)
	}
	return c, err
}

// commit works on all results at once: a statement for many rows costs little more than one for a single row.
func commit(tx *gorm.DB, collection uint64, all []Result, c *Committed) error {
	results, err := waiting(tx, all)
	if err != nil {
		return err
	}
	stored, err := storedAs(tx.Select("seq", "id", "chunks", "created_at"), collection, lo.FilterMap(results, func(r *Result, _ int) (string, bool) {
		return r.Item.DocumentID, r.Document != nil
	}))
	if err != nil {
		return err
	}
	var fresh []*Result
	var old []models.Document
	for _, r := range results {
		if r.Document == nil {
			continue
		}
		was, exists := stored[r.Document.ID]
		r.Item.Status = models.ItemCreated
		switch {
		case r.Keep && !exists: // deleted since it was compared
			r.Item.Status, r.Item.ErrorCode, r.Item.Error = models.ItemFailed, models.Conflict, "it was deleted meanwhile; send it again"
			continue
		case exists:
			r.Item.Status = models.ItemUpdated
		}
		if r.Keep {
			r.Document.Seq, r.Document.Chunks = was.Seq, was.Chunks // which a repair may have changed meanwhile
			if err := patch(tx, r.Document, Patch{Metadata: &models.Metadata{JSON: r.Document.Metadata, Fields: r.Fields}}); err != nil {
				return err
			}
			continue
		}
		r.Document.CreatedAt, r.Document.UpdatedAt = now(), now()
		if exists {
			old, r.Document.CreatedAt = append(old, was), was.CreatedAt
		}
		fresh = append(fresh, r)
	}
	if err := finishItems(tx, lo.Map(results, func(r *Result, _ int) models.JobItem { return r.Item })); err != nil {
		return err
	}
	var gone Removed
	if err := remove(tx, old, &gone); err != nil {
		return err
	}
	c.Removed = gone.Chunks
	if err := release(tx, collection, lo.Map(fresh, func(r *Result, _ int) string { return r.Document.ID })); err != nil {
		return err
	}
	if err := insertDocuments(tx, collection, fresh, c); err != nil {
		return err
	}
	return count(tx, collection, len(fresh)-gone.Documents, len(c.Added)-len(c.Removed))
}

// waiting are the results whose items wait still.
func waiting(tx *gorm.DB, all []Result) ([]*Result, error) {
	type place struct {
		JobSeq   uint64
		Position int
	}
	pending := map[place]bool{}
	for job, of := range lo.GroupBy(all, func(r Result) uint64 { return r.Item.JobSeq }) {
		for some := range slices.Chunk(of, maxVariables) {
			var places []place
			err := tx.Model(&models.JobItem{}).Select("job_seq", "position").Where(isWaiting).Where("job_seq = ? AND position IN ?", job,
				lo.Map(some, func(r Result, _ int) int { return r.Item.Position })).Find(&places).Error
			if err != nil {
				return nil, err
			}
			for _, p := range places {
				pending[p] = true
			}
		}
	}
	var results []*Result
	for i := range all {
		if pending[place{all[i].Item.JobSeq, all[i].Item.Position}] {
			results = append(results, &all[i])
		}
	}
	return results, nil
}

// storedAs reads the documents of these ids that are there.
func storedAs(columns *gorm.DB, collection uint64, ids []string) (map[string]models.Document, error) {
	stored := make(map[string]models.Document, len(ids))
	columns = columns.Session(&gorm.Session{})
	for some := range slices.Chunk(ids, maxVariables) {
		var docs []models.Document
		if err := columns.Where("collection_id = ? AND id IN ?", collection, some).Find(&docs).Error; err != nil {
			return nil, err
		}
		for _, doc := range docs {
			stored[doc.ID] = doc
		}
	}
	return stored, nil
}

// finishItems records the outcomes of items that wait, and counts them.
func finishItems(tx *gorm.DB, items []models.JobItem) error {
	if len(items) == 0 {
		return nil
	}
	for i := range items {
		if items[i].Status != models.ItemFailed { // which may be tried again
			items[i].Payload = nil
		}
	}
	if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).CreateInBatches(items, insertRows).Error; err != nil {
		return err
	}
	for job, of := range lo.GroupBy(items, func(item models.JobItem) uint64 { return item.JobSeq }) {
		failed := lo.CountBy(of, func(item models.JobItem) bool { return item.Status == models.ItemFailed })
		err := tx.Model(&models.Job{}).Where("seq = ?", job).Updates(map[string]any{
			"done": gorm.Expr("done + ?", len(of)-failed), "failed": gorm.Expr("failed + ?", failed),
		}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// insertDocuments stores new contents with their chunks and fields. Their numbers are given out here and not by SQLite,
// so that all rows can be made before the first is written; SQLite keeps the highest number that ever was.
func insertDocuments(tx *gorm.DB, collection uint64, fresh []*Result, c *Committed) error {
	if len(fresh) == 0 {
		return nil
	}
	var last uint64
	if err := tx.Raw("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'documents'").Scan(&last).Error; err != nil {
		return err
	}
	docs := make([]*models.Document, len(fresh))
	var fields []models.Field
	for i, r := range fresh {
		doc := r.Document
		doc.Seq, doc.CollectionID, doc.Sum = last+uint64(i)+1, collection, models.Sum(doc.Text)
		docs[i] = doc
		for n, chunk := range r.Chunks {
			chunk.DocumentSeq, chunk.ID, chunk.Sum = doc.Seq, models.ChunkID(doc.Seq, n), models.Sum(chunk.Vector)
			c.Added = append(c.Added, chunk)
		}
		fields = append(fields, fieldsOf(doc, r.Fields)...)
	}
	if err := tx.CreateInBatches(docs, insertRows).Error; err != nil {
		return err
	}
	if err := insert(tx, c.Added); err != nil {
		return err
	}
	return insert(tx, fields)
}

// insert stores rows, of which there may be none.
func insert[Row any](tx *gorm.DB, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	return tx.CreateInBatches(rows, insertRows).Error
}

// fieldsOf are the rows of a document's metadata.
func fieldsOf(doc *models.Document, fields []models.Field) []models.Field {
	return lo.Map(fields, func(f models.Field, _ int) models.Field {
		f.ID, f.CollectionID, f.DocumentSeq, f.Chunks = 0, doc.CollectionID, doc.Seq, doc.Chunks
		return f
	})
}

package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"searchd/models"
)

// Accept stores items of a job, making the job with the first of them. A job that is not whole yet is receiving: nobody
// was told that it is kept. With whole it is queued: acknowledged, and safe from a crash.
func (d *DB) Accept(ctx context.Context, j *models.Job, items []models.JobItem, whole bool) error {
	status := models.JobReceiving
	if whole {
		status = models.JobQueued
	}
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if j.Seq == 0 {
			j.Status, j.CreatedAt = models.JobReceiving, now()
			if err := tx.Create(j).Error; err != nil {
				return err
			}
		}
		for i := range items {
			items[i].JobSeq = j.Seq
			j.Total++
			if items[i].Status == models.ItemFailed {
				j.Failed++
			}
		}
		if err := tx.CreateInBatches(items, 50).Error; err != nil {
			return err
		}
		j.Status = status
		update := tx.Model(&models.Job{}).Where("seq = ? AND status = ?", j.Seq, models.JobReceiving).Select("status", "total", "failed").Updates(j)
		if update.Error == nil && update.RowsAffected == 0 {
			return models.Errorf(models.Conflict, "collection", "%q was deleted while its documents came in", j.Collection)
		}
		return update.Error
	})
}

// DropJob forgets a job that never became whole.
func (d *DB) DropJob(ctx context.Context, job uint64) error {
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return dropJobs(tx, tx.Model(&models.Job{}).Select("seq").Where("seq = ?", job))
	})
}

// recover forgets the jobs that a crash cut off while they were received. Nobody was told that they are kept.
func (d *DB) recover(ctx context.Context) error {
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		return dropJobs(tx, tx.Model(&models.Job{}).Select("seq").Where("status = ?", models.JobReceiving))
	})
}

// PruneJobs forgets finished jobs beyond the newest keep.
func (d *DB) PruneJobs(ctx context.Context, keep int) error {
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		newest := tx.Model(&models.Job{}).Select("seq").Order("seq DESC").Limit(keep)
		return dropJobs(tx, tx.Model(&models.Job{}).Select("seq").Where("finished_at IS NOT NULL AND seq NOT IN (?)", newest))
	})
}

func dropJobs(tx, jobs *gorm.DB) error {
	if err := tx.Where("job_seq IN (?)", jobs).Delete(&models.JobItem{}).Error; err != nil {
		return err
	}
	return tx.Where("seq IN (?)", jobs).Delete(&models.Job{}).Error
}

// NextJob is the oldest job with work left, or nil.
func (d *DB) NextJob(ctx context.Context) (*models.Job, error) {
	var jobs []models.Job
	err := d.write.WithContext(ctx).Where("status IN ?", []models.JobStatus{models.JobQueued, models.JobRunning}).
		Order("seq").Limit(1).Find(&jobs).Error
	if err != nil || len(jobs) == 0 {
		return nil, err
	}
	return &jobs[0], nil
}

// Backlog is how many jobs are not finished, and how many of their documents wait.
func (d *DB) Backlog(ctx context.Context) (jobs, documents int, err error) {
	var sum struct{ Jobs, Documents int }
	err = d.read.WithContext(ctx).Model(&models.Job{}).Select("COUNT(*) AS jobs, COALESCE(SUM(total - done - failed), 0) AS documents").
		Where("status IN ?", []models.JobStatus{models.JobQueued, models.JobRunning}).Scan(&sum).Error
	return sum.Jobs, sum.Documents, err
}

// StartJob marks a job as running.
func (d *DB) StartJob(ctx context.Context, j *models.Job) error {
	if j.Status == models.JobRunning {
		return nil
	}
	return d.write.WithContext(ctx).Model(&models.Job{}).Where("seq = ? AND status = ?", j.Seq, models.JobQueued).
		Updates(map[string]any{"status": models.JobRunning, "started_at": now()}).Error
}

// PendingItems are the next items of a job that nothing was done about: at most limit, and no more than about bytes of
// payload, but always one where one is left.
func (d *DB) PendingItems(ctx context.Context, job uint64, limit, bytes int) ([]models.JobItem, error) {
	g := d.read.WithContext(ctx)
	rows, err := g.Model(&models.JobItem{}).Where("job_seq = ? AND status = ?", job, models.ItemPending).
		Order("position").Limit(limit).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // the error that counts is rows.Err
	var items []models.JobItem
	for bytes > 0 && rows.Next() {
		var item models.JobItem
		if err := g.ScanRows(rows, &item); err != nil {
			return nil, err
		}
		items = append(items, item)
		bytes -= len(item.Payload)
	}
	return items, rows.Err()
}

// FinishJob ends a job. Items that are still waiting are given up, for that reason. A job that has ended stays as it is.
func (d *DB) FinishJob(ctx context.Context, job uint64, status models.JobStatus, reason string) error {
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return finishJob(tx, job, status, reason) })
}

func finishJob(tx *gorm.DB, job uint64, status models.JobStatus, reason string) error {
	done := tx.Model(&models.Job{}).Where("seq = ? AND finished_at IS NULL", job).
		Updates(map[string]any{"status": status, "error": reason, "finished_at": now()})
	if done.Error != nil || done.RowsAffected == 0 {
		return done.Error
	}
	waiting := tx.Model(&models.JobItem{}).Where("job_seq = ? AND status = ?", job, models.ItemPending).Updates(map[string]any{
		"status": models.ItemFailed, "payload": nil, "error_code": models.Conflict, "error": "not taken in: " + reason,
	})
	if waiting.Error != nil || waiting.RowsAffected == 0 {
		return waiting.Error
	}
	return tx.Model(&models.Job{}).Where("seq = ?", job).Update("failed", gorm.Expr("failed + ?", waiting.RowsAffected)).Error
}

// CancelJob ends a job early: what is taken in stays, what is waiting is given up.
func (d *DB) CancelJob(ctx context.Context, id string) (models.Job, error) {
	j, err := d.Job(ctx, id)
	if err != nil || j.Status.Finished() {
		return j, err
	}
	if err := d.FinishJob(ctx, j.Seq, models.JobCancelled, "the job was cancelled"); err != nil {
		return j, err
	}
	return d.Job(ctx, id)
}

// Job is the job of an id, or NotFound.
func (d *DB) Job(ctx context.Context, id string) (models.Job, error) {
	var j models.Job
	err := d.read.WithContext(ctx).Where("id = ? AND status <> ?", id, models.JobReceiving).Take(&j).Error
	return j, notFound(err, "id", "there is no job %q; finished jobs are kept for a while only", id)
}

// Items lists what became of a job's documents, in the order they were sent, without their payload.
func (d *DB) Items(ctx context.Context, job uint64) ([]models.JobItem, error) {
	var items []models.JobItem
	err := d.read.WithContext(ctx).Omit("payload").Where("job_seq = ?", job).Order("position").Find(&items).Error
	return items, err
}

// Jobs lists jobs, newest first, older than the job numbered before (0: from the newest).
func (d *DB) Jobs(ctx context.Context, before uint64, limit int) ([]models.Job, int, error) {
	g := d.read.WithContext(ctx).Where("status <> ?", models.JobReceiving)
	var total int64
	if err := g.Session(&gorm.Session{}).Model(&models.Job{}).Count(&total).Error; err != nil {
		return nil, 0, err
	}
	if before > 0 {
		g = g.Where("seq < ?", before)
	}
	var jobs []models.Job
	err := g.Order("seq DESC").Limit(limit).Find(&jobs).Error
	return jobs, int(total), err
}

// dropPending gives up the uploads of documents that are about to be deleted.
func dropPending(tx *gorm.DB, collection uint64, ids []string) error {
	var items []models.JobItem
	jobs := tx.Session(&gorm.Session{NewDB: true}).Model(&models.Job{}).Select("seq").Where("collection_id = ? AND finished_at IS NULL", collection)
	err := tx.Omit("payload").Where("document_id IN ? AND status = ? AND job_seq IN (?)", ids, models.ItemPending, jobs).Find(&items).Error
	if err != nil {
		return err
	}
	for _, item := range items {
		item.Status, item.ErrorCode, item.Error = models.ItemFailed, models.Conflict, "it was deleted before its turn"
		if _, err := finishItem(tx, item); err != nil {
			return err
		}
	}
	return nil
}

// finishItem records an outcome and counts it. It answers false where the item is no longer waiting: cancelled, or
// deleted meanwhile.
func finishItem(tx *gorm.DB, item models.JobItem) (bool, error) {
	done := tx.Model(&models.JobItem{}).Where("job_seq = ? AND position = ? AND status = ?", item.JobSeq, item.Position, models.ItemPending).
		Updates(map[string]any{
			"status": item.Status, "payload": nil, "chunks": item.Chunks, "tokens": item.Tokens, "truncated": item.Truncated,
			"error_code": item.ErrorCode, "error_field": item.ErrorField, "error": item.Error,
		})
	if done.Error != nil || done.RowsAffected == 0 {
		return false, done.Error
	}
	counter := "done"
	if item.Status == models.ItemFailed {
		counter = "failed"
	}
	return true, tx.Model(&models.Job{}).Where("seq = ?", item.JobSeq).Update(counter, gorm.Expr(counter+" + 1")).Error
}

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

// Commit stores the outcomes of a job's items: documents with their chunks, statuses and counters together, or nothing.
func (d *DB) Commit(ctx context.Context, collection uint64, results []Result) (Committed, error) {
	defer d.changes.add(collection)
	var c Committed
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c = Committed{}
		documents := 0
		for i := range results {
			added, err := commit(tx, collection, &results[i], &c)
			if err != nil {
				return fmt.Errorf("document %q: %w", results[i].Item.DocumentID, err)
			}
			documents += added
		}
		return count(tx, collection, documents, len(c.Added)-len(c.Removed))
	})
	if err == nil {
		d.changes.took(c.Added)
	}
	return c, err
}

// commit stores one outcome and answers by how many the documents grew.
func commit(tx *gorm.DB, collection uint64, r *Result, c *Committed) (int, error) {
	if r.Document == nil {
		_, err := finishItem(tx, r.Item)
		return 0, err
	}
	var old models.Document
	err := tx.Select("seq", "chunks", "created_at").Where("collection_id = ? AND id = ?", collection, r.Document.ID).Take(&old).Error
	exists := err == nil
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, err
	}
	switch {
	case r.Keep && exists:
		r.Item.Status = models.ItemUpdated
	case r.Keep: // deleted since it was compared
		r.Item.Status, r.Item.ErrorCode, r.Item.Error = models.ItemFailed, models.Conflict, "it was deleted meanwhile; send it again"
	case exists:
		r.Item.Status = models.ItemUpdated
	default:
		r.Item.Status = models.ItemCreated
	}
	waiting, err := finishItem(tx, r.Item)
	if err != nil || !waiting || r.Item.Status == models.ItemFailed {
		return 0, err
	}
	if r.Keep {
		return 0, patch(tx, r.Document, Patch{Metadata: &models.Metadata{JSON: r.Document.Metadata, Fields: r.Fields}})
	}
	return replace(tx, collection, old, exists, r, c)
}

func replace(tx *gorm.DB, collection uint64, old models.Document, exists bool, r *Result, c *Committed) (int, error) {
	doc := r.Document
	doc.Seq, doc.CollectionID, doc.CreatedAt, doc.UpdatedAt = 0, collection, now(), now()
	grown := 1
	if exists {
		var gone Removed
		if err := remove(tx, []models.Document{old}, &gone); err != nil {
			return 0, err
		}
		c.Removed = append(c.Removed, gone.Chunks...)
		doc.CreatedAt = old.CreatedAt
		grown = 0
	}
	if err := tx.Create(doc).Error; err != nil {
		return 0, err
	}
	for i := range r.Chunks {
		r.Chunks[i].DocumentSeq, r.Chunks[i].ID = doc.Seq, models.ChunkID(doc.Seq, i)
	}
	if err := tx.CreateInBatches(r.Chunks, 50).Error; err != nil {
		return 0, err
	}
	c.Added = append(c.Added, r.Chunks...)
	return grown, insertFields(tx, doc, r.Fields)
}

package db

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"searchd/models"
)

// isWaiting is said in these words wherever items that wait are asked for: SQLite uses an index of them alone where it reads them.
const isWaiting = "status = '" + string(models.ItemPending) + "'"

// Accept stores items of a job, making the job with the first of them. A job that is not whole yet is receiving: nobody
// was told that it is kept. With whole it is queued: acknowledged, and safe from a crash; or done, where nothing of it waits.
func (d *DB) Accept(ctx context.Context, j *models.Job, items []models.JobItem, whole bool) error {
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if j.Seq == 0 {
			c, err := liveOf(tx, j.CollectionID) // whose model may have been changed since the body began
			if err != nil {
				return err
			}
			j.CollectionID, j.Status, j.CreatedAt = c.ID, models.JobReceiving, now()
			if err := tx.Create(j).Error; err != nil {
				return err
			}
		}
		for i := range items {
			items[i].JobSeq = j.Seq
			j.Total++
			switch items[i].Status {
			case models.ItemPending:
			case models.ItemFailed:
				j.Failed++
			default:
				j.Done++
			}
		}
		if err := tx.CreateInBatches(items, 50).Error; err != nil {
			return err
		}
		if whole {
			j.Status = models.JobQueued
			if j.Done+j.Failed == j.Total {
				j.Status, j.StartedAt, j.FinishedAt = models.JobDone, &j.CreatedAt, new(now())
			}
		}
		update := tx.Model(&models.Job{}).Where("seq = ? AND status = ?", j.Seq, models.JobReceiving).
			Select("status", "total", "done", "failed", "started_at", "finished_at", "idempotency_key", "request_hash").Updates(j)
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

// PruneJobs forgets finished jobs beyond the newest keep, but not those made since keyed that have an idempotency key.
func (d *DB) PruneJobs(ctx context.Context, keep int, keyed time.Time) error {
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		newest := tx.Model(&models.Job{}).Select("seq").Order("seq DESC").Limit(keep)
		return dropJobs(tx, tx.Model(&models.Job{}).Select("seq").
			Where("finished_at IS NOT NULL AND seq NOT IN (?) AND (idempotency_key = '' OR created_at < ?)", newest, keyed.UTC()))
	})
}

func dropJobs(tx, jobs *gorm.DB) error {
	if err := tx.Where("job_seq IN (?)", jobs).Delete(&models.JobItem{}).Error; err != nil {
		return err
	}
	return tx.Where("seq IN (?)", jobs).Delete(&models.Job{}).Error
}

// NextJob is the oldest job with work left, one of this kind where there is one; or nil.
func (d *DB) NextJob(ctx context.Context, kind string) (*models.Job, error) {
	var jobs []models.Job
	err := d.write.WithContext(ctx).Where("status IN ?", []models.JobStatus{models.JobQueued, models.JobRunning}).
		Order(clause.OrderBy{Expression: clause.Expr{SQL: "kind <> ?, seq", Vars: []any{kind}}}).Limit(1).Find(&jobs).Error
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

// Waiting says whether a job of documents for the collection that was acknowledged is not finished.
func (d *DB) Waiting(ctx context.Context, collection uint64) (bool, error) {
	var some []uint64
	err := d.read.WithContext(ctx).Model(&models.Job{}).Select("seq").
		Where("collection_id = ? AND kind = ? AND status IN ?", collection, models.IngestJob, []models.JobStatus{models.JobQueued, models.JobRunning}).Limit(1).Find(&some).Error
	return len(some) > 0, err
}

// StartJob marks a job as running.
func (d *DB) StartJob(ctx context.Context, j *models.Job) error {
	if j.Status == models.JobRunning {
		return nil
	}
	return d.write.WithContext(ctx).Model(&models.Job{}).Where("seq = ? AND status = ?", j.Seq, models.JobQueued).
		Updates(map[string]any{"status": models.JobRunning, "started_at": now()}).Error
}

// PendingItems are the items of a job after the one at position last (-1: from the first) that nothing was done about: at
// most limit, and no more than about bytes of payload, but always one where one is left.
func (d *DB) PendingItems(ctx context.Context, job uint64, last, limit, bytes int) ([]models.JobItem, error) {
	g := d.read.WithContext(ctx)
	rows, err := g.Model(&models.JobItem{}).Where("job_seq = ? AND position > ?", job, last).Where(isWaiting).
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
	var ended models.Job
	if err := tx.Select("kind", "collection").Where("seq = ?", job).Take(&ended).Error; err != nil {
		return err
	}
	if ended.Kind == models.ReembedJob {
		return park(tx, ended.Collection)
	}
	waiting := tx.Model(&models.JobItem{}).Where("job_seq = ?", job).Where(isWaiting).Updates(map[string]any{
		"status": models.ItemFailed, "error_code": models.Conflict, "error": "not taken in: " + reason,
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

// Retry makes a job of the documents that an earlier one has failed at, but for those that could not be read, were deleted
// or were sent again since. It answers how many there are; where there are none, no job is made.
func (d *DB) Retry(ctx context.Context, failed models.Job, again *models.Job) (int, error) {
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		later := tx.Model(&models.JobItem{}).Select("document_id").Joins("JOIN jobs ON jobs.seq = job_items.job_seq").
			Where("job_items.job_seq > ? AND jobs.collection_id = ? AND job_items.status <> ?", failed.Seq, failed.CollectionID, models.ItemFailed)
		var items []models.JobItem
		err := tx.Where("job_seq = ? AND status = ? AND payload IS NOT NULL AND document_id NOT IN (?)", failed.Seq, models.ItemFailed, later).Order("position").Find(&items).Error
		if err != nil || len(items) == 0 {
			return err
		}
		again.CollectionID, again.Collection = failed.CollectionID, failed.Collection
		again.Status, again.CreatedAt, again.Total = models.JobQueued, now(), len(items)
		if err := tx.Create(again).Error; err != nil {
			return err
		}
		if err := tx.Model(&models.JobItem{}).Where("job_seq = ?", failed.Seq).Update("payload", nil).Error; err != nil {
			return err
		}
		for i := range items {
			items[i] = models.JobItem{JobSeq: again.Seq, Position: i, DocumentID: items[i].DocumentID, Status: models.ItemPending, Payload: items[i].Payload}
		}
		return tx.CreateInBatches(items, insertRows).Error
	})
	return again.Total, err
}

// Job is the job of an id, or NotFound.
func (d *DB) Job(ctx context.Context, id string) (models.Job, error) {
	var j models.Job
	err := d.read.WithContext(ctx).Where("id = ? AND status <> ?", id, models.JobReceiving).Take(&j).Error
	return j, notFound(err, "id", "there is no job %q; finished jobs are kept for a while only", id)
}

// KeyedJob is the newest job that a request with an idempotency key has made since a time; nil where there is none.
func (d *DB) KeyedJob(ctx context.Context, key string, since time.Time) (*models.Job, error) {
	var jobs []models.Job
	err := d.read.WithContext(ctx).Where("idempotency_key = ? AND created_at >= ?", key, since.UTC()).Order("seq DESC").Limit(1).Find(&jobs).Error
	if err != nil || len(jobs) == 0 {
		return nil, err
	}
	return &jobs[0], nil
}

// Items lists what became of a job's documents, in the order they were sent, without their payload.
func (d *DB) Items(ctx context.Context, job uint64) ([]models.JobItem, error) {
	q := d.read.WithContext(ctx).Model(&models.JobItem{}).Where("job_seq = ?", job).Order("position").
		Select("position", "document_id", "status", "chunks", "tokens", "truncated", "COALESCE(error_code, '')", "COALESCE(error_field, '')", "COALESCE(error, '')")
	var items []models.JobItem
	i := models.JobItem{JobSeq: job}
	err := eachRow(q, func() error { items = append(items, i); return nil },
		&i.Position, &i.DocumentID, &i.Status, &i.Chunks, &i.Tokens, &i.Truncated, &i.ErrorCode, &i.ErrorField, &i.Error)
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
	err := tx.Omit("payload").Where("document_id IN ? AND job_seq IN (?)", ids, jobs).Where(isWaiting).Find(&items).Error
	if err != nil {
		return err
	}
	for i := range items {
		items[i].Status, items[i].ErrorCode, items[i].Error = models.ItemFailed, models.Conflict, "it was deleted before its turn"
	}
	return finishItems(tx, items)
}

package db

import (
	"context"
	"errors"

	"gorm.io/gorm"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"searchd/models"
)

// CreateCollection stores c and sets its ID. A name in use is a Conflict.
func (d *DB) CreateCollection(ctx context.Context, c *models.Collection) error {
	err := d.write.WithContext(ctx).Create(c).Error
	if isDuplicate(err) {
		return models.Errorf(models.Conflict, "name", "a collection %q exists already", c.Name)
	}
	return err
}

// isDuplicate says that a row with the same unique key is there. GORM translates the errors of another driver only.
func isDuplicate(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

// Collection is the collection of a name, or NotFound.
func (d *DB) Collection(ctx context.Context, name string) (models.Collection, error) {
	c, known, change := d.collection(name)
	if known {
		return c, nil
	}
	c, err := d.readCollection(ctx, name)
	if err == nil {
		d.live.remember(c, change)
	}
	return c, err
}

func (d *DB) readCollection(ctx context.Context, name string) (models.Collection, error) {
	var c models.Collection
	// GORM's own reading of a row takes longer than SQLite's.
	q := d.read.WithContext(ctx).Raw(`SELECT id, name, generation, description, engine, model, revision, dimensions, pooling, query_prompt, doc_prompt, documents, chunks,
		created_at, updated_at FROM collections WHERE name = ? AND generation = ?`, name, models.Live)
	err := eachRow(q, func() error { return nil }, &c.ID, &c.Name, &c.Generation, &c.Description, &c.Engine, &c.Model, &c.Revision, &c.Dimensions, &c.Pooling,
		&c.QueryPrompt, &c.DocPrompt, &c.Documents, &c.Chunks, &c.CreatedAt, &c.UpdatedAt)
	if err == nil && c.ID == 0 {
		err = gorm.ErrRecordNotFound
	}
	return c, notFound(err, "collection", "there is no collection %q; make it with POST /collections", name)
}

// Collections lists the collections by name, with how many there are.
func (d *DB) Collections(ctx context.Context, p Page) ([]models.Collection, int, error) {
	var total int64
	g := d.read.WithContext(ctx).Where("generation = ?", models.Live).Session(&gorm.Session{})
	if err := g.Model(&models.Collection{}).Count(&total).Error; err != nil {
		return nil, 0, err
	}
	var list []models.Collection
	err := g.Where("name > ?", p.After).Order("name").Limit(p.Limit).Find(&list).Error
	return list, int(total), err
}

// DescribeCollection changes a collection's description.
func (d *DB) DescribeCollection(ctx context.Context, name, description string) (models.Collection, error) {
	err := d.write.WithContext(ctx).Model(&models.Collection{}).Where("name = ? AND generation = ?", name, models.Live).Update("description", description).Error
	d.changes.record()
	if err != nil {
		return models.Collection{}, err
	}
	return d.Collection(ctx, name)
}

// DeleteCollection removes a collection with everything in it and all its generations, whose ids it answers, and cancels the
// jobs that were to add to it.
func (d *DB) DeleteCollection(ctx context.Context, name string) (c models.Collection, generations []uint64, err error) {
	if c, err = d.Collection(ctx, name); err != nil {
		return c, nil, err
	}
	defer d.changes.add(c.ID)
	err = d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		generations = nil
		if err := tx.Model(&models.Collection{}).Where("name = ?", name).Pluck("id", &generations).Error; err != nil {
			return err
		}
		return dropCollections(tx, generations)
	})
	return c, generations, err
}

func dropCollections(tx *gorm.DB, ids []uint64) error {
	documents := tx.Model(&models.Document{}).Select("seq").Where("collection_id IN ?", ids)
	jobs := tx.Model(&models.Job{}).Select("seq").Where("collection_id IN ?", ids)
	for _, step := range []*gorm.DB{
		tx.Where("document_seq IN (?)", documents).Delete(&models.Chunk{}),
		tx.Where("collection_id IN ?", ids).Delete(&models.Field{}),
		tx.Where("collection_id IN ?", ids).Delete(&models.Document{}),
		tx.Where("collection_id IN ?", ids).Delete(&models.Quarantined{}),
		tx.Where("collection_id IN ?", ids).Delete(&models.Profile{}),
		tx.Where("job_seq IN (?)", jobs).Delete(&models.JobItem{}),
		tx.Model(&models.Job{}).Where("collection_id IN ? AND finished_at IS NULL", ids).Updates(map[string]any{
			"status": models.JobCancelled, "error": "its collection was deleted", "finished_at": now(),
		}),
		tx.Where("id IN ?", ids).Delete(&models.Collection{}),
	} {
		if step.Error != nil {
			return step.Error
		}
	}
	return nil
}

// count adds to a collection's counters, inside the transaction that changed its documents.
func count(tx *gorm.DB, collection uint64, documents, chunks int) error {
	if documents == 0 && chunks == 0 {
		return nil
	}
	return tx.Model(&models.Collection{}).Where("id = ?", collection).Updates(map[string]any{
		"documents": gorm.Expr("documents + ?", documents),
		"chunks":    gorm.Expr("chunks + ?", chunks),
	}).Error
}

package db

import (
	"context"

	"github.com/samber/lo"
	"gorm.io/gorm"

	"searchd/models"
)

// Generations are the collections of these names that are not live, by name.
func (d *DB) Generations(ctx context.Context, names []string) (map[string][]models.Collection, error) {
	var list []models.Collection
	err := d.read.WithContext(ctx).Where("name IN ? AND generation <> ?", names, models.Live).Find(&list).Error
	return lo.GroupBy(list, func(c models.Collection) string { return c.Name }), err
}

// Generation is the one of a name, or NotFound.
func (d *DB) Generation(ctx context.Context, name string, which models.Generation) (models.Collection, error) {
	return generation(d.read.WithContext(ctx), name, which)
}

func generation(g *gorm.DB, name string, which models.Generation) (models.Collection, error) {
	var c models.Collection
	err := g.Where("name = ? AND generation = ?", name, which).Take(&c).Error
	return c, notFound(err, "collection", "collection %q has no %s generation", name, which)
}

// LiveOf is the collection that is live now under the name of one that was when its id was looked up. It is NotFound where
// that one was deleted meanwhile, even where another has its name.
func (d *DB) LiveOf(ctx context.Context, id uint64) (models.Collection, error) {
	return liveOf(d.read.WithContext(ctx), id)
}

func liveOf(g *gorm.DB, id uint64) (models.Collection, error) {
	var c models.Collection
	name := g.Session(&gorm.Session{NewDB: true}).Model(&models.Collection{}).Select("name").Where("id = ?", id)
	err := g.Where("name = (?) AND generation = ?", name, models.Live).Take(&c).Error
	return c, notFound(err, "collection", "it was deleted meanwhile")
}

// BeginReembed queues the job that embeds the documents of a collection again, for a generation like next, whose ID it sets.
// The previous generation is taken up again where it is of the same model: it has what was embedded then. A collection that
// is being embedded again already is a Conflict.
func (d *DB) BeginReembed(ctx context.Context, live models.Collection, next *models.Collection, job *models.Job) error {
	return d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		live, err := liveOf(tx, live.ID)
		if err != nil {
			return err
		}
		var there []models.Collection
		if err := tx.Where("name = ? AND generation <> ?", live.Name, models.Live).Find(&there).Error; err != nil {
			return err
		}
		if _, building := lo.Find(there, func(c models.Collection) bool { return c.Generation == models.Building }); building {
			return models.Errorf(models.Conflict, "model", "collection %q is being embedded again already; wait for that job, or cancel it: GET /jobs", live.Name)
		}
		next.Name, next.Description, next.Engine, next.CreatedAt = live.Name, live.Description, live.Engine, live.CreatedAt
		next.Generation = models.Building
		if len(there) == 1 && sameModel(there[0], *next) {
			next.ID = there[0].ID
			err = tx.Model(&models.Collection{}).Where("id = ?", next.ID).Update("generation", models.Building).Error
		} else {
			err = tx.Create(next).Error
		}
		if err != nil {
			return err
		}
		job.CollectionID, job.Collection, job.Status, job.Total, job.CreatedAt = live.ID, live.Name, models.JobQueued, live.Documents, now()
		return tx.Create(job).Error
	})
}

// sameModel says that one generation's vectors are as good as the other's.
func sameModel(a, b models.Collection) bool {
	return a.Model == b.Model && a.Revision == b.Revision && a.Dimensions == b.Dimensions && a.Pooling == b.Pooling && a.QueryPrompt == b.QueryPrompt && a.DocPrompt == b.DocPrompt
}

// lacking are the documents of the live generation (l) that the one that is built (b) has not got as they are. An index
// over collections would have SQLite sort them all for every page: l goes by seq.
const lacking = ` FROM documents l NOT INDEXED LEFT JOIN documents b ON b.collection_id = ? AND b.id = l.id
	WHERE l.collection_id = ? AND (b.seq IS NULL OR b.content_hash <> l.content_hash) AND l.seq > ?`

// Lacking lists the documents that a generation has still to get from the live one, after one of these by Seq: at most limit,
// and no more than about bytes of text, but always one where there is one.
func (d *DB) Lacking(ctx context.Context, live, building, after uint64, limit, bytes int) ([]models.Document, error) {
	g := d.read.WithContext(ctx)
	rows, err := g.Raw("SELECT l.*"+lacking+" ORDER BY l.seq LIMIT ?", building, live, after, limit).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // the error that counts is rows.Err
	var docs []models.Document
	for bytes > 0 && rows.Next() {
		var doc models.Document
		if err := g.ScanRows(rows, &doc); err != nil {
			return nil, err
		}
		docs = append(docs, doc)
		bytes -= len(doc.Text)
	}
	return docs, rows.Err()
}

// Copied is a document of the live generation, with what another model has made of it.
type Copied struct {
	From   uint64 // Seq in the live generation
	Result        // the Item counts for nothing
}

// Copy stores documents in the generation that a job builds, and the job's progress. Those that were deleted or replaced
// meanwhile are left out, and all are where the job has ended.
func (d *DB) Copy(ctx context.Context, job *models.Job, building uint64, all []Copied) (Committed, error) {
	defer d.changes.add(building)
	var c Committed
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		c = Committed{}
		var open int64
		if err := tx.Model(&models.Job{}).Where("seq = ? AND finished_at IS NULL", job.Seq).Count(&open).Error; err != nil || open == 0 {
			return err
		}
		var there []uint64
		seqs := lo.Map(all, func(c Copied, _ int) uint64 { return c.From })
		if err := tx.Model(&models.Document{}).Where("seq IN ?", seqs).Pluck("seq", &there).Error; err != nil {
			return err
		}
		still := lo.Keyify(there)
		var fresh []*Result
		for i := range all {
			if _, ok := still[all[i].From]; ok {
				fresh = append(fresh, &all[i].Result)
			}
		}
		return copyDocuments(tx, job, building, fresh, &c)
	})
	if err == nil {
		d.changes.took(c.Added)
	}
	return c, err
}

func copyDocuments(tx *gorm.DB, job *models.Job, building uint64, fresh []*Result, c *Committed) error {
	old, err := storedAs(tx.Select("seq", "id", "chunks"), building, lo.Map(fresh, func(r *Result, _ int) string { return r.Document.ID }))
	if err != nil {
		return err
	}
	var gone Removed
	if err := remove(tx, lo.Values(old), &gone); err != nil {
		return err
	}
	c.Removed = gone.Chunks
	if err := insertDocuments(tx, building, fresh, c); err != nil {
		return err
	}
	if err := count(tx, building, len(fresh)-gone.Documents, len(c.Added)-len(c.Removed)); err != nil {
		return err
	}
	return tx.Exec(`UPDATE jobs SET done = MIN((SELECT documents FROM collections WHERE id = ?), live.documents), total = live.documents
		FROM (SELECT documents FROM collections WHERE id = ?) live WHERE seq = ?`, building, job.CollectionID, job.Seq).Error
}

// Flipped says what the index of a generation must still hear of after it became the live one.
type Flipped struct {
	Lacks    bool // it was not: the live one has documents that it has not got
	Removed  []uint64
	Retitled []uint64 // chunks whose document has another title than it was copied with
}

// Flip makes the generation that a job has built the live one, and the live one the previous: in one transaction, in which it
// also loses what was deleted and learns what was patched since it was copied. Unfinished jobs go on in the new one.
func (d *DB) Flip(ctx context.Context, job *models.Job, building uint64) (Flipped, error) {
	live := job.CollectionID
	defer d.changes.add(building)
	var f Flipped
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		f = Flipped{}
		if err := tx.Raw("SELECT EXISTS (SELECT 1"+lacking+")", building, live, 0).Scan(&f.Lacks).Error; err != nil || f.Lacks {
			return err
		}
		if err := follow(tx, live, building, &f); err != nil {
			return err
		}
		for _, step := range []*gorm.DB{
			tx.Exec(`UPDATE collections SET documents = (SELECT COUNT(*) FROM documents WHERE collection_id = ?1),
				chunks = (SELECT COALESCE(SUM(chunks), 0) FROM documents WHERE collection_id = ?1),
				description = (SELECT description FROM collections WHERE id = ?2) WHERE id = ?1`, building, live),
			tx.Model(&models.Collection{}).Where("id = ?", live).Update("generation", models.Previous),
			tx.Model(&models.Collection{}).Where("id = ?", building).Update("generation", models.Live),
			tx.Model(&models.Job{}).Where("collection_id = ? AND finished_at IS NULL", live).Update("collection_id", building),
			tx.Model(&models.Job{}).Where("seq = ?", job.Seq).Update("done", gorm.Expr("total")),
		} {
			if step.Error != nil {
				return step.Error
			}
		}
		return nil
	})
	return f, err
}

// follow brings a generation that has all documents of the live one to where that is.
func follow(tx *gorm.DB, live, building uint64, f *Flipped) error {
	var docs []models.Document
	err := tx.Raw(`SELECT b.seq, b.chunks FROM documents b LEFT JOIN documents l ON l.collection_id = ? AND l.id = b.id
		WHERE b.collection_id = ? AND l.seq IS NULL`, live, building).Scan(&docs).Error
	if err != nil {
		return err
	}
	var gone Removed
	if err := remove(tx, docs, &gone); err != nil {
		return err
	}
	f.Removed = gone.Chunks
	type patched struct {
		From     uint64
		Seq      uint64
		Chunks   int
		Retitled bool
	}
	var changed []patched
	err = tx.Raw(`SELECT l.seq AS "from", b.seq, b.chunks, l.title <> b.title AS retitled FROM documents b JOIN documents l ON l.collection_id = ? AND l.id = b.id
		WHERE b.collection_id = ? AND (l.title <> b.title OR l.url <> b.url OR l.metadata <> b.metadata OR l.sections <> b.sections)`, live, building).Scan(&changed).Error
	if err != nil {
		return err
	}
	for _, p := range changed {
		for _, step := range []*gorm.DB{
			tx.Exec(`UPDATE documents SET title = l.title, url = l.url, metadata = l.metadata, sections = l.sections, sent = l.sent, updated_at = l.updated_at
				FROM documents l WHERE l.seq = ? AND documents.seq = ?`, p.From, p.Seq),
			tx.Where("document_seq = ?", p.Seq).Delete(&models.Field{}),
			tx.Exec(`INSERT INTO fields (collection_id, document_seq, key, kind, element, text, number, chunks)
				SELECT ?, ?, key, kind, element, text, number, ? FROM fields WHERE document_seq = ?`, building, p.Seq, p.Chunks, p.From),
		} {
			if step.Error != nil {
				return step.Error
			}
		}
		if p.Retitled {
			for n := range p.Chunks {
				f.Retitled = append(f.Retitled, models.ChunkID(p.Seq, n))
			}
		}
	}
	return nil
}

// park puts aside what a job has built of a collection that it is not to go on with: the next one of the same model finds it.
func park(tx *gorm.DB, name string) error {
	previous := tx.Session(&gorm.Session{NewDB: true}).Model(&models.Collection{}).Select("1").Where("name = ? AND generation = ?", name, models.Previous)
	parked := tx.Model(&models.Collection{}).Where("name = ? AND generation = ? AND NOT EXISTS (?)", name, models.Building, previous).Update("generation", models.Previous)
	if parked.Error != nil || parked.RowsAffected > 0 {
		return parked.Error
	}
	// One that is kept from an earlier change goes before one that was hardly begun.
	var building []uint64
	if err := tx.Model(&models.Collection{}).Where("name = ? AND generation = ?", name, models.Building).Pluck("id", &building).Error; err != nil {
		return err
	}
	return dropCollections(tx, building)
}

// DropPrevious removes the previous generation of a collection and answers it; NotFound where there is none.
func (d *DB) DropPrevious(ctx context.Context, name string) (models.Collection, error) {
	var c models.Collection
	err := d.write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var err error
		if c, err = generation(tx, name, models.Previous); err != nil {
			return err
		}
		return dropCollections(tx, []uint64{c.ID})
	})
	d.changes.add(c.ID)
	return c, err
}

// Sample answers up to n documents of a collection, from all over it.
func (d *DB) Sample(ctx context.Context, collection uint64, n int) ([]models.Document, error) {
	g := d.read.WithContext(ctx)
	var seqs []uint64
	if err := g.Model(&models.Document{}).Where("collection_id = ?", collection).Order("seq").Pluck("seq", &seqs).Error; err != nil {
		return nil, err
	}
	var some []uint64
	for i := range min(n, len(seqs)) {
		some = append(some, seqs[i*len(seqs)/min(n, len(seqs))])
	}
	var docs []models.Document
	return docs, g.Where("seq IN ?", some).Order("seq").Find(&docs).Error
}

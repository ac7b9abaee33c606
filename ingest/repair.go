package ingest

import (
	"context"
	"slices"

	"searchd/hf"
	"searchd/models"
	"searchd/models/db"
)

// cure does for a damaged document what its damage allows.
func (r *checking) cure(ctx context.Context, d db.Damaged) (models.Outcome, error) {
	var err error
	outcome := models.Repaired
	switch d.Cure {
	case db.MendCure:
		err = r.db.Mend(ctx, d)
	case db.RemakeCure:
		err = r.remake(ctx, d)
	default:
		outcome, err = models.Quarantines, r.quarantine(ctx, d)
	}
	if err != nil {
		return models.Remains, err
	}
	return outcome, nil
}

// owner is the collection of a document; none where that is not there.
func (r *checking) owner(d db.Damaged) models.Collection {
	i := slices.IndexFunc(r.collections, func(c models.Collection) bool { return c.ID == d.Collection })
	if i < 0 {
		return models.Collection{}
	}
	return r.collections[i]
}

// remake makes a document's chunks again from its text, which is whole.
func (r *checking) remake(ctx context.Context, d db.Damaged) error {
	if slices.ContainsFunc(d.Faults, func(f models.Fault) bool { return f.Kind == models.FaultMetadata }) {
		if err := r.db.Mend(ctx, d); err != nil {
			return err
		}
	}
	was, err := r.db.Record(ctx, d.Seq)
	if err != nil {
		return err
	}
	c := r.owner(d)
	made, err := r.made(ctx, c, was)
	if err != nil {
		return err
	}
	return r.replace(ctx, c, func() (db.Committed, error) { return r.db.Remake(ctx, was.Document, made) })
}

// made is a document as it would be taken in now.
func (r *checking) made(ctx context.Context, c models.Collection, was db.Record) (db.Result, error) {
	doc := was.Document
	if was.Given() {
		metadata, err := models.ParseMetadata([]byte(doc.Metadata))
		doc.Chunks = 1
		whole := models.Chunk{End: len(doc.Text), Vector: was.Chunks[0].Vector} // else it is put in quarantine
		return db.Result{Document: &doc, Fields: metadata.Fields, Chunks: []models.Chunk{whole}}, models.Within("metadata", err)
	}
	m, err := hf.ModelOf(r.models, c)
	if err != nil {
		return db.Result{}, err
	}
	doc.ContentHash = contentHash(readable(&doc))
	batch := embedBatch{model: m} // which recalls nothing: vectors of the same hash may have been damaged together
	result, err := batch.addStored(&doc, r.opts.Overlap)
	if err != nil {
		return result, err
	}
	all, err := batch.run(ctx)
	if err != nil {
		return result, err
	}
	batch.fill(&result, all)
	return result, nil
}

// quarantine takes a document out of its collection.
func (r *checking) quarantine(ctx context.Context, d db.Damaged) error {
	return r.replace(ctx, r.owner(d), func() (db.Committed, error) { return r.db.Quarantine(ctx, d) })
}

// replace makes a change of the store and brings the indexes to it. An index that cannot follow, since other documents are
// still damaged, is held against the store later on.
func (r *checking) replace(ctx context.Context, c models.Collection, change func() (db.Committed, error)) error {
	r.apply.Lock()
	defer r.apply.Unlock()
	done, err := change()
	if err != nil || c.ID == 0 || c.Generation == models.Previous {
		return err
	}
	if err := r.reindex(ctx, c, done.Added, done.Removed, nil); err != nil {
		r.log.Warn("an index does not follow a repair yet", "collection", c.Name, "error", err)
	}
	return nil
}

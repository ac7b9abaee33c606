package ingest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/hf"
	"searchd/index"
	"searchd/models"
	"searchd/models/db"
)

// Reembed has another model read the documents of a collection, in the background. They are searched as they were until all
// are read; then the collection is the new model's at once. The former vectors are kept: changing back to their model takes them
// up again.
func (s *Service) Reembed(ctx context.Context, c models.Collection, model string) (models.Job, error) {
	next, err := s.PlanCollection(CollectionSpec{Name: c.Name, Model: model, Engine: c.Engine})
	if err != nil {
		return models.Job{}, err
	}
	if next.Model == c.Model && next.Revision == c.Revision {
		return models.Job{}, models.Errorf(models.Invalid, "model", "collection %q has %s already; name another model", c.Name, c.Model)
	}
	job := models.Job{ID: newJobID(), Kind: models.ReembedJob}
	if err := s.db.BeginReembed(ctx, c, &next, &job); err != nil {
		return models.Job{}, err
	}
	s.poke()
	return job, nil
}

func newJobID() string { return "job_" + strings.ToLower(rand.Text()) }

// DropPrevious gives up the vectors that a collection had before its model was changed, and answers what they were.
func (s *Service) DropPrevious(ctx context.Context, c models.Collection) (models.Collection, error) {
	s.apply.Lock()
	defer s.apply.Unlock()
	gone, err := s.db.DropPrevious(ctx, c.Name)
	if err != nil {
		return gone, err
	}
	return gone, s.dropIndexes(gone.ID)
}

// reembedding is how far the worker has gone through a collection.
type reembedding struct {
	job  uint64
	last uint64 // Seq of the last document that was looked at in this pass
}

// reembed does a step of a job: some documents, or, where a pass over all of them has found nothing left to do, the change.
// Documents that come in meanwhile have a higher Seq, so that a pass comes to them, too.
func (s *Service) reembed(ctx context.Context, job *models.Job) error {
	if err := s.db.StartJob(ctx, job); err != nil {
		return err
	}
	next, err := s.db.Generation(ctx, job.Collection, models.Building)
	if models.CodeOf(err) == models.NotFound { // the job was cancelled a moment ago
		s.finish(ctx, job, models.JobFailed, "what it has built is gone")
		return nil
	}
	if err != nil {
		return err
	}
	m, err := hf.ModelOf(s.models, next)
	if err != nil {
		s.finish(ctx, job, models.JobFailed, err.Error())
		return nil
	}
	if s.reembedding.job != job.Seq {
		if _, err := s.DropPrevious(ctx, next); err != nil && models.CodeOf(err) != models.NotFound {
			return err
		}
		s.reembedding = reembedding{job: job.Seq}
	}
	docs, err := s.db.Lacking(ctx, job.CollectionID, next.ID, s.reembedding.last, stepItems, stepBytes)
	switch {
	case err != nil:
		return err
	case len(docs) > 0:
		return s.copyOver(ctx, job, m, next, docs)
	case s.reembedding.last > 0:
		s.reembedding.last = 0 // what was replaced during the pass is found in another
		return nil
	}
	return s.flip(ctx, job, m, next)
}

// copyOver embeds documents as the new generation has them. One that cannot be embedded ends the job: it must not be lost.
func (s *Service) copyOver(ctx context.Context, job *models.Job, m hf.Model, next models.Collection, docs []models.Document) error {
	batch := embedBatch{model: m}
	var copies []db.Copied
	for _, doc := range docs {
		one, err := s.again(doc, &batch)
		if err != nil {
			s.finish(ctx, job, models.JobFailed, fmt.Sprintf("document %q cannot be embedded: %v", doc.ID, err))
			return nil
		}
		copies = append(copies, one)
		if batch.tokens >= s.opts.StepTokens {
			break
		}
	}
	if err := batch.recall(ctx, s.db, nil); err != nil {
		return err
	}
	all, err := batch.run(ctx)
	if err != nil {
		return err
	}
	for i := range copies {
		batch.fill(&copies[i].Result, all)
	}
	if err := s.storeCopies(context.WithoutCancel(ctx), job, next, copies); err != nil {
		return err
	}
	s.reembedding.last = copies[len(copies)-1].From
	s.progress.announce(job.ID)
	return nil
}

// again lays a stored document out for another model. A vector that was given with it is another model's, so its text is read.
func (s *Service) again(doc models.Document, batch *embedBatch) (db.Copied, error) {
	from := doc.Seq
	if doc.Tokens == 0 { // with its vector, which is not this one
		doc.Sent = nil
	}
	doc.Seq, doc.Tokens = 0, 0
	r, err := batch.addStored(&doc, s.opts.Overlap)
	return db.Copied{From: from, Result: r}, err
}

func (s *Service) storeCopies(ctx context.Context, job *models.Job, next models.Collection, copies []db.Copied) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	done, err := s.db.Copy(ctx, job, next.ID, copies)
	if err != nil {
		return err
	}
	return s.reindex(ctx, next, done.Added, done.Removed, nil)
}

// flip makes the new generation the live one, once it was seen to be right.
func (s *Service) flip(ctx context.Context, job *models.Job, m hf.Model, next models.Collection) error {
	switch err := s.examine(ctx, m, next); {
	case errors.Is(err, errWrong):
		s.finish(ctx, job, models.JobFailed, fmt.Sprintf("the collection stays as it was, since %v", err))
		return nil
	case err != nil:
		return err
	}
	if err := s.change(context.WithoutCancel(ctx), job, next); err != nil {
		return err
	}
	if job, err := s.db.Job(ctx, job.ID); err == nil && job.CollectionID == next.ID {
		s.finish(ctx, &job, models.JobDone, "")
	}
	return nil
}

// change flips the generations, unless a document came in since the last look; then the job goes on.
func (s *Service) change(ctx context.Context, job *models.Job, next models.Collection) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	f, err := s.db.Flip(ctx, job, next.ID)
	if err != nil || f.Lacks {
		return err
	}
	if err := s.reindex(ctx, next, nil, f.Removed, f.Retitled); err != nil {
		return err
	}
	return s.dropIndexes(job.CollectionID) // of what is the previous generation now; a search that still uses them is done again
}

// Of a new generation, so many documents are embedded again and compared, by their first chunks.
const (
	examined       = 32
	examinedChunks = 2
	leastCosine    = 0.9999
)

// errWrong is what an examination has found.
var errWrong = errors.New("the new vectors are not right")

// examine embeds a sample of a new generation once more, and asks its index for these vectors.
func (s *Service) examine(ctx context.Context, m hf.Model, next models.Collection) error {
	docs, err := s.db.Sample(ctx, next.ID, examined)
	if err != nil {
		return err
	}
	if _, err := s.words.Get(ctx, next); err != nil {
		return err
	}
	x, err := s.index.Get(ctx, next)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if err := s.examineOne(ctx, m, x, doc); err != nil {
			return err
		}
	}
	return nil
}

// examineOne leaves out chunks with vectors that were given, and those that were read under an earlier title.
func (s *Service) examineOne(ctx context.Context, m hf.Model, x index.Index, doc models.Document) error {
	stored, err := s.db.ChunksOf(ctx, doc.Seq)
	if err != nil {
		return err
	}
	batch := embedBatch{model: m}
	if _, err := s.again(doc, &batch); err != nil {
		return err
	}
	var texts []string
	var ids []uint64
	for _, chunk := range stored {
		if at, ok := batch.place[string(chunk.Hash)]; ok && len(ids) < examinedChunks {
			texts, ids = append(texts, batch.texts[at]), append(ids, chunk.ID)
		}
	}
	vectors, err := embed(ctx, m, texts)
	if err != nil {
		return err
	}
	for i, v := range vectors {
		if err := found(ctx, x, ids[i], models.Normalize(v.Vector)); err != nil {
			return fmt.Errorf("chunk %d of document %q: %w", models.ChunkIndex(ids[i]), doc.ID, err)
		}
	}
	return nil
}

// found makes sure that an index has a chunk with a vector, and finds it.
func found(ctx context.Context, x index.Index, chunk uint64, vector []float32) error {
	for _, q := range []index.Query{{Allow: roaring64.BitmapOf(chunk), Exact: true}, {}} {
		q.Vector, q.K = vector, 1
		hits, err := x.Search(ctx, q)
		switch {
		case err != nil:
			return err
		case len(hits) == 0:
			return fmt.Errorf("%w: the index has not got it", errWrong)
		case hits[0].Score < leastCosine:
			return fmt.Errorf("%w: the index has a vector whose cosine to the text's is %g", errWrong, hits[0].Score)
		}
	}
	return nil
}

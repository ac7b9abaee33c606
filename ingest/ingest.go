package ingest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"searchd/hf"
	"searchd/index"
	"searchd/index/lexical"
	"searchd/ingest/extract"
	"searchd/internal/cores"
	"searchd/models"
	"searchd/models/db"
)

// Options tune a Service. The zero value works.
type Options struct {
	Overlap    int          // tokens that two chunks of a document share; 0 means 32
	StepTokens int          // tokens embedded between two commits, about; 0 means 16,384
	KeepJobs   int          // finished jobs that are remembered; 0 means 1,000
	Log        *slog.Logger // nil means silence
	Cache      string       // folder for what reading files needs prepared; "" means none
	// Observe is told of each document that was taken in, or has failed; nil means nobody is.
	Observe func(models.JobItem)
}

// Service takes documents in. Run must be running for jobs to make progress.
type Service struct {
	db     *db.DB
	index  *index.Registry
	words  *lexical.Registry
	models hf.Models
	opts   Options
	log    *slog.Logger

	files   *extract.Files
	reading chan struct{} // has an element for each file that is being read

	claims claims
	behind sync.Map // collections, by ID, whose indexes could not follow a commit

	waitsFor atomic.Pointer[error] // why the worker's last step failed; nil where it did not
	speeds   sync.Map              // of models: measured by id and revision

	wake     chan struct{} // holds one element when there may be work
	progress *broadcast

	reembedding reembedding // of the worker

	// apply makes a commit and the change of the indexes that follows from it one step, so that a deletion cannot slip
	// in between and leave a vector or a word without its document.
	apply sync.Mutex
}

// New makes a service on an open store.
func New(store *db.DB, vectors *index.Registry, words *lexical.Registry, available hf.Models, o Options) *Service {
	if o.Overlap == 0 {
		o.Overlap = 32
	}
	if o.StepTokens == 0 {
		o.StepTokens = 16 << 10
	}
	if o.KeepJobs == 0 {
		o.KeepJobs = 1000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(models.JobItem) {}
	}
	return &Service{
		db: store, index: vectors, words: words, models: available, opts: o, log: o.Log,
		files: extract.New(o.Cache), reading: make(chan struct{}, readers), claims: claims{keys: map[string]bool{}},
		wake: make(chan struct{}, 1), progress: newBroadcast(),
	}
}

// Wait waits until a job is finished, for at most d, and answers how it stands then.
func (s *Service) Wait(ctx context.Context, id string, d time.Duration) (models.Job, error) {
	timeout := time.NewTimer(d)
	defer timeout.Stop()
	for {
		changed := s.progress.next(id)
		job, err := s.db.Job(ctx, id)
		if err != nil || job.Status.Finished() {
			return job, err
		}
		select {
		case <-changed:
		case <-timeout.C:
			return job, nil
		case <-ctx.Done():
			return job, ctx.Err()
		}
	}
}

// Changed is closed at the next change of a job. Ask for it before reading the job, so that no change is missed.
func (s *Service) Changed(id string) <-chan struct{} { return s.progress.next(id) }

// Cancel ends a job early; see db.CancelJob.
func (s *Service) Cancel(ctx context.Context, id string) (models.Job, error) {
	job, err := s.db.CancelJob(ctx, id)
	s.progress.announce(id)
	return job, err
}

// Retry tries the documents again that a finished job has failed at, in a job of their own.
func (s *Service) Retry(ctx context.Context, id string) (models.Job, error) {
	job, err := s.db.Job(ctx, id)
	switch {
	case err != nil:
		return job, err
	case !job.Status.Finished():
		return job, models.Errorf(models.Conflict, "id", "job %q is %s; wait until it is finished, or cancel it", id, job.Status)
	case job.Kind == models.ReembedJob:
		return job, models.Errorf(models.Invalid, "id", "job %q has embedded a collection again; ask for that once more with POST /collections/%s/reembed, which goes on where it was", id, job.Collection)
	}
	live, err := s.db.LiveOf(ctx, job.CollectionID)
	if err != nil {
		return job, models.Errorf(models.Conflict, "id", "collection %q, which job %q was for, is gone", job.Collection, id)
	}
	job.CollectionID = live.ID
	again := models.Job{ID: newJobID(), Kind: models.IngestJob}
	n, err := s.db.Retry(ctx, job, &again)
	if err == nil && n == 0 {
		err = models.Errorf(models.Invalid, "id", "job %q has no document that can be tried again: those that failed were wrong themselves, are gone, or were sent again since", id)
	}
	if err != nil {
		return job, err
	}
	s.poke()
	return again, nil
}

// Delete removes documents by id, and answers how many there were.
func (s *Service) Delete(ctx context.Context, c models.Collection, ids []string) (int, error) {
	return s.remove(ctx, c, func(c models.Collection) (db.Removed, error) { return s.db.DeleteDocuments(ctx, c.ID, ids) })
}

// DeleteMatching removes the documents that meet a filter, which must not be nil.
func (s *Service) DeleteMatching(ctx context.Context, c models.Collection, f *models.Filter) (int, error) {
	if f == nil {
		return 0, models.Errorf(models.Invalid, "filter", "is empty and would delete everything; to mean that, delete the collection")
	}
	return s.remove(ctx, c, func(c models.Collection) (db.Removed, error) {
		allow, err := s.db.Match(ctx, c.ID, f)
		if err != nil {
			return db.Removed{}, err
		}
		return s.db.DeleteMatching(ctx, c.ID, allow)
	})
}

func (s *Service) remove(ctx context.Context, c models.Collection, change func(live models.Collection) (db.Removed, error)) (int, error) {
	s.apply.Lock()
	defer s.apply.Unlock()
	c, err := s.db.LiveOf(ctx, c.ID)
	if err != nil {
		return 0, err
	}
	gone, err := change(c)
	if err != nil {
		return 0, err
	}
	return gone.Documents, s.reindex(ctx, c, nil, gone.Chunks, nil)
}

// Patch changes what is known about a document; see db.PatchDocument.
func (s *Service) Patch(ctx context.Context, c models.Collection, id string, p db.Patch) (models.Document, error) {
	s.apply.Lock()
	defer s.apply.Unlock()
	c, err := s.db.LiveOf(ctx, c.ID)
	if err != nil {
		return models.Document{}, err
	}
	doc, err := s.db.PatchDocument(ctx, c.ID, id, p)
	if err != nil || p.Title == nil {
		return doc, err
	}
	return doc, s.words.Update(context.WithoutCancel(ctx), c, chunksOf(doc), nil)
}

// chunksOf are the ids of a document's chunks.
func chunksOf(doc models.Document) []uint64 {
	ids := make([]uint64, doc.Chunks)
	for i := range ids {
		ids[i] = models.ChunkID(doc.Seq, i)
	}
	return ids
}

// reindex brings the indexes to where a commit has brought the store; the words of retitled chunks have changed and their
// vectors have not. It goes on when the caller has left: the commit cannot be taken back.
func (s *Service) reindex(ctx context.Context, c models.Collection, added []models.Chunk, removed, retitled []uint64) error {
	ctx = context.WithoutCancel(ctx)
	items := make([]index.Item, len(added))
	for i, chunk := range added {
		items[i] = index.Item{ID: chunk.ID, Vector: db.DecodeVector(chunk.Vector)}
		retitled = append(retitled, chunk.ID)
	}
	if len(retitled) == 0 && len(removed) == 0 {
		return nil
	}
	var words error
	var wait sync.WaitGroup
	wait.Go(func() {
		cores.Lower()
		words = s.words.Update(ctx, c, retitled, removed)
	})
	vectors := s.reindexVectors(ctx, c, items, removed)
	wait.Wait()
	err := errors.Join(words, vectors)
	if err != nil { // the commit stands
		s.behind.Store(c.ID, &c)
		s.poke()
	}
	return err
}

// catchUp brings indexes that could not follow a commit to where the store is: the disk was full, perhaps, and is not any more.
// It says whether none is left behind.
func (s *Service) catchUp(ctx context.Context) bool {
	all := true
	s.behind.Range(func(id, noted any) bool {
		c := *noted.(*models.Collection)
		r := checking{Service: s, o: CheckOptions{Progress: func(int, int) {}}, repair: true, report: CheckReport{Outcomes: map[models.Outcome]int{}}}
		var err error
		if !r.gone(ctx, c) {
			err = r.indexesOf(ctx, c)
		}
		if err != nil || r.report.Outcomes[models.Remains] > 0 {
			s.log.Error("an index is behind the store", "collection", c.Name, "error", err, "faults", r.report.Faults)
			all = false
			return true
		}
		s.behind.CompareAndDelete(id, noted) // it may have fallen behind again
		return true
	})
	return all
}

func (s *Service) reindexVectors(ctx context.Context, c models.Collection, added []index.Item, removed []uint64) error {
	if len(added) == 0 && len(removed) == 0 {
		return nil
	}
	x, err := s.index.Get(ctx, c)
	if err != nil {
		return err
	}
	if err := x.Delete(ctx, removed); err != nil {
		return err
	}
	return x.Upsert(ctx, added)
}

// DropCollection removes a collection with all its documents.
func (s *Service) DropCollection(ctx context.Context, name string) (models.Collection, error) {
	s.apply.Lock()
	defer s.apply.Unlock()
	c, generations, err := s.db.DeleteCollection(ctx, name)
	if err != nil {
		return c, err
	}
	s.progress.all() // its jobs are cancelled
	return c, s.dropIndexes(generations...)
}

// dropIndexes closes and removes the indexes of collections.
func (s *Service) dropIndexes(collections ...uint64) error {
	var errs []error
	for _, id := range collections {
		errs = append(errs, s.index.Drop(id), s.words.Drop(id))
	}
	return errors.Join(errs...)
}

package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/samber/lo"

	"searchd/hf"
	"searchd/internal/cores"
	"searchd/models"
	"searchd/models/db"
)

// Limits of one step of the worker, with Options.StepTokens: large enough to fill the encoder's batches and to make the
// most of a commit, small enough that progress is seen.
const (
	stepItems = 512
	stepBytes = 2 << 20
)

// attempts is how often a job is tried when the store fails, before it is given up.
const attempts = 5

// longestPause is the longest time between two attempts: when the disk has room again, it shows soon.
const longestPause = 8 * time.Second

// Run works through the jobs, oldest first, until ctx ends. What is unfinished then is taken up at the next start.
func (s *Service) Run(ctx context.Context) {
	failures := 0
	var spent time.Duration // on documents that came in since the last step of a re-embedding, less what that took
	for ctx.Err() == nil {
		idle := time.Minute
		if !s.catchUp(ctx) {
			idle = longestPause
		}
		kind := models.IngestJob
		if spent > 0 { // each gets half of the time, however small the jobs are
			kind = models.ReembedJob
		}
		job, err := s.db.NextJob(ctx, kind)
		start := time.Now()
		switch {
		case err == nil && job == nil:
			spent = 0
			s.progress.all()
			s.sleep(ctx, idle)
		case err == nil && job.Kind == models.ReembedJob:
			err = s.reembed(ctx, job)
			spent = -time.Since(start)
		case err == nil:
			var steps int
			if steps, err = s.work(ctx, job); steps > 0 {
				failures = 0
			}
			spent += time.Since(start)
		}
		if err == nil || ctx.Err() != nil {
			failures = 0
			s.waitsFor.Store(nil)
			continue
		}
		s.waitsFor.Store(&err)
		failures = min(failures+1, attempts)
		s.log.Error("ingest step failed", "error", err, "attempt", failures)
		if failures >= attempts && job != nil && !db.DiskFailed(err) { // what was acknowledged waits for the disk
			s.finish(ctx, job, models.JobFailed, err.Error())
			failures = 0
		}
		pause(ctx, min(time.Second<<failures, longestPause))
	}
}

// Degraded says why documents are not taken in, where the disk keeps them from it, and which indexes are behind the store.
func (s *Service) Degraded() []string {
	var list []string
	if err := s.waitsFor.Load(); err != nil && db.DiskFailed(*err) {
		var disk *models.Error
		errors.As(db.ExplainDisk(*err), &disk)
		list = append(list, "documents wait: "+disk.Message)
	}
	s.behind.Range(func(_, c any) bool {
		list = append(list, fmt.Sprintf("indexes of %s: behind the store", c.(*models.Collection).Name))
		return true
	})
	return list
}

// sleep waits for work.
func (s *Service) sleep(ctx context.Context, d time.Duration) {
	select {
	case <-s.wake:
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// pause waits, whether there is work or not.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// work takes the documents of a job in and ends it. While the documents of one step are committed, those of the next are
// embedded. It answers how many steps were committed.
func (s *Service) work(ctx context.Context, job *models.Job) (steps int, err error) {
	if err := s.db.StartJob(ctx, job); err != nil {
		return 0, err
	}
	committed := make(chan error, 1)
	committed <- nil        // there is none before the first
	var results []db.Result // of the last step, which may not be committed yet
	for ; ; steps++ {
		c, next, err := s.next(ctx, job, results)
		if err := <-committed; err != nil {
			return steps - 1, err
		}
		if err != nil {
			return steps, err
		}
		if len(next) == 0 {
			s.finish(ctx, job, models.JobDone, "")
			return steps, nil
		}
		results = next
		// What was embedded is kept, even where the process is about to end.
		go func() {
			cores.Lower()
			committed <- s.commit(context.WithoutCancel(ctx), job, c, next)
		}()
	}
}

// next prepares the documents of a job after those of the last step, as many as make a step. There are none where the job
// is done, or has failed altogether.
func (s *Service) next(ctx context.Context, job *models.Job, before []db.Result) (models.Collection, []db.Result, error) {
	last := -1
	if n := len(before); n > 0 {
		last = before[n-1].Item.Position
	}
	items, err := s.db.PendingItems(ctx, job.Seq, last, stepItems, stepBytes)
	if err != nil || len(items) == 0 {
		return models.Collection{}, nil, err
	}
	c, err := s.db.Collection(ctx, job.Collection)
	if models.CodeOf(err) == models.NotFound || err == nil && c.ID != job.CollectionID {
		s.finish(ctx, job, models.JobFailed, fmt.Sprintf("collection %q is gone", job.Collection))
		return c, nil, nil
	}
	if err != nil {
		return c, nil, err
	}
	results, err := s.prepare(ctx, c, items, before)
	return c, results, err
}

// commit stores what was prepared, and tells those who wait for it.
func (s *Service) commit(ctx context.Context, job *models.Job, c models.Collection, results []db.Result) error {
	if err := s.store(ctx, c, results); err != nil {
		return err
	}
	for _, r := range results {
		s.opts.Observe(r.Item)
	}
	s.progress.announce(job.ID)
	return nil
}

func (s *Service) store(ctx context.Context, c models.Collection, results []db.Result) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	done, err := s.db.Commit(ctx, c.ID, results)
	if err != nil {
		return err
	}
	var retitled []uint64
	for _, r := range results {
		if r.Keep {
			retitled = append(retitled, chunksOf(*r.Document)...)
		}
	}
	return s.reindex(ctx, c, done.Added, done.Removed, retitled)
}

func (s *Service) finish(ctx context.Context, job *models.Job, status models.JobStatus, reason string) {
	err := s.db.FinishJob(ctx, job.Seq, status, reason)
	if err != nil && ctx.Err() != nil {
		return // the next start ends it
	}
	if err != nil {
		s.log.Error("job not ended", "job", job.ID, "error", err)
		return
	}
	s.prune(ctx)
	s.progress.announce(job.ID)
}

// prune forgets old jobs.
func (s *Service) prune(ctx context.Context) {
	if err := s.db.PruneJobs(ctx, s.opts.KeepJobs, time.Now().Add(-KeyLife)); err != nil {
		s.log.Warn("old jobs not pruned", "error", err)
	}
}

// prepare compares, splits and embeds the documents of items, as many as make a full step. A document that cannot be
// taken in fails alone; the error is for what stops them all. before is the last step, which may not be committed yet.
func (s *Service) prepare(ctx context.Context, c models.Collection, items []models.JobItem, before []db.Result) ([]db.Result, error) {
	m, err := hf.ModelOf(s.models, c)
	if err != nil {
		return failAll(items, err), nil
	}
	stored, err := s.stored(ctx, c, items)
	if err != nil {
		return nil, err
	}
	batch := embedBatch{model: m}
	var results []db.Result
	for _, item := range items {
		results = append(results, s.prepareOne(c, item, stored, &batch))
		if batch.tokens >= s.opts.StepTokens {
			break
		}
	}
	if err := batch.recall(ctx, s.db, before); err != nil {
		return nil, err
	}
	all, err := batch.run(ctx)
	if err != nil {
		return nil, err
	}
	for i := range results {
		batch.fill(&results[i], all)
	}
	return results, nil
}

// stored are the documents that are there under the ids of items.
func (s *Service) stored(ctx context.Context, c models.Collection, items []models.JobItem) (map[string]models.Document, error) {
	return s.db.StoredDocuments(ctx, c.ID, lo.Map(items, func(item models.JobItem, _ int) string { return item.DocumentID }))
}

func failAll(items []models.JobItem, err error) []db.Result {
	results := make([]db.Result, len(items))
	for i, item := range items {
		results[i].Item = failed(item, err)
	}
	return results
}

// failed is an item with the reason why it was not taken in.
func failed(item models.JobItem, err error) models.JobItem {
	item.Status, item.ErrorCode, item.Error = models.ItemFailed, models.CodeOf(err), err.Error()
	var e *models.Error
	if errors.As(err, &e) {
		item.ErrorField, item.Error = e.Field, e.Message
	}
	return item
}

// prepareOne says what is to become of one item, and puts the texts that must be embedded into batch.
func (s *Service) prepareOne(c models.Collection, item models.JobItem, stored map[string]models.Document, batch *embedBatch) db.Result {
	p, doc, metadata, err := read(c, item)
	if err != nil {
		return db.Result{Item: failed(item, err)}
	}
	if old, there := stored[item.DocumentID]; there {
		if r, decided := compare(item, p, old, doc, metadata); decided {
			return r
		}
	}
	result := db.Result{Item: item, Document: doc, Fields: metadata.Fields}
	if err := batch.add(&result, p, s.opts.Overlap); err != nil {
		return db.Result{Item: failed(item, err)}
	}
	return result
}

// read makes the document that an item's payload says.
func read(c models.Collection, item models.JobItem) (payload, *models.Document, models.Metadata, error) {
	var p payload
	if err := json.Unmarshal(item.Payload, &p); err != nil {
		return p, nil, models.Metadata{}, fmt.Errorf("its payload cannot be read: %w", err)
	}
	metadata, err := models.ParseMetadata([]byte(p.Metadata))
	if err != nil {
		return p, nil, metadata, models.Within("metadata", err)
	}
	return p, &models.Document{
		ID: item.DocumentID, CollectionID: c.ID, Title: p.Title, URL: p.URL, Text: p.Text, Metadata: metadata.JSON,
		Sections: models.EncodeSections(p.Sections), ContentHash: contentHash(p), Chunking: p.Chunking, Sent: p.Sent,
	}, metadata, nil
}

// compare says what is to become of an item whose id is stored already, where its text need not be read for that.
func compare(item models.JobItem, p payload, old models.Document, doc *models.Document, m models.Metadata) (r db.Result, decided bool) {
	switch {
	case p.OnConflict != "" && p.OnConflict != models.Replace:
		return db.Result{Item: inConflict(item, p.OnConflict)}, true
	case string(old.ContentHash) == string(doc.ContentHash):
		return unchanged(item, old, doc, m), true
	}
	return db.Result{}, false
}

// unchanged is the result for a document whose content is stored already: only what is known about it may be new.
func unchanged(item models.JobItem, stored models.Document, doc *models.Document, m models.Metadata) db.Result {
	item.Chunks, item.Tokens = stored.Chunks, stored.Tokens
	if stored.Title == doc.Title && stored.URL == doc.URL && stored.Metadata == doc.Metadata && stored.Sections == doc.Sections {
		item.Status = models.ItemUnchanged
		return db.Result{Item: item}
	}
	stored.Title, stored.URL, stored.Metadata, stored.Sections, stored.Sent = doc.Title, doc.URL, doc.Metadata, doc.Sections, doc.Sent
	return db.Result{Item: item, Document: &stored, Fields: m.Fields, Keep: true}
}

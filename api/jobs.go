package api

import (
	"bufio"
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/models"
)

// waitFor waits for a job. Where the server stops meanwhile, the job is answered as it stands: it is kept.
func (s *Server) waitFor(job models.Job, d time.Duration) (models.Job, error) {
	now, err := s.Ingest.Wait(s.live, job.ID, d)
	if errors.Is(err, context.Canceled) {
		return job, nil
	}
	return now, err
}

func (s *Server) readJob(c *fiber.Ctx) error {
	p := query(c, "watch")
	watch := p.bool("watch")
	if p.err != nil {
		return p.err
	}
	job, err := s.DB.Job(c.UserContext(), c.Params("id"))
	if err != nil {
		return err
	}
	if watch {
		return s.watchJob(c, job.ID)
	}
	return s.sendJob(c, job)
}

func (s *Server) cancelJob(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	job, err := s.Ingest.Cancel(c.UserContext(), c.Params("id"))
	if err != nil {
		return err
	}
	return s.sendJob(c, job)
}

// retryJob tries the documents again that a job has failed at.
func (s *Server) retryJob(c *fiber.Ctx) error {
	p := query(c, "wait")
	wait := p.wait()
	if p.err != nil {
		return p.err
	}
	job, err := s.Ingest.Retry(c.UserContext(), c.Params("id"))
	if err != nil {
		return err
	}
	return s.sendWhenDone(c, job, wait)
}

// sendWhenDone waits for a job and answers it: 200 where it is finished, else 202.
func (s *Server) sendWhenDone(c *fiber.Ctx, job models.Job, wait time.Duration) error {
	if wait > 0 {
		var err error
		if job, err = s.waitFor(job, wait); err != nil {
			return err
		}
	}
	if !job.Status.Finished() {
		c.Status(fiber.StatusAccepted)
	}
	return s.sendJob(c, job)
}

// sendJob answers a job with what became of its documents.
func (s *Server) sendJob(c *fiber.Ctx, job models.Job) error {
	items, err := s.DB.Items(c.UserContext(), job.Seq)
	if errors.Is(err, context.DeadlineExceeded) { // the request waited longer than its own deadline, as it was told to
		items, err = s.DB.Items(context.Background(), job.Seq)
	}
	if err != nil {
		return err
	}
	answer := wireJob(job)
	answer.Results = lo.Map(items, func(item models.JobItem, _ int) wire.Result { return wireResult(item) })
	answer.Counts = wireCounts(lo.CountValuesBy(items, func(item models.JobItem) models.ItemStatus { return item.Status }))
	return send(c, wire.JobAnswer{Job: answer})
}

func wireCounts(n map[models.ItemStatus]int) *wire.ItemCounts {
	return &wire.ItemCounts{
		Pending: n[models.ItemPending], Created: n[models.ItemCreated], Updated: n[models.ItemUpdated],
		Unchanged: n[models.ItemUnchanged], Skipped: n[models.ItemSkipped], Failed: n[models.ItemFailed],
	}
}

func (s *Server) listJobs(c *fiber.Ctx) error {
	p := query(c, "limit", "cursor")
	page := p.page()
	before := p.before(page)
	if p.err != nil {
		return p.err
	}
	jobs, total, err := s.DB.Jobs(c.UserContext(), before, page.Limit)
	if err != nil {
		return err
	}
	jobs, next := shown(jobs, page, func(j models.Job) string { return strconv.FormatUint(j.Seq, 10) })
	return send(c, wire.JobList{
		Jobs:       lo.Map(jobs, func(j models.Job, _ int) wire.Job { return wireJob(j) }),
		Total:      total,
		NextCursor: next,
	})
}

// keepAlive is how often a stream without news says that it is still there: a client that has left is noticed then.
const keepAlive = 15 * time.Second

// watchJob streams a job's progress as server-sent events, until it is finished.
func (s *Server) watchJob(c *fiber.Ctx, id string) error {
	return sendEvents(c, func() {}, func(w *bufio.Writer) error {
		if err := s.followJob(w, id); err != nil {
			s.Log.Debug("stream ended", "job", id, "error", err)
		}
		return nil
	})
}

func (s *Server) followJob(w *bufio.Writer, id string) error {
	for {
		changed := s.Ingest.Changed(id)
		job, err := s.DB.Job(s.live, id)
		if err != nil {
			return err
		}
		if err := event(w, "job", wireJob(job)); err != nil || job.Status.Finished() {
			return err
		}
		select {
		case <-changed:
		case <-time.After(keepAlive):
		case <-s.live.Done():
			return nil
		}
	}
}

func wireJob(j models.Job) wire.Job {
	job := wire.Job{
		ID: j.ID, Kind: j.Kind, Collection: j.Collection, Status: string(j.Status), Total: j.Total, Done: j.Done, Failed: j.Failed,
		CreatedAt: j.CreatedAt.UTC(), FinishedAt: j.FinishedAt, Error: j.Error,
	}
	if eta, ok := remaining(j, time.Now()); ok {
		job.ETA = &eta
	}
	return job
}

// remaining estimates the milliseconds until a running job ends, from how long its documents have taken so far.
func remaining(j models.Job, now time.Time) (int64, bool) {
	finished := j.Done + j.Failed
	if j.Status != models.JobRunning || j.StartedAt == nil || finished == 0 {
		return 0, false
	}
	each := now.Sub(*j.StartedAt) / time.Duration(finished)
	return (each * time.Duration(j.Total-finished)).Milliseconds(), true
}

func wireResult(item models.JobItem) wire.Result {
	r := wire.Result{ID: item.DocumentID, Status: string(item.Status), Chunks: item.Chunks, Tokens: item.Tokens, Truncated: item.Truncated}
	if item.Status == models.ItemFailed {
		e := wireError(item.ErrorCode, item.ErrorField, item.Error)
		r.Error = &e
	}
	return r
}

package api

import (
	"context"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/ingest"
	"searchd/models"
)

// checkTimeout bounds a check, which reads everything.
const checkTimeout = 24 * time.Hour

// checkState is how far the check that is being made has come.
type checkState struct {
	running sync.Mutex // held while one is made

	mu    sync.Mutex // guards shown
	shown wire.CheckProgress
}

func (s *checkState) set(p wire.CheckProgress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = p
}

// check verifies the store and its indexes, one check at a time: each reads as fast as the disk can.
func (s *Server) check(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	var body wire.CheckRequest
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	if !s.checking.running.TryLock() {
		return &models.Error{Code: models.RateLimited, Message: "another check is being made; ask again when it is done: GET /check says how far it is", RetryAfter: 10 * time.Second}
	}
	defer s.checking.running.Unlock()
	defer s.checking.set(wire.CheckProgress{})
	s.checking.set(wire.CheckProgress{Running: true})
	ctx, cancel := context.WithTimeout(s.live, checkTimeout)
	defer cancel()
	start := time.Now()
	report, err := s.Ingest.Check(ctx, ingest.CheckOptions{
		Collection: body.Collection, Repair: body.Repair,
		Progress: func(done, total int) { s.checking.set(wire.CheckProgress{Running: true, Done: done, Total: total}) },
	})
	if err != nil && s.live.Err() != nil {
		return models.Errorf(models.Unavailable, "", "the server is stopping, and the check with it; ask again when it is back")
	}
	if err != nil {
		return err
	}
	return send(c, wireCheck(report, time.Since(start)))
}

// checkProgress says how far the check that is being made has come.
func (s *Server) checkProgress(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	s.checking.mu.Lock()
	defer s.checking.mu.Unlock()
	return send(c, s.checking.shown)
}

func wireCheck(r ingest.CheckReport, took time.Duration) wire.CheckReport {
	return wire.CheckReport{
		Collections: r.Collections, Documents: r.Documents, Unsummed: r.Unsummed,
		Faults: lo.Map(r.Faults, func(f models.Fault, _ int) wire.StoreFault {
			return wire.StoreFault{
				Kind: string(f.Kind), Collection: f.Collection, Generation: string(f.Generation), DocumentID: f.Document,
				Message: f.Message, Outcome: string(f.Outcome),
			}
		}),
		Found: r.Found(), Repaired: r.Outcomes[models.Repaired], Quarantined: r.Outcomes[models.Quarantines], Remaining: r.Outcomes[models.Remains],
		Quarantine: lo.Map(r.Quarantine, func(q models.Quarantined, _ int) wire.Quarantined {
			return wire.Quarantined{
				Collection: q.Collection, Generation: string(q.Generation), DocumentID: q.DocumentID, Reason: q.Reason, At: q.At.UTC(),
			}
		}),
		InQuarantine: r.InQuarantine, TookMS: milliseconds(took),
	}
}

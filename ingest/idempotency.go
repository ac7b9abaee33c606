package ingest

import (
	"context"
	"sync"
	"time"

	"searchd/models"
)

// KeyLife is how long the job of a request with an idempotency key is remembered at least.
const KeyLife = 24 * time.Hour

// claims are the idempotency keys of requests that are being read. After that a key stands in its job.
type claims struct {
	mu   sync.Mutex
	keys map[string]bool
}

// Claim takes a key for a request that is being read. A key that another one has is a Conflict.
func (s *Service) Claim(key string) (release func(), err error) {
	s.claims.mu.Lock()
	defer s.claims.mu.Unlock()
	if s.claims.keys[key] {
		return nil, &models.Error{
			Code: models.Conflict, Field: "Idempotency-Key", RetryAfter: time.Second,
			Message: "belongs to a request that is still being read; send it again when that is over",
		}
	}
	s.claims.keys[key] = true
	return func() {
		s.claims.mu.Lock()
		defer s.claims.mu.Unlock()
		delete(s.claims.keys, key)
	}, nil
}

// Earlier is the job of a former request with the key; nil where there is none. The key must be claimed.
func (s *Service) Earlier(ctx context.Context, key string) (*models.Job, error) {
	return s.db.KeyedJob(ctx, key, time.Now().Add(-KeyLife))
}

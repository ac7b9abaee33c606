package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"searchd/hf"
	"searchd/models"
)

// busy is a model whose queue is full.
type busy struct{ hf.Model }

func (busy) Embed(context.Context, hf.Role, []string) ([]hf.Embedding, error) {
	err := models.Errorf(models.RateLimited, "", "the model has 9 texts of 99 tokens waiting; try again later")
	err.RetryAfter = 6500 * time.Millisecond
	return nil, err
}

func TestABusyModelSaysWhenToTryAgain(t *testing.T) {
	s := startWith(t, busy{quick()})
	check(t, s)
	for _, request := range []struct{ method, path, body string }{
		{http.MethodGet, "/search?q=bread", ""},
		{http.MethodPost, "/search", `{"query":"bread"}`},
		{http.MethodPost, "/embeddings", `{"documents":[{"id":"a","content":"bread"}]}`},
	} {
		start := time.Now()
		got := s.do(request.method, request.path, "application/json", request.body)
		if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "7" || !strings.Contains(string(got.body), `"rate_limited"`) {
			t.Errorf("%s %s: %d, Retry-After %q: %s", request.method, request.path, got.status, got.header.Get("Retry-After"), got.body)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s %s: answered after %v", request.method, request.path, took)
		}
	}
}

package ingest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/models"
)

// busy is a model whose queue is full until a moment.
type busy struct {
	hf.Model
	until time.Time
}

func (b busy) Embed(ctx context.Context, role hf.Role, texts []string) ([]hf.Embedding, error) {
	if time.Now().Before(b.until) {
		err := models.Errorf(models.RateLimited, "", "busy")
		err.RetryAfter = 7 * time.Second
		return nil, err
	}
	return b.Model.Embed(ctx, role, texts)
}

func TestWorkerWaitsForABusyModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		m := busy{hftest.NewModel(hftest.Options{}), start.Add(10 * time.Second)}
		texts := []string{"bread", "rye"}
		got, err := embed(t.Context(), m, texts)
		if took := time.Since(start); err != nil || len(got) != 2 || took != 14*time.Second {
			t.Errorf("%d vectors, %v, after %v", len(got), err, took)
		}
		m.until = time.Now().Add(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := embed(ctx, m, texts); err == nil || ctx.Err() == nil {
			t.Errorf("%v when the time was up", err)
		}
	})
}

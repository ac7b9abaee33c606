package tasks

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"searchd/hf/gateway"
	"searchd/models"
	"searchd/models/db"
)

// Log keeps what was asked of models, without the texts, and holds the month's budget. It is the gateway's Recorder and
// its Budget.
type Log struct {
	db     *db.DB
	log    *slog.Logger
	limit  int64 // characters a month; 0 is no limit
	keep   time.Duration
	queue  chan models.ModelRequest
	closed chan struct{}
	wg     sync.WaitGroup
	lost   atomic.Int64

	mu    sync.Mutex
	month time.Time
	spent int64 // characters of the month
}

// Sizes of the log's memory.
const (
	logQueue = 4096
	logBatch = 256
	logDelay = 200 * time.Millisecond
)

// NewLog starts a log that keeps entries for a time. Close it after the gateway.
func NewLog(ctx context.Context, store *db.DB, log *slog.Logger, monthlyCharacters int64, keep time.Duration) (*Log, error) {
	l := &Log{db: store, log: log, limit: monthlyCharacters, keep: keep, queue: make(chan models.ModelRequest, logQueue), closed: make(chan struct{})}
	l.month = monthOf(time.Now())
	var err error
	if l.spent, err = store.CharactersSince(ctx, l.month); err != nil {
		return nil, err
	}
	l.wg.Go(l.write)
	return l, nil
}

func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// Record notes a finished request. It never waits: where the store cannot keep up, entries are dropped and counted.
func (l *Log) Record(_ context.Context, r gateway.Record) {
	status := "ok"
	if r.Fault != "" {
		status = string(r.Fault)
	}
	if r.Provider != Local && !r.FromCache && !r.Joined {
		l.spend(int64(r.PromptCharacters + r.CompletionCharacters))
	}
	entry := models.ModelRequest{
		At: r.Time.UTC(), Task: string(r.Task), Provider: r.Provider, Model: r.Model, Status: status, Attempts: r.Attempts,
		FromCache: r.FromCache || r.Joined, PromptCharacters: r.PromptCharacters, CompletionCharacters: r.CompletionCharacters,
		PromptTokens: r.Usage.PromptTokens, CompletionTokens: r.Usage.CompletionTokens,
		LatencyMS: float64(r.Took.Microseconds()) / 1000, CostUSD: r.EstimatedCostUSD,
	}
	select {
	case l.queue <- entry:
	default:
		l.lost.Add(1)
	}
}

func (l *Log) spend(characters int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if month := monthOf(time.Now()); month.After(l.month) {
		l.month, l.spent = month, 0
	}
	l.spent += characters
}

// Spent is how many characters of the month have gone to providers.
func (l *Log) Spent() int64 {
	l.spend(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent
}

// Allow refuses a call that would go over the month's characters.
func (l *Log) Allow(_ context.Context, s gateway.Spend) error {
	if l.limit == 0 || s.Provider == Local || l.Spent()+int64(s.Characters) <= l.limit {
		return nil
	}
	return models.Errorf(models.RateLimited, "", "the month's budget of %d characters is used up (%d); raise it with --monthly-characters, or wait for the next month", l.limit, l.Spent())
}

// write puts entries into the store, several at a time, and forgets old ones.
func (l *Log) write() {
	for {
		batch, more := l.gather()
		if err := l.db.AddModelRequests(context.Background(), batch); err != nil {
			l.log.Error("model requests not logged", "error", err, "entries", len(batch))
		}
		if lost := l.lost.Swap(0); lost > 0 {
			l.log.Warn("model requests came too fast to be logged", "entries", lost)
		}
		if !more {
			return
		}
	}
}

// gather waits for an entry, and for those that follow it at once. It answers false when there will be no more.
func (l *Log) gather() ([]models.ModelRequest, bool) {
	var batch []models.ModelRequest
	prune := time.NewTimer(time.Hour)
	defer prune.Stop()
	var full <-chan time.Time
	for len(batch) < logBatch {
		select {
		case entry := <-l.queue:
			batch = append(batch, entry)
			if full == nil {
				full = time.After(logDelay)
			}
		case <-full:
			return batch, true
		case <-prune.C:
			if err := l.db.PruneModelRequests(context.Background(), time.Now().Add(-l.keep)); err != nil {
				l.log.Warn("old model requests not pruned", "error", err)
			}
		case <-l.closed:
			for len(l.queue) > 0 {
				batch = append(batch, <-l.queue)
			}
			return batch, false
		}
	}
	return batch, true
}

// Close writes what is waiting.
func (l *Log) Close() {
	close(l.closed)
	l.wg.Wait()
}

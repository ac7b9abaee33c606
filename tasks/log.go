package tasks

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"searchd/hf"
	"searchd/hf/gateway"
	"searchd/models"
	"searchd/models/db"
)

// LogOptions are what a Log is made of. DB and Keep are required.
type LogOptions struct {
	DB                *db.DB
	Log               *slog.Logger
	Keep              time.Duration // after which an entry is forgotten
	MonthlyCharacters int64         // that may go to providers; 0 is no limit
	Prompts           bool          // keep what was asked, too; otherwise no text is kept
}

// Log keeps what was asked of models and holds the month's budget. It is the gateway's Recorder and its Budget.
type Log struct {
	LogOptions
	queue  chan models.ModelRequest
	closed chan struct{}
	wg     sync.WaitGroup
	lost   atomic.Int64

	mu     sync.Mutex
	month  time.Time
	spent  int64 // characters of the month
	hosted int64 // those of spent that went to hosted Hugging Face
}

// Sizes of the log's memory, and its times.
const (
	logQueue   = 4096
	logBatch   = 256
	logDelay   = 200 * time.Millisecond
	pruneEvery = time.Hour
	maxPrompt  = 64 << 10 // bytes that are kept of a prompt, where prompts are kept
)

// NewLog starts a log. Close it after the gateway.
func NewLog(ctx context.Context, o LogOptions) (*Log, error) {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	l := &Log{LogOptions: o, queue: make(chan models.ModelRequest, logQueue), closed: make(chan struct{}), month: monthOf(time.Now())}
	var err error
	if l.spent, err = o.DB.CharactersSince(ctx, l.month, ""); err != nil {
		return nil, err
	}
	if l.hosted, err = o.DB.CharactersSince(ctx, l.month, huggingFace); err != nil {
		return nil, err
	}
	l.wg.Go(l.run)
	return l, nil
}

const huggingFace = "huggingface"

// questionAnswering is the hub's name for what /answer does without a provider.
const questionAnswering hf.Task = "question-answering"

func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// promptKey finds in a context what was asked.
type promptKey struct{}

// noting is ctx with what a call asks, for the entry that Record makes of it: the gateway's own records have no text. Where
// prompts are not kept it is ctx.
func (l *Log) noting(ctx context.Context, c hf.Call) context.Context {
	if l == nil || !l.Prompts {
		return ctx
	}
	return context.WithValue(ctx, promptKey{}, promptOf(c))
}

// Record notes a finished request. It never waits: where the store cannot keep up, entries are dropped and counted.
func (l *Log) Record(ctx context.Context, r gateway.Record) {
	if r.Provider != Local && r.Attempts > 0 && !r.FromCache && !r.Joined {
		l.spend(int64(r.PromptCharacters+r.CompletionCharacters), r.Type == huggingFace)
	}
	entry := models.ModelRequest{
		At: r.Time.UTC(), Task: string(r.Task), Provider: r.Provider, ProviderType: r.Type, Model: r.Model,
		Status: cmp.Or(string(r.Fault), models.RequestOK), Attempts: r.Attempts,
		FromCache: r.FromCache || r.Joined, PromptCharacters: r.PromptCharacters, CompletionCharacters: r.CompletionCharacters,
		PromptTokens: r.Usage.PromptTokens, CompletionTokens: r.Usage.CompletionTokens,
		LatencyMS: float64(r.Took.Microseconds()) / 1000, CostUSD: r.EstimatedCostUSD,
	}
	entry.Prompt, _ = ctx.Value(promptKey{}).(string)
	select {
	case l.queue <- entry:
	default:
		l.lost.Add(1)
	}
}

// recordLocal notes what this process has done without the gateway.
func (l *Log) recordLocal(ctx context.Context, c hf.Call, d Done, err error) {
	if l == nil {
		return
	}
	r := gateway.Record{
		Time: time.Now(), Provider: Local, Type: Local, Model: d.Model, Task: c.Task, Attempts: d.Attempts, Took: d.Took,
		PromptCharacters: d.Usage.PromptCharacters, CompletionCharacters: d.Usage.CompletionCharacters,
	}
	if err != nil {
		r.Fault = hf.FaultServer
	}
	l.Record(l.noting(ctx, c), r)
}

// promptOf is what a call asks, cut where it is long.
func promptOf(c hf.Call) string {
	parts := append([]string(nil), c.Inputs...)
	for _, m := range c.Messages {
		parts = append(parts, m.Role+": "+m.Content)
	}
	text := strings.Join(parts, "\n")
	if len(text) <= maxPrompt {
		return text
	}
	end := maxPrompt
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

func (l *Log) spend(characters int64, hosted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if month := monthOf(time.Now()); month.After(l.month) {
		l.month, l.spent, l.hosted = month, 0, 0
	}
	l.spent += characters
	if hosted {
		l.hosted += characters
	}
}

// Spent is how many characters of the month have gone to providers, and how many of these to hosted Hugging Face.
func (l *Log) Spent() (all, hosted int64) {
	l.spend(0, false)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent, l.hosted
}

// Allow refuses a call that would go over the month's characters.
func (l *Log) Allow(_ context.Context, s gateway.Spend) error {
	spent, _ := l.Spent()
	if l.MonthlyCharacters == 0 || s.Provider == Local || spent+int64(s.Characters) <= l.MonthlyCharacters {
		return nil
	}
	return models.Errorf(models.RateLimited, "", "the month's budget of %d characters does not suffice (%d are used, this request has %d); raise it with --monthly-characters, or wait for the next month",
		l.MonthlyCharacters, spent, s.Characters)
}

// run puts entries into the store, several at a time, and forgets old ones: at the start and then from time to time, however
// busy it is.
func (l *Log) run() {
	l.prune()
	due := time.NewTicker(pruneEvery)
	defer due.Stop()
	var batch []models.ModelRequest
	var full <-chan time.Time
	for {
		select {
		case entry := <-l.queue:
			batch = append(batch, entry)
			if len(batch) == 1 {
				full = time.After(logDelay)
			}
			if len(batch) == logBatch {
				l.store(batch)
				batch, full = nil, nil
			}
		case <-full:
			l.store(batch)
			batch, full = nil, nil
		case <-due.C:
			l.prune()
		case <-l.closed:
			for len(l.queue) > 0 {
				batch = append(batch, <-l.queue)
			}
			l.store(batch)
			return
		}
	}
}

func (l *Log) store(batch []models.ModelRequest) {
	if err := l.DB.AddModelRequests(context.Background(), batch); err != nil {
		l.Log.Error("model requests not logged", "error", err, "entries", len(batch))
	}
	if lost := l.lost.Swap(0); lost > 0 {
		l.Log.Warn("model requests came too fast to be logged", "entries", lost)
	}
}

func (l *Log) prune() {
	if err := l.DB.PruneModelRequests(context.Background(), time.Now().Add(-l.Keep)); err != nil {
		l.Log.Warn("old model requests not pruned", "error", err)
	}
}

// Close writes what is waiting.
func (l *Log) Close() {
	close(l.closed)
	l.wg.Wait()
}

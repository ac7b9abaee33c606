package local

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"searchd/hf/encoder"
	"searchd/models"

	"github.com/google/go-cmp/cmp"
)

// slow is an encoder that takes a second a batch, answers a text's first id, and remembers the batches.
type slow struct {
	mu      sync.Mutex
	batches [][]int32 // the first id of each text
	alone   []bool    // what each layer was told
}

const (
	badID   = -1 // an error
	worseID = -2 // a panic
)

func (s *slow) encode(ws *encoder.Workspace, b *encoder.Batch, values []float32) error {
	firsts, begin := make([]int32, len(b.Ends)), 0
	for i, end := range b.Ends {
		firsts[i], begin = b.IDs[begin], end
		values[i] = float32(firsts[i])
	}
	s.mu.Lock()
	s.batches = append(s.batches, firsts)
	s.mu.Unlock()
	for range 4 { // layers
		time.Sleep(time.Second / 4)
		s.mu.Lock()
		s.alone = append(s.alone, ws.Alone())
		s.mu.Unlock()
		if ws.Pause != nil {
			ws.Pause()
		}
	}
	switch {
	case slices.Contains(firsts, badID):
		return errors.New("damaged")
	case slices.Contains(firsts, worseID):
		panic("worse")
	}
	return nil
}

// of is texts with these first ids, of n tokens each.
func of(n int, ids ...int32) []text {
	texts := make([]text, len(ids))
	for i, id := range ids {
		texts[i].ids = slices.Repeat([]int32{id}, n)
	}
	return texts
}

// call is a call that goes on in the background.
type call struct {
	values []float32
	err    error
	took   time.Duration
}

// after lets time pass in a bubble, and waits for all that is due.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// inBubble runs a test in which time passes only when everybody waits. Goroutines that outlive it fail it.
func inBubble(t *testing.T, o Options, test func(t *testing.T, ws *workers, s *slow, begin func(context.Context, []text) *call)) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		ws := newWorkers(nil, s.encode, 1, o)
		begin := func(ctx context.Context, texts []text) *call {
			c := &call{}
			go func() {
				start := time.Now()
				c.values, c.err = ws.compute(ctx, texts)
				c.took = time.Since(start)
			}()
			synctest.Wait()
			return c
		}
		test(t, ws, s, begin)
		after(time.Hour)
		if texts, tokens := ws.queue.size(); texts+tokens != 0 || len(ws.idle) != ws.count || ws.starting != 0 {
			t.Errorf("at the end %d texts wait, %d workers are idle and %d starting", texts, len(ws.idle), ws.starting)
		}
	})
}

func TestWaitingCallersShareABatch(t *testing.T) {
	inBubble(t, Options{Workers: 1}, func(t *testing.T, _ *workers, s *slow, begin func(context.Context, []text) *call) {
		first := begin(t.Context(), of(10, 1))
		calls := []*call{begin(t.Context(), of(10, 2)), begin(t.Context(), of(10, 3, 4)), begin(t.Context(), of(10, 5))}
		after(3 * time.Second)
		if diff := cmp.Diff([][]int32{{1}, {2, 3, 4, 5}}, s.batches); diff != "" {
			t.Error(diff)
		}
		if first.took != time.Second {
			t.Errorf("a call at an idle server took %v", first.took)
		}
		for i, want := range [][]float32{{2}, {3, 4}, {5}} {
			if !cmp.Equal(want, calls[i].values) || calls[i].took != 2*time.Second {
				t.Errorf("call %d: %v in %v", i, calls[i].values, calls[i].took)
			}
		}
	})
}

func TestAllWorkersHelp(t *testing.T) {
	inBubble(t, Options{Workers: 2}, func(t *testing.T, _ *workers, s *slow, begin func(context.Context, []text) *call) {
		c := begin(t.Context(), of(100, 1, 2, 3, 4))
		after(time.Minute)
		if len(s.batches) != 2 || c.took != time.Second || !cmp.Equal(c.values, []float32{1, 2, 3, 4}) {
			t.Errorf("%v in %v: %v", s.batches, c.took, c.values)
		}
	})
}

// Questions that wait go in small batches, so that the worker which is done next has its share of them.
func TestQuestionsAreDivided(t *testing.T) {
	inBubble(t, Options{Workers: 2}, func(t *testing.T, _ *workers, s *slow, begin func(context.Context, []text) *call) {
		for id := range int32(8) {
			begin(t.Context(), of(20, id))
		}
		after(time.Minute)
		slices.SortFunc(s.batches, slices.Compare[[]int32])
		if diff := cmp.Diff([][]int32{{0}, {1}, {2, 3, 4}, {5}, {6}, {7}}, s.batches); diff != "" {
			t.Error(diff)
		}
	})
}

// A batch has the other cores to itself until another worker has something to do.
func TestABatchIsAloneUntilAnotherBegins(t *testing.T) {
	inBubble(t, Options{Workers: 2}, func(t *testing.T, _ *workers, s *slow, begin func(context.Context, []text) *call) {
		begin(t.Context(), of(10, 1))
		after(600 * time.Millisecond)
		begin(t.Context(), of(10, 2))
		after(time.Minute)
		if diff := cmp.Diff([]bool{true, true, false, false, false, true, true, true}, s.alone); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAQuestionInterruptsBulkWork(t *testing.T) {
	inBubble(t, Options{Workers: 1}, func(t *testing.T, _ *workers, s *slow, begin func(context.Context, []text) *call) {
		ingest := begin(t.Context(), of(200, 1, 2, 3))
		question := begin(t.Context(), of(10, 9))
		after(time.Minute)
		if diff := cmp.Diff([][]int32{{1, 2}, {9}, {3}}, s.batches); diff != "" {
			t.Error(diff)
		}
		if question.took != time.Second+time.Second/4 || ingest.took != 3*time.Second {
			t.Errorf("the question took %v, the ingest %v", question.took, ingest.took)
		}
	})
}

func TestWhoLeavesIsNotComputed(t *testing.T) {
	inBubble(t, Options{Workers: 1, BatchTokens: 10}, func(t *testing.T, _ *workers, s *slow, begin func(context.Context, []text) *call) {
		begin(t.Context(), of(10, 1))
		ctx, cancel := context.WithCancel(t.Context())
		leaves := begin(ctx, of(10, 2, 3))
		hurried, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer stop()
		late := begin(hurried, of(10, 4, 5, 6))
		stays := begin(t.Context(), of(10, 7))
		cancel()
		after(time.Minute)
		if diff := cmp.Diff([][]int32{{1}, {4}, {7}}, s.batches); diff != "" {
			t.Error(diff)
		}
		if !errors.Is(leaves.err, context.Canceled) || leaves.values != nil || leaves.took != 0 {
			t.Error("who left:", leaves.values, leaves.err, leaves.took)
		}
		if !errors.Is(late.err, context.DeadlineExceeded) || late.took != 1500*time.Millisecond {
			t.Error("who had no more time:", late.err, late.took)
		}
		if stays.err != nil || stays.took != 3*time.Second {
			t.Error("who stayed:", stays.err, stays.took)
		}
	})
}

func TestWhoLeavesWhileItsOwnWorkerComputes(t *testing.T) {
	inBubble(t, Options{Workers: 1, BatchTokens: 10}, func(t *testing.T, _ *workers, s *slow, begin func(context.Context, []text) *call) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		leaves, stays := begin(ctx, of(10, 1, 2, 3)), begin(t.Context(), of(10, 4))
		after(time.Minute)
		if diff := cmp.Diff([][]int32{{1}, {4}}, s.batches); diff != "" {
			t.Error(diff)
		}
		if !errors.Is(leaves.err, context.DeadlineExceeded) || stays.err != nil {
			t.Error(leaves.err, stays.err)
		}
	})
}

func TestAFullQueue(t *testing.T) {
	inBubble(t, Options{Workers: 1, BatchTokens: 10, QueueTexts: 3}, func(t *testing.T, _ *workers, _ *slow, begin func(context.Context, []text) *call) {
		calls := []*call{begin(t.Context(), of(10, 1))}
		after(time.Second) // the pace is known now
		for id := range int32(4) {
			calls = append(calls, begin(t.Context(), of(10, id)))
		}
		refused := begin(t.Context(), of(10, 5))
		var e *models.Error
		if !errors.As(refused.err, &e) || e.Code != models.RateLimited || e.RetryAfter != 2*time.Second {
			t.Fatalf("%+v", refused.err)
		}
		after(e.RetryAfter)
		calls = append(calls, begin(t.Context(), of(10, 6)))
		after(time.Minute)
		for i, c := range calls {
			if c.err != nil || len(c.values) != 1 {
				t.Error(i, c.err)
			}
		}
	})
}

func TestABadTextFailsAlone(t *testing.T) {
	inBubble(t, Options{Workers: 1}, func(t *testing.T, _ *workers, _ *slow, begin func(context.Context, []text) *call) {
		begin(t.Context(), of(10, 1))
		bad, good, worse := begin(t.Context(), of(10, 7, badID)), begin(t.Context(), of(10, 8)), begin(t.Context(), of(10, worseID))
		after(time.Minute)
		if bad.err == nil || bad.err.Error() != "damaged" || worse.err == nil {
			t.Error(bad.err, worse.err)
		}
		if good.err != nil || !cmp.Equal(good.values, []float32{8}) {
			t.Error(good.values, good.err)
		}
	})
}

func TestWorkersMakeLittleGarbage(t *testing.T) {
	ws := newWorkers(nil, func(*encoder.Workspace, *encoder.Batch, []float32) error { return nil }, 384, Options{Workers: 1})
	texts := of(10, 1)
	if n := testing.AllocsPerRun(100, func() { _, _ = ws.compute(context.Background(), texts) }); n > 8 {
		t.Errorf("%v allocations a call", n)
	}
}

package gateway

import (
	"context"
	"sync"
	"sync/atomic"
)

// flights joins equal requests: the first one starts the work, those that come while it goes on wait for its answer.
// The work belongs to all who wait: it ends early only when the last of them has left.
type flights struct {
	mu    sync.Mutex
	byKey map[key]*flight
}

type flight struct {
	run     *run
	cancel  context.CancelCauseFunc
	waiting int // guarded by flights.mu

	done   chan struct{} // closed when answer and err are set
	answer answer
	err    error
	paid   atomic.Bool // one of those who waited accounts for the cost
}

// wait answers when the flight for r has, or when ctx ends. One of those who wait pays: the first to have the answer or,
// where nobody stays for it, the last to leave.
func (fs *flights) wait(ctx context.Context, r *run) (f *flight, pays bool, err error) {
	f = fs.join(ctx, r)
	select {
	case <-f.done:
		return f, f.paid.CompareAndSwap(false, true), f.err
	case <-ctx.Done():
		return f, fs.leave(f, ctx.Err()) && f.paid.CompareAndSwap(false, true), ctx.Err()
	}
}

func (fs *flights) join(ctx context.Context, r *run) *flight {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.byKey[r.key]; f != nil && r.useCache {
		f.waiting++
		f.run.extend(r.deadline)
		return f
	}
	f := &flight{run: r, waiting: 1, done: make(chan struct{})}
	if r.useCache {
		fs.byKey[r.key] = f
	}
	ctx, f.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	go fs.fly(ctx, f)
	return f
}

func (fs *flights) fly(ctx context.Context, f *flight) {
	defer f.cancel(nil)
	f.answer, f.err = f.run.do(ctx)
	fs.mu.Lock()
	fs.forget(f)
	fs.mu.Unlock()
	close(f.done)
}

// leave says whether nobody else waits. The flight then ends, with the reason of the last to leave.
func (fs *flights) leave(f *flight, why error) (last bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		fs.forget(f)
		f.cancel(why)
	}
	return f.waiting == 0
}

func (fs *flights) forget(f *flight) {
	if fs.byKey[f.run.key] == f {
		delete(fs.byKey, f.run.key)
	}
}

package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"searchd/hf"
)

// errSlow ends the context of an attempt that has taken too long.
var errSlow = errors.New("the attempt took too long")

// attempt makes a call once.
func (r *run) attempt(ctx context.Context, t Target, c hf.Call) (hf.Reply, error) {
	release, err := r.admit(ctx, t, c)
	if err != nil {
		return hf.Reply{}, err
	}
	defer release()
	actx, cancel := context.WithTimeoutCause(ctx, r.attemptTimeout, errSlow)
	defer cancel()
	i := r.begin(t, c)
	reply, err := call(actx, t.Do, c)
	if err == nil {
		r.spend(t, promptCharacters(c)+completionCharacters(reply))
	}
	return reply, r.settle(ctx, actx, i, t, c, err)
}

// admit passes an attempt by the budget, the circuit and the limit, in which it takes a place. A refusal is in the trace.
func (r *run) admit(ctx context.Context, t Target, c hf.Call) (release func(), err error) {
	if err := r.g.allow(ctx, t, c); err != nil {
		return nil, r.refuse(t, c, err)
	}
	id := circuitID{t.Provider, c.Model}
	if left := r.g.circuits.closedFor(id); left > 0 {
		return nil, r.refuse(t, c, circuitOpen(left)) // before queueing: there is nothing to queue for
	}
	r.mu.Lock()
	r.doing = fmt.Sprintf("it waited for one of the %d places at %s", r.g.opt.Concurrency, t.Provider)
	r.mu.Unlock()
	release = func() {}
	if !t.Unlimited {
		if release, err = r.g.limits.acquire(ctx, t.Provider); err != nil {
			return nil, err
		}
	}
	if !r.g.circuits.admit(id) {
		release()
		return nil, r.refuse(t, c, circuitOpen(r.g.circuits.closedFor(id)))
	}
	return release, nil
}

func circuitOpen(left time.Duration) error {
	return &hf.CallError{
		Fault:      FaultCircuit,
		Message:    "the last calls failed, so the model is left alone for a while",
		RetryAfter: left,
	}
}

func (r *run) refuse(t Target, c hf.Call, err error) error {
	r.end(r.begin(t, c), err)
	return err
}

// settle words the failure of an attempt, and tells the trace and the circuit how it went. actx is the context of the
// attempt, ctx the one of the request.
func (r *run) settle(ctx, actx context.Context, i int, t Target, c hf.Call, err error) error {
	if err != nil {
		err = r.word(ctx, actx, err)
	}
	took := r.end(i, err)
	id, fault := circuitID{t.Provider, c.Model}, faultOf(err)
	switch {
	case err == nil:
		r.g.circuits.succeeded(id)
	case actx.Err() != nil && !r.hung(actx, took):
		r.g.circuits.abandoned(id)
	case actx.Err() != nil:
		r.g.circuits.failed(id)
	case fault.Transient():
		r.g.circuits.failed(id)
	default:
		r.g.circuits.succeeded(id) // it answered
	}
	return err
}

// hung says that an attempt which we cut short had time enough. A caller in a hurry, or one that has left, says nothing
// about the target, and must not close it to others.
func (r *run) hung(actx context.Context, took time.Duration) bool {
	if took < r.g.opt.AttemptTimeout/2 {
		return false
	}
	why := context.Cause(actx)
	return errors.Is(why, errSlow) || errors.Is(why, context.DeadlineExceeded) && !r.final
}

// word makes every failure a *hf.CallError, apart from the end of the request itself.
func (r *run) word(ctx, actx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(context.Cause(actx), errSlow) {
		return &hf.CallError{Fault: hf.FaultTimeout, Message: fmt.Sprintf("no answer in %v", r.attemptTimeout), Err: err}
	}
	if _, ok := errors.AsType[*hf.CallError](err); ok {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &hf.CallError{Fault: hf.FaultTimeout, Message: "the provider gave up waiting", Err: err}
	}
	return &hf.CallError{Fault: hf.FaultServer, Message: "the call failed", Err: err}
}

// call is p.Do, with a panic made an error: it would end the process, for it is not on the goroutine of the request. The
// fault is not transient, for a bug does not pass.
func call(ctx context.Context, p hf.Provider, c hf.Call) (reply hf.Reply, err error) {
	defer func() {
		if v := recover(); v != nil {
			cause := fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			err = &hf.CallError{Fault: hf.FaultUnreadable, Message: "the provider's code failed", Err: cause}
		}
	}()
	if reply, err = p.Do(ctx, c); err != nil {
		return hf.Reply{}, err
	}
	for task, n := range map[hf.Task]int{hf.FeatureExtraction: len(reply.Vectors), hf.TextRanking: len(reply.Scores)} {
		if c.Task == task && n != len(c.Inputs) {
			message := fmt.Sprintf("%s of %d texts, %d were sent", task, n, len(c.Inputs))
			return hf.Reply{}, &hf.CallError{Fault: hf.FaultUnreadable, Message: message}
		}
	}
	return reply, nil
}

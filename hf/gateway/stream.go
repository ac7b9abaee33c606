package gateway

import (
	"context"
	"iter"
	"time"
	"unicode/utf8"

	"searchd/hf"
)

// Stream answers a text generation piece by piece. Retries and fallbacks happen before the first piece; after it, a
// failure ends the stream. A failure is an *Error, and the last thing of the stream. Nothing is cached or joined. Each
// piece is handed on as it comes, on the caller's goroutine.
func (g *Gateway) Stream(ctx context.Context, req Request) iter.Seq2[hf.Delta, error] {
	return func(yield func(hf.Delta, error) bool) {
		start := time.Now()
		req.UseCache = false
		r, err := g.newRun(req, start)
		if err != nil {
			yield(hf.Delta{}, err)
			return
		}
		s := &stream{run: r, yield: yield}
		ctx, cancel := context.WithDeadline(ctx, r.deadline)
		defer cancel()
		err = r.overTargets(ctx, func(i int) error {
			s.target = i
			return r.retry(ctx, func() error { return s.attempt(ctx) })
		})
		res, failed := s.finish(ctx, start, err)
		if req.Finished != nil {
			req.Finished(res)
		}
		if failed != nil {
			yield(hf.Delta{}, failed)
		}
	}
}

// stream is a run whose answer is handed on piece by piece.
type stream struct {
	*run
	yield      func(hf.Delta, error) bool
	target     int
	characters int
	reply      hf.Reply // without its text
}

// attempt streams once.
func (s *stream) attempt(ctx context.Context) error {
	t, c := s.targets[s.target], s.callFor(s.target)
	release, err := s.admit(ctx, t, c)
	if err != nil {
		return err
	}
	defer release()
	actx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	i, settled := s.begin(t, c), false
	defer func() {
		if !settled { // the caller's loop panicked
			s.g.circuits.abandoned(circuitID{t.Provider, c.Model})
		}
	}()
	patience := time.AfterFunc(s.attemptTimeout, func() { cancel(errSlow) })
	defer patience.Stop()
	err = s.forward(t.Do.Stream(actx, c), patience)
	settled = true
	return s.settle(ctx, actx, i, t, c, err)
}

// forward hands on what comes. The time that the caller takes for a piece does not count against the provider.
func (s *stream) forward(pieces iter.Seq2[hf.Delta, error], patience *time.Timer) error {
	for d, err := range pieces {
		if err != nil {
			return err
		}
		if d.Text == "" && d.FinishReason == "" && d.Usage == nil {
			continue // a sign of life, such as the role that opens a chat: nothing that would bind us to this target
		}
		patience.Stop()
		s.account(d)
		if !s.yield(d, nil) {
			return nil
		}
		patience.Reset(s.attemptTimeout)
	}
	if !s.final {
		return &hf.CallError{Fault: hf.FaultUnreadable, Message: "the stream ended before its first piece"}
	}
	return nil
}

func (s *stream) account(d hf.Delta) {
	s.final = true
	s.characters += utf8.RuneCountInString(d.Text)
	if d.FinishReason != "" {
		s.reply.FinishReason = d.FinishReason
	}
	if d.Usage != nil {
		s.reply.Usage = *d.Usage
	}
}

// finish makes the Result of a stream, and records it. What was received is paid for, also when the rest never came.
func (s *stream) finish(ctx context.Context, start time.Time, err error) (Result, *Error) {
	t := s.targets[s.target]
	s.reply.Model = t.Model
	res := Result{
		Reply: s.reply, Target: s.target, Provider: t.Provider, Trace: s.snapshot(), Elapsed: time.Since(start),
		PromptCharacters: promptCharacters(s.call), CompletionCharacters: s.characters,
	}
	res.Attempts = upstream(res.Trace)
	if s.final {
		s.spend(t, res.PromptCharacters+res.CompletionCharacters)
	}
	res.EstimatedCostUSD = s.cost()
	var failed *Error
	fault := hf.Fault("")
	if err != nil {
		failed = s.fail(err, res.Trace)
		fault = failed.Fault
	}
	s.g.record(ctx, s.call.Task, t, res, fault, true)
	return res, failed
}

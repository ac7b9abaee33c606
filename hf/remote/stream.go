package remote

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"searchd/hf"
	"searchd/internal/sse"
)

// pieces collects what a stream says. The reason for the end and the cost come in events of their own and are held back
// until the end, so that they are on one last piece.
type pieces struct {
	emit func(hf.Delta) bool
	last hf.Delta
	over bool // nothing can follow
}

// add passes a piece of the text on.
func (s *pieces) add(text string) error {
	if text != "" && !s.emit(hf.Delta{Text: text}) {
		return errStopped
	}
	return nil
}

func (s *pieces) end() error {
	if s.last.FinishReason == "" {
		s.last.FinishReason = "stop"
	}
	if !s.emit(s.last) {
		return errStopped
	}
	return nil
}

func (p *Provider) stream(ctx context.Context, c hf.Call, emit func(hf.Delta) bool) error {
	if err := check(c); err != nil {
		return err
	}
	if c.Task != hf.TextGeneration {
		return invalid("task: %s cannot be streamed", c.Task)
	}
	r, err := p.route(c, true)
	if err != nil {
		return err
	}
	ctx, clock := newIdleClock(ctx, p.patience(ctx))
	defer clock.close()
	resp, err := p.send(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // what was read of it counts
	s := &pieces{emit: func(d hf.Delta) bool {
		clock.pause() // the caller's time is not the provider's
		defer clock.wind()
		return emit(d)
	}}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "application/json" || kind == "text/html" {
		return p.wholeAsPieces(ctx, resp, r, s)
	}
	return p.pump(ctx, resp, r, s, clock)
}

// wholeAsPieces reads the answer of a server that does not stream.
func (p *Provider) wholeAsPieces(ctx context.Context, resp *http.Response, r request, s *pieces) error {
	body, err := p.readAll(ctx, resp)
	if err != nil {
		return err
	}
	a := answer{resp.StatusCode, resp.Header, body}
	reply, err := r.read(a)
	if err != nil {
		return p.badAnswer(a, err)
	}
	s.last = hf.Delta{FinishReason: reply.FinishReason}
	if reply.Usage != (hf.Usage{}) {
		s.last.Usage = &reply.Usage
	}
	if err := s.add(strings.Join(reply.Texts, "")); err != nil {
		return err
	}
	return s.end()
}

// pump reads events until the end. A stream that ends without having said so was cut.
func (p *Provider) pump(ctx context.Context, resp *http.Response, r request, s *pieces, clock *idleClock) error {
	stream := sse.New(resp.Body, p.maxReply)
	for {
		event, err := stream.Next()
		clock.wind()
		switch {
		case err != nil && s.last.FinishReason != "":
			return s.end() // all but the farewell was there
		case errors.Is(err, sse.ErrTooLong):
			return &hf.CallError{Fault: hf.FaultUnreadable, Status: resp.StatusCode, Message: err.Error(), Err: err}
		case err != nil:
			return p.cut(ctx, resp.StatusCode, err)
		case string(event.Data) == "[DONE]":
			return s.end()
		}
		if err := r.decode(event.Data, s); errors.Is(err, errStopped) {
			return err
		} else if err != nil {
			return p.badAnswer(answer{resp.StatusCode, resp.Header, event.Data}, err)
		}
		if s.over {
			return s.end()
		}
	}
}

// idleClock ends a context when nothing has happened for a while.
type idleClock struct {
	timer   *time.Timer
	timeout time.Duration
	cancel  context.CancelCauseFunc
}

func newIdleClock(ctx context.Context, timeout time.Duration) (context.Context, *idleClock) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &idleClock{time.AfterFunc(timeout, func() { cancel(errTimeout) }), timeout, cancel}
}

func (c *idleClock) wind()  { c.timer.Reset(c.timeout) }
func (c *idleClock) pause() { c.timer.Stop() }
func (c *idleClock) close() {
	c.timer.Stop()
	c.cancel(nil)
}

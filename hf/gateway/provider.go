package gateway

import (
	"context"
	"errors"
	"iter"

	"searchd/hf"
)

// Provider makes a route an hf.Provider, for code that asks a model and need not know how it is reached. The Call of base
// is replaced by the one that is asked; the Model of a call counts where a target names none.
func (g *Gateway) Provider(base Request) hf.Provider { return provider{g, base} }

type provider struct {
	g    *Gateway
	base Request
}

func (p provider) request(c hf.Call) Request {
	req := p.base
	req.Call = c
	return req
}

func (p provider) Do(ctx context.Context, c hf.Call) (hf.Reply, error) {
	res, err := p.g.Do(ctx, p.request(c))
	return res.Reply, callError(ctx, err)
}

func (p provider) Stream(ctx context.Context, c hf.Call) iter.Seq2[hf.Delta, error] {
	return func(yield func(hf.Delta, error) bool) {
		for d, err := range p.g.Stream(ctx, p.request(c)) {
			if !yield(d, callError(ctx, err)) {
				return
			}
		}
	}
}

// callError words a failure as an hf.Provider does. The *Error stays within reach of errors.As.
func callError(ctx context.Context, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &hf.CallError{Fault: e.Fault, Status: e.Status, Message: e.Message, RetryAfter: e.RetryAfter, Err: e}
}

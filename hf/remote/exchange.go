package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"searchd/hf"
)

const (
	billToHeader = "X-HF-Bill-To"
	maxErrorBody = 64 << 10 // of an answer that is an error: enough for any message
)

var (
	errTimeout   = errors.New("no answer in time")
	errStopped   = errors.New("the caller has seen enough")
	errComplaint = errors.New("the provider complains in the answer")
)

// request is one call as the wire has it.
type request struct {
	method string // POST where empty
	path   string // below the endpoint
	body   any
	read   func(answer) (hf.Reply, error)
	decode func(event []byte, s *pieces) error // of one event of a stream
}

// answer is what came back whole, with a status below 300.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// exchange sends a request and reads the whole answer. Its error is a *hf.CallError or the caller's context's.
func (p *Provider) exchange(ctx context.Context, r request) (answer, error) {
	resp, err := p.send(ctx, r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }() // what was read of it counts
	body, err := p.readAll(ctx, resp)
	return answer{resp.StatusCode, resp.Header, body}, err
}

// send answers a response with a status below 300, whose body the caller closes.
func (p *Provider) send(ctx context.Context, r request) (*http.Response, error) {
	req, err := p.newRequest(ctx, r)
	if err != nil {
		return nil, &hf.CallError{Fault: hf.FaultInvalid, Message: "the call cannot be put into a request", Err: err}
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, p.noAnswer(ctx, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }() // what was read of it counts
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil && ctx.Err() != nil {
		return nil, p.noAnswer(ctx, err)
	}
	return nil, p.failure(resp.StatusCode, resp.Header, body)
}

func (p *Provider) newRequest(ctx context.Context, r request) (*http.Request, error) {
	u := *p.base
	u.Path += r.path
	var body io.Reader
	if r.body != nil {
		text, err := encode(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	method := r.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	p.setHeaders(req)
	return req, nil
}

// encode leaves <, > and & as they are: some servers count characters before they decode.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

func (p *Provider) setHeaders(req *http.Request) {
	req.Header.Set("User-Agent", "searchd")
	if req.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if p.key != "" {
		req.Header.Set("Authorization", "Bearer "+p.key)
	}
	if p.billTo != "" && p.kind == HuggingFace {
		req.Header.Set(billToHeader, p.billTo)
	}
}

// readAll takes no more memory than an answer may have.
func (p *Provider) readAll(ctx context.Context, resp *http.Response) ([]byte, error) {
	tooLarge := &hf.CallError{Fault: hf.FaultUnreadable, Status: resp.StatusCode,
		Message: fmt.Sprintf("the answer is larger than %d bytes; ask for fewer texts at a time", p.maxReply)}
	if resp.ContentLength > p.maxReply {
		return nil, tooLarge
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, p.maxReply+1))
	switch {
	case err != nil:
		return nil, p.cut(ctx, resp.StatusCode, err)
	case int64(len(body)) > p.maxReply:
		return nil, tooLarge
	}
	return body, nil
}

// noAnswer says why a request was not answered: the caller left, it took too long, or the connection failed.
func (p *Provider) noAnswer(ctx context.Context, err error) error {
	var call *hf.CallError
	if errors.As(err, &call) {
		return call // from the check of an address
	}
	if err := p.gaveUp(ctx); err != nil {
		return err
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return &hf.CallError{Fault: hf.FaultTimeout, Message: fmt.Sprintf("%s did not answer in time", p.base.Host), Err: p.cause(err)}
	}
	cause := p.cause(err)
	return &hf.CallError{Fault: hf.FaultConnection, Message: p.clean(fmt.Sprintf("no answer from %s: %v", p.base.Host, cause)), Err: cause}
}

// gaveUp is the caller's error where the caller has left, a timeout where ours is over, and nil otherwise.
func (p *Provider) gaveUp(ctx context.Context) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case errors.Is(context.Cause(ctx), errTimeout):
		return &hf.CallError{Fault: hf.FaultTimeout, Message: fmt.Sprintf("%s did not answer within %v", p.base.Host, p.timeout), Err: errTimeout}
	}
	return ctx.Err()
}

// cut says why an answer has no end.
func (p *Provider) cut(ctx context.Context, status int, err error) error {
	if err := p.gaveUp(ctx); err != nil {
		return err
	}
	return &hf.CallError{Fault: hf.FaultConnection, Status: status, Message: "the connection was lost in the middle of the answer", Err: p.cause(err)}
}

// cause is an error of the transport without the URL, which redirects may have put a secret into.
func (p *Provider) cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"

	"searchd/api/wire"
	"searchd/internal/sse"
)

// maxStream bounds what a stream of events may send.
const maxStream = 1 << 30

// IngestLines sends documents as they come from r: JSON, one a line, of any number. Such a body is sent once and never again.
func (c *Client) IngestLines(ctx context.Context, collection string, r io.Reader, o IngestOptions) (wire.Job, error) {
	var answer wire.JobAnswer
	query := o.query()
	query.Set("wait", strconv.Itoa(o.Wait))
	err := c.do(ctx, http.MethodPost, in(collection)+"/documents?"+query.Encode(), "application/x-ndjson", io.NopCloser(r), &answer)
	return answer.Job, err
}

// Watch calls changed at each change of a job until it is finished, and answers it then. A connection that breaks is made again.
func (c *Client) Watch(ctx context.Context, id string, changed func(wire.Job)) (wire.Job, error) {
	for failures := 0; ; {
		job, err := c.watchOnce(ctx, id, changed)
		if err == nil && job.FinishedAt != nil {
			return c.Job(ctx, id) // with its results
		}
		var refused *wire.Error
		if failures++; err == nil {
			failures = 0 // the server has ended the stream, as it does when it stops
		}
		if errors.As(err, &refused) || ctx.Err() != nil || failures > c.retries {
			return job, err
		}
		if err := pause(ctx, backOff(failures)); err != nil {
			return job, err
		}
	}
}

func (c *Client) watchOnce(ctx context.Context, id string, changed func(wire.Job)) (job wire.Job, err error) {
	for e, err := range c.events(ctx, http.MethodGet, "/jobs/"+url.PathEscape(id)+"?watch=1", nil) {
		if err != nil {
			return job, err
		}
		if err := json.Unmarshal(e.Data, &job); err != nil {
			return job, fmt.Errorf("%s answered something that is not searchd's: %w", c.base, err)
		}
		changed(job)
	}
	return job, nil
}

// Complete asks a model to go on with a prompt.
func (c *Client) Complete(ctx context.Context, r wire.CompleteRequest) (wire.Completion, error) {
	var answer wire.Completion
	r.Stream = false
	err := c.post(ctx, "/complete", r, &answer)
	return answer, err
}

// CompleteStream is Complete piece by piece. It ends at the first error.
func (c *Client) CompleteStream(ctx context.Context, r wire.CompleteRequest) iter.Seq2[string, error] {
	r.Stream = true
	return func(yield func(string, error) bool) {
		body, err := json.Marshal(r)
		if err != nil {
			yield("", err)
			return
		}
		for e, err := range c.events(ctx, http.MethodPost, "/complete", body) {
			var piece struct {
				Text string `json:"text"`
			}
			var failed wire.ErrorAnswer
			switch {
			case err != nil:
			case e.Name == "delta":
				err = json.Unmarshal(e.Data, &piece)
			case e.Name == "error":
				if err = json.Unmarshal(e.Data, &failed); err == nil {
					err = &failed.Error
				}
			default: // "done", with what it has cost
				return
			}
			if !yield(piece.Text, err) || err != nil {
				return
			}
		}
	}
}

// events asks for a stream. It ends at the first error; the connection is closed when the loop over it ends.
func (c *Client) events(ctx context.Context, method, path string, body []byte) iter.Seq2[sse.Event, error] {
	return func(yield func(sse.Event, error) bool) {
		kind := ""
		if body != nil {
			kind = "application/json"
		}
		response, err := c.ask(ctx, method, path, kind, bytes.NewReader(body))
		if err != nil {
			yield(sse.Event{}, err)
			return
		}
		defer func() { _ = response.Body.Close() }() // what is not read is not wanted
		for r := sse.New(response.Body, maxStream); ; {
			e, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				err = unreachable(c.base, err)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

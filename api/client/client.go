package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"searchd/api/wire"
	"searchd/models"
)

// Client talks to one server. It is safe for concurrent use.
type Client struct {
	base    string
	http    *http.Client
	retries int
}

// How often a request is sent again by default, and how long the client waits at most before it is.
const (
	defaultRetries = 3
	longestPause   = 30 * time.Second
)

// New makes a client for a server such as http://127.0.0.1:8080. A nil httpClient means http.DefaultClient.
func New(server string, httpClient *http.Client) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("server %q is no address; it looks like http://127.0.0.1:8080", server)
	}
	if httpClient == nil {
		httpClient = http.DefaultClient
	}
	return &Client{base: strings.TrimSuffix(server, "/"), http: httpClient, retries: defaultRetries}, nil
}

// WithRetries is a client of the same server that sends a request again at most so often.
func (c *Client) WithRetries(n int) *Client {
	other := *c
	other.retries = n
	return &other
}

// Ingest sends documents and waits for as many seconds, 600 at most.
func (c *Client) Ingest(ctx context.Context, collection string, docs []wire.Document, wait int) (wire.Job, error) {
	return c.IngestWith(ctx, collection, docs, IngestOptions{Wait: wait})
}

// IngestOptions say how documents are taken in.
type IngestOptions struct {
	Wait       int    // seconds, 600 at most
	OnConflict string // replace, skip or fail; "" means replace
	Chunking   string // auto or none; "" means auto
}

// IngestWith sends documents.
func (c *Client) IngestWith(ctx context.Context, collection string, docs []wire.Document, o IngestOptions) (wire.Job, error) {
	var answer wire.JobAnswer
	err := c.send(ctx, collection, docs, o, url.Values{"wait": {strconv.Itoa(o.Wait)}}, &answer)
	return answer.Job, err
}

// Preview asks what sending documents would do. A collection that is not there is taken for one of that model; the empty
// model is the default.
func (c *Client) Preview(ctx context.Context, collection, model string, docs []wire.Document, o IngestOptions) (wire.Preview, error) {
	var answer wire.PreviewAnswer
	err := c.send(ctx, collection, docs, o, url.Values{"dry_run": {"true"}, "model": {model}}, &answer)
	return answer.Preview, err
}

func (c *Client) send(ctx context.Context, collection string, docs []wire.Document, o IngestOptions, query url.Values, answer any) error {
	var body bytes.Buffer
	for _, doc := range docs {
		if err := json.MarshalWrite(&body, doc); err != nil {
			return fmt.Errorf("document %q: %w", doc.ID, err)
		}
		body.WriteByte('\n')
	}
	for key, values := range o.query() {
		query[key] = values
	}
	return c.do(ctx, http.MethodPost, in(collection)+"/documents?"+query.Encode(), "application/x-ndjson", bytes.NewReader(body.Bytes()), answer)
}

// query is what the options say beside how long to wait.
func (o IngestOptions) query() url.Values {
	query := url.Values{}
	if o.OnConflict != "" {
		query.Set("on_conflict", o.OnConflict)
	}
	if o.Chunking != "" {
		query.Set("chunking", o.Chunking)
	}
	return query
}

// Job reads a job.
func (c *Client) Job(ctx context.Context, id string) (wire.Job, error) {
	var answer wire.JobAnswer
	err := c.do(ctx, http.MethodGet, "/jobs/"+url.PathEscape(id), "", nil, &answer)
	return answer.Job, err
}

// Document reads a document.
func (c *Client) Document(ctx context.Context, collection, id string) (wire.StoredDocument, error) {
	var doc wire.StoredDocument
	err := c.do(ctx, http.MethodGet, in(collection)+"/documents/"+url.PathEscape(id), "", nil, &doc)
	return doc, err
}

// Documents reads a page of the documents that meet a filter, and answers the next page's cursor; empty after the last.
func (c *Client) Documents(ctx context.Context, collection string, filter []byte, cursor string) ([]wire.StoredDocument, string, error) {
	query := url.Values{"limit": {"1000"}, "filter": {string(filter)}, "cursor": {cursor}}
	var answer wire.DocumentList
	err := c.do(ctx, http.MethodGet, in(collection)+"/documents?"+query.Encode(), "", nil, &answer)
	if err != nil || answer.NextCursor == nil {
		return answer.Documents, "", err
	}
	return answer.Documents, *answer.NextCursor, nil
}

// Patch changes what is known about a document.
func (c *Client) Patch(ctx context.Context, collection, id string, p wire.DocumentPatch) (wire.StoredDocument, error) {
	var doc wire.StoredDocument
	b, err := json.Marshal(p)
	if err == nil {
		err = c.do(ctx, http.MethodPatch, in(collection)+"/documents/"+url.PathEscape(id), "application/json", bytes.NewReader(b), &doc)
	}
	return doc, err
}

// Delete removes documents by ids or by filter.
func (c *Client) Delete(ctx context.Context, collection string, r wire.DeleteRequest) (int, error) {
	var answer wire.Deleted
	err := c.post(ctx, in(collection)+"/documents/delete", r, &answer)
	return answer.Deleted, err
}

// Search asks for hits.
func (c *Client) Search(ctx context.Context, collection string, r wire.SearchRequest) (wire.SearchAnswer, error) {
	var answer wire.SearchAnswer
	err := c.post(ctx, in(collection)+"/search", r, &answer)
	return answer, err
}

// Collection reads a collection.
func (c *Client) Collection(ctx context.Context, name string) (wire.Collection, error) {
	var answer wire.Collection
	err := c.do(ctx, http.MethodGet, in(name), "", nil, &answer)
	return answer, err
}

// Reembed has another model read the documents of a collection, and waits so many seconds for it.
func (c *Client) Reembed(ctx context.Context, collection, model string, wait int) (wire.Job, error) {
	var answer wire.JobAnswer
	err := c.post(ctx, fmt.Sprintf("%s/reembed?wait=%d", in(collection), wait), wire.Reembed{Model: model}, &answer)
	return answer.Job, err
}

// DropPrevious gives up the vectors that a collection had before its model was changed.
func (c *Client) DropPrevious(ctx context.Context, collection string) error {
	return c.do(ctx, http.MethodDelete, in(collection)+"/previous", "", nil, &wire.Deleted{})
}

// Retry tries the documents again that a job has failed at, and waits so many seconds for that.
func (c *Client) Retry(ctx context.Context, job string, wait int) (wire.Job, error) {
	var answer wire.JobAnswer
	err := c.do(ctx, http.MethodPost, fmt.Sprintf("/jobs/%s/retry?wait=%d", url.PathEscape(job), wait), "", nil, &answer)
	return answer.Job, err
}

// Recall measures the recall of a collection's index with so many of its vectors.
func (c *Client) Recall(ctx context.Context, collection string, sample int) (wire.Recall, error) {
	var answer wire.Recall
	err := c.do(ctx, http.MethodGet, fmt.Sprintf("%s/recall?sample=%d", in(collection), sample), "", nil, &answer)
	return answer, err
}

// CreateCollection makes a collection.
func (c *Client) CreateCollection(ctx context.Context, r wire.NewCollection) (wire.Collection, error) {
	var answer wire.Collection
	err := c.post(ctx, "/collections", r, &answer)
	return answer, err
}

// AddProvider keeps a provider.
func (c *Client) AddProvider(ctx context.Context, p wire.NewProvider) (wire.Provider, error) {
	var answer wire.Provider
	err := c.post(ctx, "/providers", p, &answer)
	return answer, err
}

// Providers lists the providers.
func (c *Client) Providers(ctx context.Context) (wire.ProviderList, error) {
	var answer wire.ProviderList
	err := c.do(ctx, http.MethodGet, "/providers", "", nil, &answer)
	return answer, err
}

// TestProvider asks a provider whether it is there, and waits so long for its answers.
func (c *Client) TestProvider(ctx context.Context, id string, timeout time.Duration) (wire.Probe, error) {
	var answer wire.Probe
	path := fmt.Sprintf("/providers/%s/test?timeout_ms=%d", url.PathEscape(id), timeout.Milliseconds())
	err := c.do(ctx, http.MethodPost, path, "", nil, &answer)
	return answer, err
}

// RemoveProvider forgets a provider.
func (c *Client) RemoveProvider(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/providers/"+url.PathEscape(id), "", nil, &wire.Deleted{})
}

func in(collection string) string {
	if collection == "" {
		collection = models.DefaultCollection
	}
	return "/collections/" + url.PathEscape(collection)
}

func (c *Client) post(ctx context.Context, path string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, path, "application/json", bytes.NewReader(b), answer)
}

// Backup asks for a copy of everything, as one file to read to its end and close.
func (c *Client) Backup(ctx context.Context) (io.ReadCloser, error) {
	response, err := c.ask(ctx, http.MethodPost, "/backup", "", nil)
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// Check has the store and its indexes verified, and repaired where that is asked for. It may take long.
func (c *Client) Check(ctx context.Context, r wire.CheckRequest) (wire.CheckReport, error) {
	var answer wire.CheckReport
	err := c.post(ctx, "/check", r, &answer)
	return answer, err
}

// CheckProgress asks how far the check that is being made has come.
func (c *Client) CheckProgress(ctx context.Context) (wire.CheckProgress, error) {
	var answer wire.CheckProgress
	err := c.do(ctx, http.MethodGet, "/check", "", nil, &answer)
	return answer, err
}

// do sends a request. The server's own error comes back as *wire.Error.
func (c *Client) do(ctx context.Context, method, path, kind string, body io.Reader, answer any) error {
	response, err := c.ask(ctx, method, path, kind, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // all of it is read; closing cannot lose anything
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return unreachable(c.base, err)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s answered something that is not searchd's: %w", c.base, err)
	}
	return nil
}

// ask sends a request, and sends it again when the server is busy and the body can be sent twice. An answer that is an error is
// answered as one.
func (c *Client) ask(ctx context.Context, method, path, kind string, body io.Reader) (*http.Response, error) {
	again, repeatable := body.(io.Seeker)
	for attempt := 1; ; attempt++ {
		response, wait, err := c.askOnce(ctx, method, path, kind, body)
		if err == nil || wait < 0 || attempt > c.retries || body != nil && !repeatable {
			return response, err
		}
		if pause(ctx, max(wait, backOff(attempt))) != nil {
			return nil, err // which says more than that the time was up
		}
		if body != nil {
			if _, err := again.Seek(0, io.SeekStart); err != nil {
				return nil, err
			}
		}
	}
}

// backOff is how long to wait before the next attempt, where nobody says.
func backOff(attempt int) time.Duration { return min(100*time.Millisecond<<attempt, longestPause) }

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(min(d, longestPause)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// askOnce also answers how long the server wants to be left alone before the request is sent again; negative where that is of no use.
func (c *Client) askOnce(ctx context.Context, method, path, kind string, body io.Reader) (*http.Response, time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, -1, err
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, -1, unreachable(c.base, err)
	}
	if response.StatusCode < http.StatusBadRequest {
		return response, 0, nil
	}
	defer func() { _ = response.Body.Close() }() // it is an error anyway
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, -1, unreachable(c.base, err)
	}
	return nil, retryAfter(response), failure(response, text)
}

// retryAfter is how long a busy server wants to be left alone; negative where it says nothing of the kind.
func retryAfter(response *http.Response) time.Duration {
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	switch {
	case response.StatusCode == http.StatusTooManyRequests && err != nil:
		return 0
	case err != nil || seconds < 0 || response.StatusCode != http.StatusTooManyRequests && response.StatusCode != http.StatusServiceUnavailable:
		return -1
	}
	return time.Duration(seconds) * time.Second
}

func failure(response *http.Response, text []byte) error {
	var answer wire.ErrorAnswer
	if err := json.Unmarshal(text, &answer); err != nil || answer.Error.Message == "" {
		return fmt.Errorf("the server answered %s", response.Status)
	}
	return &answer.Error
}

func unreachable(base string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%s does not answer: %w; is searchd serve running there?", base, err)
}

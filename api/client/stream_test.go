package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"searchd/api/client"
	"searchd/api/wire"
)

// answering is a client of a server that answers the requests one after the other, the last one again and again.
func answering(t *testing.T, answers ...http.HandlerFunc) (*client.Client, *atomic.Int64) {
	t.Helper()
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(asked.Add(1)) - 1
		answers[min(n, len(answers)-1)](w, r)
	}))
	t.Cleanup(s.Close)
	return connect(t, s.URL), &asked
}

func refuse(status int, retryAfter string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":{"message":"not now","type":"x"}}`)
	}
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// echo is the answer to a search that has the question in it.
func echo(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	_, _ = fmt.Fprintf(w, `{"hits":[],"model":%q}`, text)
}

func TestABusyServerIsAskedAgain(t *testing.T) {
	c, asked := answering(t, refuse(429, "0"), refuse(503, "0"), refuse(429, ""), echo)
	got, err := c.Search(t.Context(), "", wire.SearchRequest{Query: "q"})
	if err != nil || asked.Load() != 4 || !strings.Contains(got.Model, `"query":"q"`) {
		t.Errorf("%+v, %v, after %d requests", got, err, asked.Load())
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		ask    func(*client.Client) error
		want   int64
	}{
		{"again and again", refuse(429, "0"), func(c *client.Client) error {
			_, err := c.Collection(t.Context(), "x")
			return err
		}, 4},
		{"no retries", refuse(429, "0"), func(c *client.Client) error {
			_, err := c.WithRetries(0).Collection(t.Context(), "x")
			return err
		}, 1},
		{"no time is said", refuse(503, ""), func(c *client.Client) error {
			_, err := c.Collection(t.Context(), "x")
			return err
		}, 1},
		{"a refusal for good", refuse(422, "0"), func(c *client.Client) error {
			_, err := c.Collection(t.Context(), "x")
			return err
		}, 1},
		{"a body that is gone", refuse(429, "0"), func(c *client.Client) error {
			_, err := c.IngestLines(t.Context(), "", strings.NewReader("{}"), client.IngestOptions{})
			return err
		}, 1},
	} {
		c, asked := answering(t, test.answer)
		var refused *wire.Error
		if err := test.ask(c); !errors.As(err, &refused) || asked.Load() != test.want {
			t.Errorf("%s: %v after %d requests; want %d", test.name, err, asked.Load(), test.want)
		}
	}
}

func TestWatchGoesOn(t *testing.T) {
	const step = "event: job\ndata: {\"id\":\"j\",\"status\":\"running\",\"total\":2,\"done\":%d,\"finished_at\":null}\n\n"
	c, _ := answering(t, body(fmt.Sprintf(step, 0)), refuse(429, "0"), body(fmt.Sprintf(step, 1)+strings.Replace(fmt.Sprintf(step, 2), "null", `"2026-03-01T10:00:01Z"`, 1)),
		body(`{"job":{"id":"j","status":"done","done":2,"finished_at":"2026-03-01T10:00:01Z","results":[{"id":"a"}]}}`))
	var seen []int
	job, err := c.Watch(t.Context(), "j", func(j wire.Job) { seen = append(seen, j.Done) })
	if err != nil || fmt.Sprint(seen) != "[0 1 2]" || job.Status != "done" || len(job.Results) != 1 {
		t.Errorf("%v, %+v, %v", seen, job, err)
	}
	c, _ = answering(t, refuse(404, ""))
	var refused *wire.Error
	if _, err := c.Watch(t.Context(), "none", func(wire.Job) {}); !errors.As(err, &refused) {
		t.Errorf("of a job that is not there: %v", err)
	}
}

func TestCompleteStream(t *testing.T) {
	collect := func(c *client.Client) (string, error) {
		var text strings.Builder
		for piece, err := range c.CompleteStream(t.Context(), wire.CompleteRequest{Prompt: "p"}) {
			if err != nil {
				return text.String(), err
			}
			text.WriteString(piece)
		}
		return text.String(), nil
	}
	const pieces = "event: delta\ndata: {\"text\":\"The moon\"}\n\nevent: delta\ndata: {\"text\":\" pulls.\"}\n\n"
	c, _ := answering(t, body(pieces+"event: done\ndata: {}\n\n"), body(pieces+"event: error\ndata: {\"error\":{\"message\":\"cut off\"}}\n\n"), refuse(422, ""))
	if text, err := collect(c); text != "The moon pulls." || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := collect(c); text != "The moon pulls." || err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := collect(c); err == nil {
		t.Error("a refusal is no error")
	}
}

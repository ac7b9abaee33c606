package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"searchd/hf"
	"searchd/hf/hftest"

	gocmp "github.com/google/go-cmp/cmp"
)

func collect(ctx context.Context, p *Provider, c hf.Call) (pieces []hf.Delta, err error) {
	for d, e := range p.Stream(ctx, c) {
		if e != nil {
			return pieces, e
		}
		pieces = append(pieces, d)
	}
	return pieces, nil
}

// streams are the ways in which a text can come in pieces.
var streams = []struct {
	name   string
	server hftest.ServerOptions
	change func(*Options)
	path   string
	cost   hf.Usage
}{
	{"router", hftest.ServerOptions{}, func(*Options) {}, "/v1/chat/completions", hf.Usage{PromptTokens: 3, CompletionTokens: 5}},
	{"router, tight, without [DONE]", hftest.ServerOptions{Tight: true, NoDone: true}, func(*Options) {}, "/v1/chat/completions", hf.Usage{PromptTokens: 3, CompletionTokens: 5}},
	{"router, raw", hftest.ServerOptions{}, raw, "/hf-inference/models/" + hftest.ChatModel, hf.Usage{PromptTokens: 3, CompletionTokens: 5}},
	{"tgi", hftest.ServerOptions{Dialect: hftest.TGI}, func(*Options) {}, "/generate_stream", hf.Usage{PromptTokens: 3, CompletionTokens: 5}},
	{"tgi, tight", hftest.ServerOptions{Dialect: hftest.TGI, Tight: true}, func(*Options) {}, "/generate_stream", hf.Usage{PromptTokens: 3, CompletionTokens: 5}},
	{"openai", hftest.ServerOptions{Dialect: hftest.OpenAI}, func(*Options) {}, "/v1/chat/completions", hf.Usage{PromptTokens: 3, CompletionTokens: 5}},
	{"openai, raw", hftest.ServerOptions{Dialect: hftest.OpenAI, Tight: true}, raw, "/v1/completions", hf.Usage{PromptTokens: 3, CompletionTokens: 5}},
}

func TestStream(t *testing.T) {
	for _, test := range streams {
		t.Run(test.name, func(t *testing.T) {
			s, p := newPair(t, test.server, test.change)
			got, err := collect(t.Context(), p, chatCall)
			if err != nil {
				t.Fatal(err)
			}
			want := []hf.Delta{{Text: "You "}, {Text: "said: "}, {Text: "one "}, {Text: "two "}, {Text: "three"}, {FinishReason: "stop", Usage: &test.cost}}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("pieces (-want +got):\n%s", diff)
			}
			if path := s.Requests()[0].Path; path != test.path {
				t.Errorf("path %s, want %s", path, test.path)
			}
		})
	}
}

func TestStreamFailures(t *testing.T) {
	for _, test := range streams {
		s, p := newPair(t, test.server, test.change)
		for _, trouble := range []struct {
			name   string
			make   hftest.Trouble
			fault  hf.Fault
			pieces int
		}{
			{"half a stream", hftest.HalfStream(3, false), hf.FaultConnection, 2}, // the first event is a comment
			{"cut", hftest.HalfStream(3, true), hf.FaultConnection, 2},
			{"nothing", hftest.Status(200, "text/event-stream", ""), hf.FaultConnection, 0},
			{"half an event", hftest.Status(200, "text/event-stream", "data: {\"choices\":[{"), hf.FaultConnection, 0},
			{"no event", hftest.Status(200, "text/event-stream", "data: hello\n\n"), hf.FaultUnreadable, 0},
			{"html", hftest.HTML(200), hf.FaultUnreadable, 0},
			{"tgi complains", hftest.Status(200, "text/event-stream", "data:{\"error\":\"too long\",\"error_type\":\"validation\"}\n\n"), hf.FaultInvalid, 0},
			{"openai complains", hftest.Status(200, "text/event-stream", "data: {\"error\":{\"message\":\"oh\",\"type\":\"server_error\"}}\n\n"), hf.FaultServer, 0},
			{"status in the complaint", hftest.Status(200, "text/event-stream", "data: {\"error\":{\"message\":\"oh\",\"http_status_code\":429}}\n\n"), hf.FaultRateLimit, 0},
			{"rate limit", hftest.RateLimited(time.Second), hf.FaultRateLimit, 0},
			{"loading", hftest.Loading(time.Second), hf.FaultLoading, 0},
			{"credits", hftest.NoCredits(), hf.FaultCredits, 0},
			{"reset", hftest.Reset(), hf.FaultConnection, 0},
		} {
			t.Run(test.name+", "+trouble.name, func(t *testing.T) {
				p.client.CloseIdleConnections()
				s.Next(1, trouble.make)
				pieces, err := collect(t.Context(), p, chatCall)
				if faultIn(err) != trouble.fault || len(pieces) != trouble.pieces {
					t.Errorf("%d pieces, %v; want %d, %s", len(pieces), err, trouble.pieces, trouble.fault)
				}
			})
		}
	}
}

func TestStreamOfAServerThatDoesNotStream(t *testing.T) {
	s, p := newPair(t, hftest.ServerOptions{})
	s.Next(1, hftest.Status(200, "application/json", `{"choices":[{"message":{"content":"whole"},"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`))
	got, err := collect(t.Context(), p, chatCall)
	if err != nil {
		t.Fatal(err)
	}
	want := []hf.Delta{{Text: "whole"}, {FinishReason: "length", Usage: &hf.Usage{PromptTokens: 1, CompletionTokens: 2}}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStreamStops(t *testing.T) {
	_, p := newPair(t, hftest.ServerOptions{})
	n := 0
	for range p.Stream(t.Context(), chatCall) {
		if n++; n == 2 {
			break // the iterator panics if it goes on
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range p.Stream(ctx, chatCall) {
		cancel()
		last = err
	}
	if last != nil && !errors.Is(last, context.Canceled) {
		t.Errorf("after the caller has left: %v", last)
	}
	for _, c := range []hf.Call{embedCall, {Task: hf.TextGeneration}} {
		if _, err := collect(t.Context(), p, c); faultIn(err) != hf.FaultInvalid {
			t.Errorf("%s: %v", c.Task, err)
		}
	}
}

func TestStreamThatStalls(t *testing.T) {
	for _, events := range []int{0, 3} {
		synctest.Test(t, func(t *testing.T) {
			s := hftest.NewMemoryServer(t, hftest.ServerOptions{})
			p, err := New(Options{Type: HuggingFace, Endpoint: s.URL, Client: s.Client()})
			if err != nil {
				t.Fatal(err)
			}
			s.Next(2, hftest.Stall(events))
			var start time.Time
			for d, err := range p.Stream(t.Context(), chatCall) {
				if err != nil && (faultIn(err) != hf.FaultTimeout || !start.IsZero() && time.Since(start) != time.Minute) {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
				if d.Text != "" {
					time.Sleep(time.Hour) // a slow reader is no slow provider
					start = time.Now()
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := collect(ctx, p, chatCall); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}

// TestSlowEventsWithoutText holds that an event is a sign of life, whatever is in it.
func TestSlowEventsWithoutText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hftest.NewMemoryServer(t, hftest.ServerOptions{})
		p, err := New(Options{Type: HuggingFace, Endpoint: s.URL, Client: s.Client()})
		if err != nil {
			t.Fatal(err)
		}
		s.Next(1, func(w http.ResponseWriter, _ *http.Request, _ *hftest.Server) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 5 {
				_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{}}]}\n\n")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(40 * time.Second)
			}
			_, _ = io.WriteString(w, "data: [DONE]\n\n")
		})
		if _, err := collect(t.Context(), p, chatCall); err != nil {
			t.Error(err)
		}
	})
}

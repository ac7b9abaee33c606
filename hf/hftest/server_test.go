package hftest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// post answers the status and body of a request, and -1 where there was no whole answer.
func post(t *testing.T, s *Server, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.o.Key != "" {
		req.Header.Set("Authorization", "Bearer "+s.o.Key)
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		return -1, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return -1, err.Error()
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func TestServerSpeaksEachDialect(t *testing.T) {
	for _, test := range []struct {
		dialect    Dialect
		path, body string
		status     int
		want       string // a part of the answer
	}{
		{Router, "/hf-inference/models/" + EmbeddingModel + "/pipeline/feature-extraction", `{"inputs":"a"}`, 200, "["},
		{Router, "/hf-inference/models/" + EmbeddingModel, `{"inputs":"a"}`, 400, "SentenceSimilarityPipeline"},
		{Router, "/hf-inference/models/" + ClassifierModel, `{"inputs":"love"}`, 200, `[[{"label":"POSITIVE","score":0.75},`},
		{Router, "/hf-inference/models/" + ClassifierModel, `{"inputs":["a","b"]}`, 200, `[[{"label":"NEGATIVE","score":0.75},{"label":"POSITIVE","score":0.25}]]`},
		{Router, "/hf-inference/models/example/none", `{"inputs":"a"}`, 404, "Not Found"},
		{Router, "/hf-inference/models/" + SummaryModel, `{"inputs":7}`, 400, `{"error":["inputs`},
		{Router, "/hf-inference/models/" + ChatModel, `{"inputs":"a "}`, 200, `[{"generated_text":"a You said: a "}]`},
		{Router, "/v1/chat/completions", `{"model":"example/none","messages":[{}]}`, 400, "model_not_supported"},
		{TEI, "/embed", `{"inputs":["a"]}`, 200, "[["},
		{TEI, "/embed", `{"inputs":[]}`, 400, `"error_type":"Empty"`},
		{TEI, "/embed", `{"inputs":["` + strings.Repeat(`a","`, 32) + `a"]}`, 422, "batch size 33"},
		{TEI, "/embed", `{"inputs":`, 422, "Failed to deserialize"},
		{TEI, "/predict", `{"inputs":["a","love"]}`, 200, `[{"label":"POSITIVE"`},
		{TEI, "/predict", `{"inputs":["a","b","c"]}`, 422, "Failed"},
		{TEI, "/v1/models", ``, 404, ""},
		{TEI, "/v1/embeddings", `{"input":7}`, 400, `"type":"Validation"`},
		{TGI, "/generate", `{"inputs":"a","parameters":{"max_new_tokens":2}}`, 200, `{"generated_text":"You said: "}`},
		{TGI, "/generate", `{"inputs":"a","parameters":{"temperature":0}}`, 422, "strictly positive"},
		{TGI, "/", `{"inputs":"a","parameters":{"return_full_text":false}}`, 200, `[{"generated_text":"You said: a"}]`},
		{TGI, "/v1/chat/completions", `{"messages":[{"content":"a"}],"stop":"x"}`, 422, "Failed to deserialize"},
		{OpenAI, "/v1/embeddings", `{"model":"` + EmbeddingModel + `","input":"a","encoding_format":"base64"}`, 200, `"object":"embedding"`},
		{OpenAI, "/v1/embeddings", `{"model":"other","input":"a"}`, 404, "model_not_found"},
		{OpenAI, "/v1/completions", `{"model":"` + ChatModel + `","prompt":"a"}`, 200, `"text":"You said: a"`},
		{OpenAI, "/v2", ``, 404, "unknown_url"},
	} {
		s := NewServer(t, ServerOptions{Dialect: test.dialect, Key: "k"})
		status, got := post(t, s, test.path, test.body)
		if status != test.status || !strings.Contains(got, test.want) {
			t.Errorf("%s %s %.60s: %d %s", test.dialect, test.path, test.body, status, got)
		}
		if r := s.Requests()[0]; r.Path != test.path || string(r.Body) != test.body || r.Header.Get("Content-Type") == "" {
			t.Errorf("recorded %+v", r)
		}
	}
}

func TestTroublesComeInOrderAndEnd(t *testing.T) {
	s := NewServer(t, ServerOptions{Dialect: TEI})
	s.Next(2, Broken(500))
	s.Next(1, Reset())
	s.Next(1, Cut())
	s.Next(1, RateLimited(time.Second))
	for i, want := range []int{500, 500, -1, -1, 429, 200} {
		s.Client().CloseIdleConnections()
		if status, body := post(t, s, "/embed", `{"inputs":["a"]}`); status != want {
			t.Errorf("request %d: %d %s, want %d", i, status, body, want)
		}
	}
}

func TestMemoryServerKeepsFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewMemoryServer(t, ServerOptions{Dialect: TEI})
		s.Load(time.Hour)
		if status, body := post(t, s, "/embed", `{"inputs":["a"]}`); status != 503 || !strings.Contains(body, `"estimated_time":3600`) {
			t.Errorf("%d %s", status, body)
		}
		time.Sleep(time.Hour)
		s.Next(1, Slow(time.Minute))
		start := time.Now()
		if status, body := post(t, s, "/embed", `{"inputs":["a"]}`); status != 200 || time.Since(start) != time.Minute {
			t.Errorf("%d %s after %v", status, body, time.Since(start))
		}
	})
}

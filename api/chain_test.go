package api_test

import (
	"slices"
	"strings"
	"testing"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/hf/hftest"
)

// TestSearchdBehindSearchd makes one server the provider of another: what it says to clients, its own client understands.
func TestSearchdBehindSearchd(t *testing.T) {
	m := hftest.NewModel(hftest.Options{ID: "test/far"})
	far := startWired(t, zoo(m), wiring{})
	upstream := hftest.NewServer(t, hftest.ServerOptions{})
	far.provide("up", "huggingface", upstream.URL, testKey, hftest.ChatModel)
	far.preset("up")
	near := startWith(t, quick())
	check(t, far)
	check(t, near)
	texts := []string{"Yeast lifts the dough.", "The moon pulls the sea."}
	want := vectorsOf(t, m, hf.Document, texts...)
	for kind, endpoint := range map[string]string{"tei": far.url, "openai": far.url + "/v1"} {
		made := near.provide(kind, kind, endpoint, testKey, hftest.ChatModel)
		if probe := as[wire.Probe](t, near.post("/providers/"+kind+"/test", `{}`), 200); !strings.Contains(mustJSON(t, probe.Trials[0]), `"upstream_status":200`) {
			t.Errorf("%s: %+v", kind, probe)
		}
		got := as[wire.Embeddings](t, near.post("/embeddings", mustJSON(t, map[string]any{
			"provider": made.ProviderID, "model": "test/far", "documents": []map[string]string{{"id": "a", "content": texts[0]}, {"id": "b", "content": texts[1]}},
		})), 200)
		for i := range want {
			if !slices.Equal(got.Results[i].Embedding, want[i]) {
				t.Errorf("%s: %v, want %v", kind, got.Results[i].Embedding, want[i])
			}
		}
		if got.Usage.PromptTokens == 0 {
			t.Errorf("%s does not say what it cost: %+v", kind, got.Done)
		}
	}
	direct := as[wire.Completion](t, far.post("/complete", `{"prompt":"Hello","max_tokens":20}`), 200)
	through := as[wire.Completion](t, near.post("/complete", `{"provider":"openai","prompt":"Hello","max_tokens":20}`), 200)
	if through.Text != direct.Text || through.Text == "" || through.FinishReason != direct.FinishReason || through.Usage.CompletionTokens != direct.Usage.CompletionTokens {
		t.Errorf("chat: %+v, want %+v", through, direct)
	}
	stream := string(near.post("/complete", `{"provider":"openai","prompt":"Hello","max_tokens":20,"stream":true}`).body)
	if !strings.Contains(stream, "event: done") || !strings.Contains(stream, mustJSON(t, direct.Text)) {
		t.Errorf("stream: %s", stream)
	}
	rerankedFrom(t, near)
	classes := as[wire.ErrorAnswer](t, near.post("/sentiment", `{"provider":"tei","text":"LOUD"}`), 422).Error
	if !strings.Contains(classes.Message, "loud") {
		t.Errorf("the far classifier's labels are not those of sentiment: %+v", classes)
	}
}

// rerankedFrom lets the far cross-encoder, which counts common words, order the hits of the near server.
func rerankedFrom(t *testing.T, near *server) {
	t.Helper()
	near.add(
		wire.Document{ID: "none", Text: "Nothing of it."}, wire.Document{ID: "two", Text: "the moon pulls"}, wire.Document{ID: "one", Text: "a moon"},
	)
	for _, by := range []string{`"rerank_provider":"tei"`, `"rerank_provider":"openai","rerank_model":"test/overlap"`} {
		got := as[wire.SearchAnswer](t, near.post("/search", `{"query":"moon pulls","rerank":true,"explain":true,`+by+`}`), 200)
		var ids []string
		for _, h := range got.Hits {
			ids = append(ids, h.DocumentID)
			if h.Explain.Rerank == nil {
				t.Errorf("%s: %s was not read", by, h.DocumentID)
			}
		}
		if !slices.Equal(ids, []string{"two", "one", "none"}) || got.TimingsMS["rerank"] <= 0 {
			t.Errorf("%s: %v, timings %v", by, ids, got.TimingsMS)
		}
	}
	for _, b := range []struct{ by, param string }{
		{`"rerank_provider":"nobody"`, "rerank_provider"}, {`"rerank_provider":"local"`, "rerank_provider"},
		{`"rerank_provider":"openai"`, "rerank_model"}, {`"rerank":false,"rerank_provider":"tei"`, "rerank_provider"},
	} {
		body := `{"query":"moon","rerank":true,` + b.by + `}`
		if strings.Contains(b.by, "false") {
			body = `{"query":"moon",` + b.by + `}`
		}
		if e := near.post("/search", body); e.status != 404 && e.status != 422 || as[wire.ErrorAnswer](t, e, e.status).Error.Param != b.param {
			t.Errorf("%s: %d %s", b.by, e.status, e.body)
		}
	}
}

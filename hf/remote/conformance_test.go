package remote

import (
	"cmp"
	"strings"
	"testing"

	"searchd/hf"
	"searchd/hf/hftest"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const testKey = "hf_secretSECRETsecret"

func ptr[T any](v T) *T { return &v }

// newPair is a fake server and a provider that talks to it.
func newPair(t *testing.T, so hftest.ServerOptions, change ...func(*Options)) (*hftest.Server, *Provider) {
	t.Helper()
	so.Key = cmp.Or(so.Key, testKey)
	s := hftest.NewServer(t, so)
	o := Options{Type: Type(cmp.Or(so.Dialect, hftest.Router)), Endpoint: s.URL, Key: testKey, AllowPrivate: true}
	for _, c := range change {
		c(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func raw(o *Options) { o.RawPrompts = true }

func mean(text string) []float32 {
	rows := hftest.TokenVectors(text, 8)
	sum := make([]float32, 8)
	for _, row := range rows {
		for i, f := range row {
			sum[i] += f / float32(len(rows))
		}
	}
	return sum
}

var (
	askedTwo = []string{"I love it", "it broke"}
	two      = [][]float32{hftest.Vector("I love it", 8), hftest.Vector("it broke", 8)}
	labels   = [][]hf.Label{hftest.Sentiment("I love it"), hftest.Sentiment("it broke")}
	some     = hf.Params{MaxTokens: ptr(3), Temperature: ptr(0.5), TopP: ptr(0.9), TopK: ptr(4), RepetitionPenalty: ptr(1.1), Stop: []string{"#"}, Seed: ptr(int64(7))}
)

// conformance has a call of each task for each type that does it: what is sent, and what comes back.
var conformance = []struct {
	name   string
	server hftest.ServerOptions
	change func(*Options)
	call   hf.Call
	want   hf.Reply
	path   string
	sent   map[string]any // the body of the last request
}{
	{
		name: "router embeds", call: hf.Call{Task: hf.FeatureExtraction, Model: hftest.EmbeddingModel, Inputs: askedTwo},
		want: hf.Reply{Model: hftest.EmbeddingModel, Vectors: two},
		path: "/hf-inference/models/sentence-transformers/all-MiniLM-L6-v2/pipeline/feature-extraction",
		sent: map[string]any{"inputs": []any{"I love it", "it broke"}, "truncate": true},
	},
	{
		name: "router embeds tokens", server: hftest.ServerOptions{Shape: hftest.Tokens},
		call: hf.Call{Task: hf.FeatureExtraction, Model: hftest.EmbeddingModel, Inputs: askedTwo},
		want: hf.Reply{Model: hftest.EmbeddingModel, Vectors: [][]float32{mean("I love it"), mean("it broke")}},
	},
	{
		name: "router squeezes", server: hftest.ServerOptions{Shape: hftest.Squeezed},
		call: hf.Call{Task: hf.FeatureExtraction, Model: hftest.EmbeddingModel, Inputs: askedTwo[:1]},
		want: hf.Reply{Model: hftest.EmbeddingModel, Vectors: two[:1]},
		sent: map[string]any{"inputs": []any{"I love it"}, "truncate": true},
	},
	{
		name: "router classifies", call: hf.Call{Task: hf.TextClassification, Model: hftest.ClassifierModel, Inputs: askedTwo},
		want: hf.Reply{Model: hftest.ClassifierModel, Labels: labels},
		path: "/hf-inference/models/distilbert/sst-2-english",
		sent: map[string]any{"inputs": "it broke"},
	},
	{
		name: "router classifies, best label", call: hf.Call{Task: hf.TextClassification, Model: hftest.ClassifierModel, Inputs: askedTwo[:1], Params: hf.Params{TopK: ptr(1)}},
		want: hf.Reply{Model: hftest.ClassifierModel, Labels: [][]hf.Label{labels[0][:1]}},
		sent: map[string]any{"inputs": "I love it", "parameters": map[string]any{"top_k": 1.0}},
	},
	{
		name: "router summarizes", call: hf.Call{Task: hf.Summarization, Model: hftest.SummaryModel, Inputs: []string{"a b c d"}, Params: hf.Params{MaxTokens: ptr(2), MinTokens: ptr(1), DoSample: ptr(false)}},
		want: hf.Reply{Model: hftest.SummaryModel, Texts: []string{"a b"}},
		path: "/hf-inference/models/facebook/bart-large-cnn",
		sent: map[string]any{"inputs": "a b c d", "parameters": map[string]any{"max_length": 2.0, "min_length": 1.0, "do_sample": false}},
	},
	{
		name: "router translates", call: hf.Call{Task: hf.Translation, Model: hftest.TranslationModel, Inputs: []string{"hello", "sea"}, Source: "en_XX", Target: "fr_XX"},
		want: hf.Reply{Model: hftest.TranslationModel, Texts: []string{"[en_XX>fr_XX] hello", "[en_XX>fr_XX] sea"}},
		sent: map[string]any{"inputs": "sea", "parameters": map[string]any{"src_lang": "en_XX", "tgt_lang": "fr_XX"}},
	},
	{
		name: "router chats", call: hf.Call{Task: hf.TextGeneration, Model: hftest.ChatModel, Inputs: []string{"hi there <b>"}, Params: some},
		want: hf.Reply{Model: hftest.ChatModel, Texts: []string{"You said: hi "}, FinishReason: "length", Usage: hf.Usage{PromptTokens: 3, CompletionTokens: 3}},
		path: "/v1/chat/completions",
		sent: map[string]any{
			"model": hftest.ChatModel, "messages": []any{map[string]any{"role": "user", "content": "hi there <b>"}}, "max_tokens": 3.0,
			"temperature": 0.5, "top_p": 0.9, "top_k": 4.0, "repetition_penalty": 1.1, "stop": []any{"#"}, "seed": 7.0,
		},
	},
	{
		name: "router continues", change: raw, call: hf.Call{Task: hf.TextGeneration, Model: hftest.ChatModel, Inputs: []string{"hi"}},
		want: hf.Reply{Model: hftest.ChatModel, Texts: []string{"You said: hi"}},
		path: "/hf-inference/models/example/chat-1b",
		sent: map[string]any{"inputs": "hi", "parameters": map[string]any{"return_full_text": false}},
	},
	{
		name: "tei embeds", server: hftest.ServerOptions{Dialect: hftest.TEI}, call: hf.Call{Task: hf.FeatureExtraction, Model: "any", Inputs: askedTwo},
		want: hf.Reply{Model: "any", Vectors: two, Usage: hf.Usage{PromptTokens: 9}},
		path: "/embed", sent: map[string]any{"inputs": []any{"I love it", "it broke"}, "truncate": true},
	},
	{
		name: "tei classifies", server: hftest.ServerOptions{Dialect: hftest.TEI}, call: hf.Call{Task: hf.TextClassification, Model: "any", Inputs: askedTwo},
		want: hf.Reply{Model: "any", Labels: labels},
		path: "/predict", sent: map[string]any{"inputs": []any{[]any{"I love it"}, []any{"it broke"}}, "truncate": true},
	},
	{
		name: "tgi generates", server: hftest.ServerOptions{Dialect: hftest.TGI}, call: hf.Call{Task: hf.TextGeneration, Inputs: []string{"hi there"}, Params: some},
		want: hf.Reply{Texts: []string{"You said: hi "}, FinishReason: "length", Usage: hf.Usage{PromptTokens: 2, CompletionTokens: 3}},
		path: "/generate",
		sent: map[string]any{"inputs": "hi there", "parameters": map[string]any{
			"max_new_tokens": 3.0, "temperature": 0.5, "top_p": 0.9, "top_k": 4.0, "repetition_penalty": 1.1, "stop": []any{"#"}, "seed": 7.0,
			"return_full_text": false, "details": true,
		}},
	},
	{
		name: "tgi, greedy", server: hftest.ServerOptions{Dialect: hftest.TGI},
		call: hf.Call{Task: hf.TextGeneration, Inputs: []string{"hi"}, Params: hf.Params{Temperature: ptr(0.0), TopP: ptr(1.0)}},
		want: hf.Reply{Texts: []string{"You said: hi"}, FinishReason: "stop", Usage: hf.Usage{PromptTokens: 1, CompletionTokens: 3}},
		sent: map[string]any{"inputs": "hi", "parameters": map[string]any{"do_sample": false, "return_full_text": false, "details": true}},
	},
	{
		name: "tgi chats", server: hftest.ServerOptions{Dialect: hftest.TGI},
		call: hf.Call{Task: hf.TextGeneration, Messages: []hf.Message{{Role: "system", Content: "be brief"}, {Role: "user", Content: "hi"}}},
		want: hf.Reply{Model: "tgi", Texts: []string{"You said: hi"}, FinishReason: "stop", Usage: hf.Usage{PromptTokens: 1, CompletionTokens: 3}},
		path: "/v1/chat/completions",
		sent: map[string]any{"model": "tgi", "messages": []any{map[string]any{"role": "system", "content": "be brief"}, map[string]any{"role": "user", "content": "hi"}}},
	},
	{
		name: "openai embeds", server: hftest.ServerOptions{Dialect: hftest.OpenAI}, call: hf.Call{Task: hf.FeatureExtraction, Model: hftest.EmbeddingModel, Inputs: askedTwo},
		want: hf.Reply{Model: hftest.EmbeddingModel, Vectors: two, Usage: hf.Usage{PromptTokens: 5}},
		path: "/v1/embeddings", sent: map[string]any{"model": hftest.EmbeddingModel, "input": []any{"I love it", "it broke"}, "encoding_format": "base64"},
	},
	{
		name: "tei ranks", server: hftest.ServerOptions{Dialect: hftest.TEI}, call: hf.Call{Task: hf.TextRanking, Query: "love it", Inputs: askedTwo},
		want: hf.Reply{Scores: []float32{1, 0}},
		path: "/rerank", sent: map[string]any{"query": "love it", "texts": []any{"I love it", "it broke"}, "truncate": true},
	},
	{
		name: "tei ranks in batches", server: hftest.ServerOptions{Dialect: hftest.TEI}, change: func(o *Options) { o.BatchSize = 1 },
		call: hf.Call{Task: hf.TextRanking, Query: "love it", Inputs: askedTwo}, want: hf.Reply{Scores: []float32{1, 0}},
		path: "/rerank", sent: map[string]any{"query": "love it", "texts": []any{"it broke"}, "truncate": true},
	},
	{
		name: "openai ranks", server: hftest.ServerOptions{Dialect: hftest.OpenAI},
		call: hf.Call{Task: hf.TextRanking, Model: hftest.ChatModel, Query: "broke", Inputs: askedTwo},
		want: hf.Reply{Model: hftest.ChatModel, Scores: []float32{-1, 0}, Usage: hf.Usage{PromptTokens: 2}},
		path: "/v1/rerank", sent: map[string]any{"model": hftest.ChatModel, "query": "broke", "documents": []any{"I love it", "it broke"}},
	},
	{
		name: "openai chats", server: hftest.ServerOptions{Dialect: hftest.OpenAI},
		call: hf.Call{Task: hf.TextGeneration, Model: hftest.ChatModel, Inputs: []string{"hi # there"}, Params: hf.Params{Stop: []string{"#"}, DoSample: ptr(false)}},
		want: hf.Reply{Model: hftest.ChatModel, Texts: []string{"You said: hi "}, FinishReason: "stop", Usage: hf.Usage{PromptTokens: 3, CompletionTokens: 4}},
		path: "/v1/chat/completions",
		sent: map[string]any{"model": hftest.ChatModel, "messages": []any{map[string]any{"role": "user", "content": "hi # there"}}, "stop": []any{"#"}, "temperature": 0.0},
	},
	{
		name: "openai continues", server: hftest.ServerOptions{Dialect: hftest.OpenAI}, change: raw,
		call: hf.Call{Task: hf.TextGeneration, Model: hftest.ChatModel, Inputs: []string{"hi"}},
		want: hf.Reply{Model: hftest.ChatModel, Texts: []string{"You said: hi"}, FinishReason: "stop", Usage: hf.Usage{PromptTokens: 1, CompletionTokens: 3}},
		path: "/v1/completions", sent: map[string]any{"model": hftest.ChatModel, "prompt": "hi"},
	},
}

func TestConformance(t *testing.T) {
	for _, test := range conformance {
		t.Run(test.name, func(t *testing.T) {
			if test.change == nil {
				test.change = func(*Options) {}
			}
			s, p := newPair(t, test.server, test.change)
			got, err := p.Do(t.Context(), test.call)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(test.want, got, cmpopts.EquateApprox(0, 1e-6)); diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
			last := s.Requests()[len(s.Requests())-1]
			if test.path != "" && last.Path != test.path {
				t.Errorf("path %s, want %s", last.Path, test.path)
			}
			if diff := gocmp.Diff(test.sent, last.Fields()); test.sent != nil && diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if strings.Contains(string(last.Body), `\u003c`) {
				t.Error("the body escapes what needs no escape")
			}
		})
	}
}

func TestUnsupportedTasks(t *testing.T) {
	can := map[Type][]hf.Task{
		TEI: {hf.FeatureExtraction, hf.TextClassification}, TGI: {hf.TextGeneration}, OpenAI: {hf.TextGeneration, hf.FeatureExtraction},
		HuggingFace: {hf.TextGeneration, hf.FeatureExtraction, hf.TextClassification, hf.Summarization, hf.Translation},
	}
	for kind, tasks := range can {
		p, err := New(Options{Type: kind, Endpoint: "https://provider.example"})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range []hf.Task{hf.TextGeneration, hf.FeatureExtraction, hf.TextClassification, hf.Summarization, hf.Translation, "fill-mask"} {
			_, err := p.route(hf.Call{Task: task, Model: "a/b", Inputs: []string{"x"}}, false)
			want := hf.FaultUnsupport
			for _, able := range tasks {
				if able == task {
					want = ""
				}
			}
			if got := faultIn(err); got != want {
				t.Errorf("%s, %s: %q, want %q", kind, task, got, want)
			}
		}
	}
}

func TestBatches(t *testing.T) {
	s, p := newPair(t, hftest.ServerOptions{Dialect: hftest.TEI})
	texts := make([]string, 70)
	for i := range texts {
		texts[i] = strings.Repeat("x", i+1)
	}
	got, err := p.Do(t.Context(), hf.Call{Task: hf.FeatureExtraction, Inputs: texts})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Requests()) != 3 || len(got.Vectors) != 70 || got.Usage.PromptTokens != 210 {
		t.Errorf("%d requests, %d vectors, %+v", len(s.Requests()), len(got.Vectors), got.Usage)
	}
	if diff := gocmp.Diff(hftest.Vector(texts[69], 8), got.Vectors[69], cmpopts.EquateApprox(0, 1e-6)); diff != "" {
		t.Error("the last vector is another text's: ", diff)
	}
}

func TestWrongCalls(t *testing.T) {
	_, p := newPair(t, hftest.ServerOptions{})
	for name, c := range map[string]hf.Call{
		"nothing to embed": {Task: hf.FeatureExtraction, Model: "a/b"},
		"no prompt":        {Task: hf.TextGeneration, Model: "a/b"},
		"empty prompt":     {Task: hf.TextGeneration, Model: "a/b", Inputs: []string{" \n"}},
		"two prompts":      {Task: hf.TextGeneration, Model: "a/b", Inputs: []string{"a", "b"}},
		"both":             {Task: hf.TextGeneration, Model: "a/b", Inputs: []string{"a"}, Messages: []hf.Message{{Role: "user", Content: "b"}}},
		"no model":         {Task: hf.TextGeneration, Inputs: []string{"a"}},
		"a path":           {Task: hf.FeatureExtraction, Model: "../../v1", Inputs: []string{"a"}},
		"a path inside":    {Task: hf.FeatureExtraction, Model: "a/b..c", Inputs: []string{"a"}},
		"a query":          {Task: hf.FeatureExtraction, Model: "a/b?x=y", Inputs: []string{"a"}},
		"one language":     {Task: hf.Translation, Model: "a/b", Inputs: []string{"a"}, Target: "fr"},
		"a conversation":   {Task: hf.Summarization, Model: "a/b", Messages: []hf.Message{{Role: "user", Content: "b"}}},
	} {
		if _, err := p.Do(t.Context(), c); faultIn(err) != hf.FaultInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

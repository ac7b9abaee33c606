package api_test

import (
	"strings"
	"testing"

	"searchd/api/wire"
	"searchd/hf/hftest"
)

// TestOpenAI speaks as OpenAI's clients do, to a provider behind searchd.
func TestOpenAI(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	server := hftest.NewServer(t, hftest.ServerOptions{Dialect: hftest.OpenAI, Key: testKey})
	s.provide("p", "openai", server.URL, testKey, hftest.ChatModel)
	s.preset("p")

	got := as[wire.OpenAIAnswer](t, s.post("/v1/chat/completions", `{"model":"`+hftest.ChatModel+`","user":"ignored","stop":"\n\n",
		"messages":[{"role":"system","content":"Be short."},{"role":"user","content":[{"type":"text","text":"Hello"}]}]}`), 200)
	if len(got.Choices) != 1 || *got.Choices[0].Message.Content == "" || got.Choices[0].Message.Role != "assistant" ||
		*got.Choices[0].FinishReason == "" || got.Usage == nil || got.Object != "chat.completion" {
		t.Errorf("chat: %+v", got)
	}
	older := as[wire.OpenAIAnswer](t, s.post("/v1/completions", `{"model":"`+hftest.ChatModel+`","prompt":["Hello"],"max_tokens":5}`), 200)
	if len(older.Choices) != 1 || *older.Choices[0].Text == "" || older.Object != "text_completion" {
		t.Errorf("completions: %+v", older)
	}
	stream := string(s.post("/v1/chat/completions", `{"model":"`+hftest.ChatModel+`","messages":[{"role":"user","content":"Hello"}],
		"stream":true,"stream_options":{"include_usage":true}}`).body)
	events := strings.Split(strings.TrimSpace(stream), "\n\n")
	if n := len(events); n < 5 || events[n-1] != "data: [DONE]" || !strings.Contains(events[n-2], `"usage":{"prompt_tokens"`) ||
		!strings.Contains(events[0], `"role":"assistant"`) || !strings.Contains(events[n-3], `"finish_reason":"`) {
		t.Errorf("stream: %s", stream)
	}
	list := as[wire.OpenAIModels](t, s.get("/v1/models"), 200)
	if len(list.Data) < 2 || list.Data[0].OwnedBy != "local" || list.Data[1].ID != hftest.ChatModel {
		t.Errorf("models: %+v", list)
	}
}

func TestBadOpenAI(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	for _, test := range []struct{ path, body, param string }{
		{"/v1/chat/completions", `{"messages":[]}`, "messages"},
		{"/v1/chat/completions", `{"messages":[{"role":"robot","content":"a"}]}`, "messages[0].role"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":5}]}`, "messages[0].content"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":" "}]}`, "messages[0].content"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, "messages[0].content[0].type"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"temperature":7}`, "temperature"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}],"stop":5}`, "stop"},
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"a"}]}`, "provider"},
		{"/v1/completions", `{"prompt":["a","b"]}`, "prompt"},
		{"/v1/completions", `{"prompt":""}`, "prompt"},
	} {
		if e := as[wire.ErrorAnswer](t, s.post(test.path, test.body), 400).Error; e.Param != test.param || e.Type != "invalid_request_error" {
			t.Errorf("%s %s: %+v, want %s", test.path, test.body, e, test.param)
		}
	}
}

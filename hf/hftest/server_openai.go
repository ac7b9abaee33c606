package hftest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"strings"
)

func (s *Server) routeOpenAI() {
	s.mux.HandleFunc("POST /v1/embeddings", s.openAIEmbeddings)
	s.mux.HandleFunc("POST /v1/chat/completions", s.chat)
	s.mux.HandleFunc("POST /v1/completions", s.completions)
	s.mux.HandleFunc("POST /v1/rerank", s.openAIRerank)
	s.mux.HandleFunc("GET /v1/models", s.models)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.openAIError(w, http.StatusNotFound, "Unknown request URL: "+r.Method+" "+r.URL.Path, "unknown_url")
	})
}

func (s *Server) openAIError(w http.ResponseWriter, status int, message, code string) {
	if s.o.Dialect == TEI {
		writeJSON(w, status, map[string]any{"message": message, "code": status, "type": "Validation"})
		return
	}
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error", "param": nil, "code": code}})
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	var data []any
	for _, id := range []string{EmbeddingModel, ChatModel} {
		data = append(data, map[string]any{"id": id, "object": "model", "created": 1700000000, "owned_by": strings.Split(id, "/")[0]})
	}
	writeJSON(w, 200, map[string]any{"object": "list", "data": data})
}

func (s *Server) openAIRerank(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Model, Query string
		Documents    []string
	}
	if decode(w, r, &q) && s.has(w, q.Model) {
		writeJSON(w, 200, map[string]any{
			"model": q.Model, "results": ranksOf(q.Query, q.Documents, "relevance_score"), "usage": map[string]int{"total_tokens": len(q.Documents)},
		})
	}
}

// chatRequest is also one for a completion.
type chatRequest struct {
	Model    string
	Messages []struct{ Role, Content string }
	Prompt   string
	Max      int `json:"max_tokens"`
	Stop     []string
	Stream   bool
	Options  struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	var q chatRequest
	if !decode(w, r, &q) || !s.has(w, q.Model) {
		return
	}
	if len(q.Messages) == 0 {
		s.openAIError(w, http.StatusBadRequest, "messages must not be empty", "")
		return
	}
	out := write(q.Messages[len(q.Messages)-1].Content, q.Max, q.Stop)
	if q.Stream {
		s.streamChoices(w, q, out, "chat.completion.chunk", func(text string) map[string]any {
			return map[string]any{"delta": map[string]string{"content": text}}
		})
		return
	}
	message := map[string]string{"role": "assistant", "content": out.text()}
	s.choice(w, q.Model, "chat.completion", out, map[string]any{"index": 0, "message": message, "finish_reason": out.reason})
}

func (s *Server) completions(w http.ResponseWriter, r *http.Request) {
	var q chatRequest
	if !decode(w, r, &q) || !s.has(w, q.Model) {
		return
	}
	out := write(q.Prompt, q.Max, q.Stop)
	if q.Stream {
		s.streamChoices(w, q, out, "text_completion", func(text string) map[string]any { return map[string]any{"text": text} })
		return
	}
	s.choice(w, q.Model, "text_completion", out, map[string]any{"index": 0, "text": out.text(), "finish_reason": out.reason})
}

// has says that the model is served. TGI has one model and takes any name for it.
func (s *Server) has(w http.ResponseWriter, model string) bool {
	if s.o.Dialect == TGI || model == ChatModel {
		return true
	}
	if s.o.Dialect == Router {
		s.openAIError(w, http.StatusBadRequest, "The requested model '"+model+"' is not supported by any provider you have enabled.",
			"model_not_supported")
		return false
	}
	s.openAIError(w, http.StatusNotFound, "The model `"+model+"` does not exist", "model_not_found")
	return false
}

func (s *Server) choice(w http.ResponseWriter, model, object string, out written, choice map[string]any) {
	writeJSON(w, 200, map[string]any{
		"id": "x-1", "object": object, "created": 1700000000, "model": model, "choices": []any{choice}, "usage": out.usage(),
	})
}

func (w written) usage() map[string]int {
	return map[string]int{"prompt_tokens": w.prompt, "completion_tokens": len(w.pieces), "total_tokens": w.prompt + len(w.pieces)}
}

func (s *Server) streamChoices(w http.ResponseWriter, q chatRequest, out written, object string, piece func(string) map[string]any) {
	stream := s.newStream(w)
	send := func(usage any, choices ...any) {
		event := map[string]any{"id": "x-1", "object": object, "created": 1, "model": q.Model, "choices": append([]any{}, choices...)}
		if usage != nil {
			event["usage"] = usage
		}
		stream.event(event)
	}
	choice := func(text string, reason any) map[string]any {
		c := piece(text)
		c["index"], c["finish_reason"] = 0, reason
		return c
	}
	for _, text := range out.pieces {
		send(nil, choice(text, nil))
	}
	send(nil, choice("", out.reason))
	if q.Options.IncludeUsage {
		send(out.usage())
	}
	if !s.o.NoDone {
		stream.raw("[DONE]")
	}
}

// openAIEmbeddings gives the items in reverse: callers must go by the index.
func (s *Server) openAIEmbeddings(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Model  string
		Input  json.RawMessage
		Format string `json:"encoding_format"`
	}
	if !decode(w, r, &q) {
		return
	}
	_, texts, ok := textOrList(q.Input)
	switch {
	case !ok || len(texts) == 0:
		s.openAIError(w, http.StatusBadRequest, "input must be a string or a list of strings", "")
		return
	case s.o.Dialect == OpenAI && q.Model != EmbeddingModel:
		s.openAIError(w, http.StatusNotFound, "The model `"+q.Model+"` does not exist", "model_not_found")
		return
	}
	var data []any
	words := 0
	for i := len(texts) - 1; i >= 0; i-- {
		words += len(strings.Fields(texts[i]))
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": encodeVector(Vector(texts[i], s.o.Dimensions), q.Format)})
	}
	writeJSON(w, 200, map[string]any{"object": "list", "data": data, "model": EmbeddingModel, "usage": map[string]int{"prompt_tokens": words, "total_tokens": words}})
}

func encodeVector(v []float32, format string) any {
	if format != "base64" {
		return v
	}
	var raw []byte
	for _, f := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

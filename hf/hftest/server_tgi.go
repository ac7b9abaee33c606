package hftest

import (
	"encoding/json"
	"net/http"
)

func (s *Server) routeTGI() {
	s.mux.HandleFunc("POST /generate", func(w http.ResponseWriter, r *http.Request) {
		var q generateRequest
		if decode(w, r, &q) {
			q.Stream = false
			s.generate(w, r, q, false)
		}
	})
	s.mux.HandleFunc("POST /generate_stream", func(w http.ResponseWriter, r *http.Request) {
		var q generateRequest
		if decode(w, r, &q) {
			q.Stream = true
			s.generate(w, r, q, false)
		}
	})
	s.mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		var q generateRequest
		if decode(w, r, &q) {
			s.generate(w, r, q, true)
		}
	})
	s.mux.HandleFunc("POST /v1/chat/completions", s.chat)
	s.mux.HandleFunc("POST /v1/completions", s.completions)
	s.mux.HandleFunc("GET /v1/models", s.models)
	s.mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 200, map[string]any{"model_id": ChatModel, "version": "3.3.6", "max_input_tokens": 1024, "max_total_tokens": 2048})
	})
	s.mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
}

type generateRequest struct {
	Inputs     string             `json:"inputs"`
	Parameters generateParameters `json:"parameters"`
	Stream     bool               `json:"stream"`
}

type generateParameters struct {
	MaxNewTokens   int      `json:"max_new_tokens"`
	Temperature    *float64 `json:"temperature"`
	TopP           *float64 `json:"top_p"`
	Stop           []string `json:"stop"`
	Details        bool     `json:"details"`
	ReturnFullText *bool    `json:"return_full_text"`
}

// generate answers /generate, /generate_stream and, as a list, the root. The root repeats the prompt unless told not to.
func (s *Server) generate(w http.ResponseWriter, _ *http.Request, q generateRequest, root bool) {
	p := q.Parameters
	switch {
	case q.Inputs == "":
		s.tgiError(w, "`inputs` must be non-empty")
	case p.Temperature != nil && *p.Temperature <= 0:
		s.tgiError(w, "`temperature` must be strictly positive")
	case p.TopP != nil && (*p.TopP <= 0 || *p.TopP >= 1):
		s.tgiError(w, "`top_p` must be > 0.0 and < 1.0")
	default:
		out := write(q.Inputs, p.MaxNewTokens, p.Stop)
		if q.Stream {
			s.tokens(w, out)
			return
		}
		text := out.text()
		if root && (p.ReturnFullText == nil || *p.ReturnFullText) {
			text = q.Inputs + text
		}
		answer := map[string]any{"generated_text": text}
		if p.Details {
			answer["details"] = out.details()
		}
		if root {
			writeJSON(w, 200, []any{answer})
			return
		}
		writeJSON(w, 200, answer)
	}
}

func (s *Server) tgiError(w http.ResponseWriter, message string) {
	writeJSON(w, 422, map[string]string{"error": "Input validation error: " + message, "error_type": "validation"})
}

func (w written) details() map[string]any {
	reason := "eos_token"
	switch {
	case w.reason == "length":
		reason = "length"
	case w.stoppedBy:
		reason = "stop_sequence"
	}
	return map[string]any{"finish_reason": reason, "generated_tokens": len(w.pieces), "input_length": w.prompt, "seed": nil, "prefill": []any{}}
}

// tokens streams: after the words a special token that is no text, which has the whole text with it. There is no [DONE].
func (s *Server) tokens(w http.ResponseWriter, out written) {
	stream := s.newStream(w)
	for i, piece := range out.pieces {
		stream.event(map[string]any{"index": i + 1, "token": map[string]any{"id": i, "text": piece, "special": false}, "generated_text": nil, "details": nil})
	}
	stream.event(map[string]any{
		"index": len(out.pieces) + 1, "token": map[string]any{"id": 2, "text": "</s>", "special": true},
		"generated_text": out.text(), "details": out.details(),
	})
}

// stream writes server-sent events, each at once, with a comment to begin with.
type stream struct {
	w     http.ResponseWriter
	start string
}

func (s *Server) newStream(w http.ResponseWriter) stream {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = w.Write([]byte(": keep-alive\n\n"))
	if s.o.Tight {
		return stream{w, "data:"}
	}
	return stream{w, "data: "}
}

func (s stream) event(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own maps
	}
	s.raw(string(text))
}

func (s stream) raw(text string) {
	_, _ = s.w.Write([]byte(s.start + text + "\n\n"))
	_ = http.NewResponseController(s.w).Flush()
}

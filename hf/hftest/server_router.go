package hftest

import (
	"encoding/json"
	"net/http"
)

func (s *Server) routeRouter() {
	s.mux.HandleFunc("POST /hf-inference/models/{owner}/{name}", func(w http.ResponseWriter, r *http.Request) {
		s.pipeline(w, r, "")
	})
	s.mux.HandleFunc("POST /hf-inference/models/{owner}/{name}/pipeline/{task}", func(w http.ResponseWriter, r *http.Request) {
		s.pipeline(w, r, r.PathValue("task"))
	})
	s.mux.HandleFunc("POST /v1/chat/completions", s.chat)
	s.mux.HandleFunc("GET /v1/models", s.models)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeText(w, http.StatusNotFound, "text/plain", "Not Found")
	})
}

// pipelineRequest takes inputs as they come: what they may be depends on the task.
type pipelineRequest struct {
	Inputs     json.RawMessage `json:"inputs"`
	Stream     bool            `json:"stream"`
	Parameters struct {
		TopK      int    `json:"top_k"`
		MaxLength int    `json:"max_length"`
		Source    string `json:"src_lang"`
		Target    string `json:"tgt_lang"`
		generateParameters
	} `json:"parameters"`
}

// pipeline runs the task of the path, or the model's own.
func (s *Server) pipeline(w http.ResponseWriter, r *http.Request, task string) {
	model := r.PathValue("owner") + "/" + r.PathValue("name")
	own, ok := taskOf(model)
	if !ok {
		writeText(w, http.StatusNotFound, "text/plain", "Not Found")
		return
	}
	var q pipelineRequest
	if !decode(w, r, &q) {
		return
	}
	if task == "" {
		task = string(own)
		if model == EmbeddingModel { // its own task is to compare sentences
			writeJSON(w, 400, map[string]any{"error": "SentenceSimilarityPipeline.__call__() missing 1 required positional argument: 'sentences'"})
			return
		}
	}
	s.runPipeline(w, r, task, q)
}

func (s *Server) runPipeline(w http.ResponseWriter, r *http.Request, task string, q pipelineRequest) {
	one, many, ok := textOrList(q.Inputs)
	if !ok || len(many) == 0 {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": []string{"inputs: expected a string or a list of strings"}})
		return
	}
	switch task {
	case "feature-extraction":
		writeJSON(w, 200, s.features(one, many))
	case "text-classification":
		s.classify(w, one, many, q.Parameters.TopK)
	case "summarization":
		length := defaultTo(q.Parameters.MaxLength, 5)
		writeJSON(w, 200, []any{map[string]string{"summary_text": Summary(many[0], length)}})
	case "translation":
		text := Translation(many[0], q.Parameters.Source, q.Parameters.Target)
		writeJSON(w, 200, []any{map[string]string{"translation_text": text}})
	case "text-generation":
		s.generate(w, r, generateRequest{many[0], q.Parameters.generateParameters, q.Stream}, true)
	default:
		writeText(w, http.StatusNotFound, "text/plain", "Not Found")
	}
}

// classify is served by TEI behind the router, which takes a list of two texts for a pair.
func (s *Server) classify(w http.ResponseWriter, one bool, texts []string, topK int) {
	if !one && len(texts) > 1 {
		writeJSON(w, 200, [][]wireLabel{labelsOf(texts[0]+" "+texts[1], topK)})
		return
	}
	writeJSON(w, 200, [][]wireLabel{labelsOf(texts[0], topK)})
}

func (s *Server) features(one bool, texts []string) any {
	switch {
	case s.o.Shape == Tokens && one:
		return TokenVectors(texts[0], s.o.Dimensions)
	case s.o.Shape == Tokens:
		var all [][][]float32
		for _, text := range texts {
			all = append(all, TokenVectors(text, s.o.Dimensions))
		}
		return all
	case one, s.o.Shape == Squeezed && len(texts) == 1:
		return Vector(texts[0], s.o.Dimensions)
	}
	return s.vectors(texts)
}

func (s *Server) vectors(texts []string) [][]float32 {
	all := make([][]float32, len(texts))
	for i, text := range texts {
		all[i] = Vector(text, s.o.Dimensions)
	}
	return all
}

type wireLabel struct {
	Label string  `json:"label"`
	Score float64 `json:"score"`
}

func labelsOf(text string, topK int) []wireLabel {
	var labels []wireLabel
	for _, l := range Sentiment(text) {
		labels = append(labels, wireLabel{l.Name, l.Score})
	}
	if topK > 0 {
		labels = labels[:min(topK, len(labels))]
	}
	return labels
}

// textOrList reads inputs that may be one text or a list.
func textOrList(raw json.RawMessage) (one bool, texts []string, ok bool) {
	var text string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		return true, []string{text}, true
	}
	return false, texts, json.Unmarshal(raw, &texts) == nil
}

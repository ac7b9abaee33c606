package hftest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const teiBatch = 32

func (s *Server) routeTEI() {
	s.mux.HandleFunc("POST /embed", s.teiEmbed)
	s.mux.HandleFunc("POST /predict", s.teiPredict)
	s.mux.HandleFunc("POST /rerank", s.teiRerank)
	s.mux.HandleFunc("POST /v1/embeddings", s.openAIEmbeddings)
	s.mux.HandleFunc("POST /embeddings", s.openAIEmbeddings)
	s.mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, 200, map[string]any{
			"model_id": EmbeddingModel, "model_dtype": "float32", "model_type": map[string]any{"embedding": map[string]string{"pooling": "mean"}},
			"max_input_length": 256, "max_client_batch_size": teiBatch, "auto_truncate": true, "version": "1.9.3",
		})
	})
	s.mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
}

func teiError(w http.ResponseWriter, status int, kind, message string) {
	writeJSON(w, status, map[string]string{"error": message, "error_type": kind})
}

func (s *Server) teiEmbed(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Inputs json.RawMessage `json:"inputs"`
	}
	if !decode(w, r, &q) {
		return
	}
	_, texts, ok := textOrList(q.Inputs)
	if !ok {
		writeText(w, 422, "text/plain", "Failed to deserialize the JSON body into the target type: inputs")
		return
	}
	if teiRefuses(w, texts) {
		return
	}
	words := 0
	for _, text := range texts {
		words += len(strings.Fields(text)) + specialTokens
	}
	w.Header().Set("X-Compute-Tokens", strconv.Itoa(words))
	writeJSON(w, 200, s.vectors(texts))
}

func teiRefuses(w http.ResponseWriter, texts []string) bool {
	if len(texts) > teiBatch {
		teiError(w, 422, "Validation", fmt.Sprintf("batch size %d > maximum allowed batch size %d", len(texts), teiBatch))
		return true
	}
	for _, text := range texts {
		if text == "" {
			teiError(w, 400, "Empty", "Input validation error: `inputs` cannot be empty")
			return true
		}
	}
	if len(texts) == 0 {
		teiError(w, 400, "Empty", "`inputs` cannot be empty")
		return true
	}
	return false
}

func (s *Server) teiRerank(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Query string
		Texts []string
	}
	if decode(w, r, &q) && !teiRefuses(w, q.Texts) {
		writeJSON(w, 200, ranksOf(q.Query, q.Texts, "score"))
	}
}

// ranksOf are the scores of Overlap, best first.
func ranksOf(query string, texts []string, field string) []map[string]any {
	scores, _ := Overlap{}.Rerank(context.Background(), query, texts)
	ranks := make([]map[string]any, len(texts))
	for i, score := range scores {
		ranks[i] = map[string]any{"index": i, field: score}
	}
	slices.SortStableFunc(ranks, func(a, b map[string]any) int { return cmp.Compare(b[field].(float32), a[field].(float32)) })
	return ranks
}

// teiPredict takes a text, a list of two for a pair, or a list of lists for a batch.
func (s *Server) teiPredict(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Inputs json.RawMessage `json:"inputs"`
	}
	if !decode(w, r, &q) {
		return
	}
	var batch [][]string
	if json.Unmarshal(q.Inputs, &batch) == nil {
		var all [][]wireLabel
		var texts []string
		for _, text := range batch {
			texts = append(texts, strings.Join(text, " "))
			all = append(all, labelsOf(strings.Join(text, " "), 0))
		}
		if !teiRefuses(w, texts) {
			writeJSON(w, 200, all)
		}
		return
	}
	one, texts, ok := textOrList(q.Inputs)
	if !ok || !one && len(texts) != 2 {
		writeText(w, 422, "text/plain", "Failed to deserialize the JSON body into the target type: inputs")
		return
	}
	writeJSON(w, 200, labelsOf(strings.Join(texts, " "), 0))
}

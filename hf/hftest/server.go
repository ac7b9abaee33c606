package hftest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"searchd/hf"
)

// Dialect is what a Server speaks.
type Dialect string

const (
	Router Dialect = "huggingface" // the hosted router
	TEI    Dialect = "tei"
	TGI    Dialect = "tgi"
	OpenAI Dialect = "openai"
)

// Models that a Server has, each for one task.
const (
	EmbeddingModel   = "sentence-transformers/all-MiniLM-L6-v2"
	ClassifierModel  = "distilbert/sst-2-english"
	SummaryModel     = "facebook/bart-large-cnn"
	TranslationModel = "Helsinki-NLP/opus-mt-en-fr"
	ChatModel        = "example/chat-1b"
)

// ServerOptions shape a Server. The zero value is a router without a key.
type ServerOptions struct {
	Dialect    Dialect // "" means Router
	Key        string  // that callers must have; "" admits all
	Dimensions int     // of embeddings; 0 means 8
	Shape      Shape   // of the router's embeddings
	Tight      bool    // events are "data:{…}" without the space, as older TGI writes them
	NoDone     bool    // streams end without [DONE]
}

// Shape is how deep the numbers of the router's embeddings lie, which depends on the container of the model.
type Shape int

const (
	Sentences Shape = iota // a vector a text
	Tokens                 // a vector a token, to be pooled by the caller
	Squeezed               // as Sentences, but the list of one text is the vector itself
)

// Server is a fake provider. Its answers depend on the request alone: Vector, TokenVectors, Completion, Sentiment,
// Summary and Translation say what they are.
type Server struct {
	URL string

	o      ServerOptions
	mux    *http.ServeMux
	client *http.Client
	closed chan struct{}

	mu       sync.Mutex
	requests []Request
	troubles []Trouble
	loaded   time.Time // when the models are ready
}

// Request is what a Server was asked.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         []byte
}

// Fields is the body as an object.
func (r Request) Fields() map[string]any {
	var fields map[string]any
	_ = json.Unmarshal(r.Body, &fields) // a body that is not an object has none
	return fields
}

// NewServer starts a server on loopback that ends with the test.
func NewServer(t testing.TB, o ServerOptions) *Server {
	s := newServer(o)
	h := httptest.NewServer(s)
	s.URL, s.client = h.URL, h.Client()
	t.Cleanup(func() {
		close(s.closed)
		h.Close()
	})
	return s
}

// NewMemoryServer starts a server that is reached through its Client alone, without a socket, so that time in it can be
// the fake time of testing/synctest. Call it inside the bubble. No name is resolved: any URL leads to it.
func NewMemoryServer(t testing.TB, o ServerOptions) *Server {
	s := newServer(o)
	s.URL = "http://provider.test"
	l := newPipeListener()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx) }}
	s.client = &http.Client{Transport: transport}
	server := &http.Server{Handler: s}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(l) // ends with ErrServerClosed
	}()
	t.Cleanup(func() {
		close(s.closed)
		transport.CloseIdleConnections()
		_ = server.Close()
		<-served
	})
	return s
}

// NewHandler is a server for a listener of the caller's, outside of tests.
func NewHandler(o ServerOptions) http.Handler { return newServer(o) }

func newServer(o ServerOptions) *Server {
	o.Dialect = defaultTo(o.Dialect, Router)
	o.Dimensions = defaultTo(o.Dimensions, 8)
	s := &Server{o: o, mux: http.NewServeMux(), closed: make(chan struct{})}
	switch o.Dialect {
	case TEI:
		s.routeTEI()
	case TGI:
		s.routeTGI()
	case OpenAI:
		s.routeOpenAI()
	default:
		s.routeRouter()
	}
	return s
}

// Client reaches the server.
func (s *Server) Client() *http.Client { return s.client }

// Requests is what the server was asked so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Next makes the next n requests that are not answered with other troubles end in this one.
func (s *Server) Next(n int, trouble Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.troubles = append(s.troubles, trouble)
	}
}

// Load makes the models unready for a while, as after a cold start.
func (s *Server) Load(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded = time.Now().Add(d)
}

// ServeHTTP records the request and answers it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	trouble, loading := s.record(Request{r.Method, r.URL.Path, r.Header.Clone(), body})
	switch {
	case trouble != nil:
		trouble(w, r, s)
	case loading > 0:
		Loading(loading)(w, r, s)
	default:
		s.answer(w, r)
	}
}

func (s *Server) record(r Request) (Trouble, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	if len(s.troubles) == 0 {
		return nil, time.Until(s.loaded)
	}
	trouble := s.troubles[0]
	s.troubles = s.troubles[1:]
	return trouble, 0
}

// answer is what the server says without any trouble.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if !s.public(r) && !s.admits(r) {
		s.refuse(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Server) public(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	return s.o.Dialect == TGI || s.o.Dialect == Router || s.o.Dialect == TEI && r.URL.Path != "/info"
}

func (s *Server) admits(r *http.Request) bool {
	return s.o.Key == "" || r.Header.Get("Authorization") == "Bearer "+s.o.Key
}

// refuse repeats the key where real servers do.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request) {
	switch s.o.Dialect {
	case TEI, TGI:
		w.WriteHeader(http.StatusUnauthorized)
	case OpenAI:
		given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.openAIError(w, http.StatusUnauthorized, "Incorrect API key provided: "+given, "invalid_api_key")
	default:
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "Invalid username or password."})
	}
}

// taskOf is what a model is for.
func taskOf(model string) (hf.Task, bool) {
	task, ok := map[string]hf.Task{
		EmbeddingModel: hf.FeatureExtraction, ClassifierModel: hf.TextClassification, SummaryModel: hf.Summarization,
		TranslationModel: hf.Translation, ChatModel: hf.TextGeneration,
	}[model]
	return task, ok
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone reads nothing
}

func writeText(w http.ResponseWriter, status int, kind, text string) {
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// decode reads the body of a request; like axum, it complains in plain text.
func decode(w http.ResponseWriter, r *http.Request, v any) bool {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		writeText(w, http.StatusUnsupportedMediaType, "text/plain", "Expected request with `Content-Type: application/json`")
		return false
	}
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		writeText(w, http.StatusUnprocessableEntity, "text/plain", "Failed to deserialize the JSON body into the target type: "+err.Error())
		return false
	}
	return true
}

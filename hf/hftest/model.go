package hftest

import (
	"context"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"searchd/hf"
	"searchd/models"
)

// Options shape a Model. The zero value works.
type Options struct {
	ID         string // "" means "test/hash"
	Revision   string // "" means "sha256:test"
	Dimensions int    // 0 means 32
	MaxTokens  int    // 0 means 64
}

// Model is a bag of hashed words: texts that share words are near each other, and nothing else is. The same text has
// the same vector in every process. It is safe for concurrent use.
type Model struct {
	card hf.Card

	mu       sync.Mutex
	embedded []string      // every text of every Embed that succeeded
	failure  error         // what Embed answers, where set
	gate     chan struct{} // what Embed waits for, where set
	pass     int           // how many Embeds the gate lets through first
	entered  chan struct{} // closed when an Embed waits at the gate
}

var _ hf.Model = (*Model)(nil)

// NewModel makes a model.
func NewModel(o Options) *Model {
	return &Model{card: hf.Card{
		ID:           defaultTo(o.ID, "test/hash"),
		Revision:     defaultTo(o.Revision, "sha256:test"),
		Task:         "sentence-similarity",
		Architecture: "bag-of-words",
		Dimensions:   defaultTo(o.Dimensions, 32),
		MaxTokens:    defaultTo(o.MaxTokens, 64),
		Pooling:      "mean",
		Normalized:   true,
		Licence:      "Apache-2.0",
		Source:       "test",
		Precision:    "float32",
		Null:         hf.Null{Mean: 0, StdDev: 0.1},
	}}
}

func defaultTo[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Card describes the model.
func (m *Model) Card() hf.Card { return m.card }

// Fail makes every Embed from now on answer err; nil ends it.
func (m *Model) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failure = err
}

// Hold lets the next pass Embeds through and makes every later one wait until release is called or its context ends.
// entered is closed when the first of them waits.
func (m *Model) Hold(pass int) (entered <-chan struct{}, release func()) {
	gate, arrived := make(chan struct{}), make(chan struct{})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gate, m.entered, m.pass = gate, arrived, pass
	return arrived, sync.OnceFunc(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.gate == gate { // nobody has held it anew
			m.gate = nil
		}
		close(gate)
	})
}

// Embedded lists the texts that were embedded as documents or queries so far, in order.
func (m *Model) Embedded() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.embedded)
}

// Embed answers the vectors of texts.
func (m *Model) Embed(ctx context.Context, _ hf.Role, texts []string) ([]hf.Embedding, error) {
	if err := m.wait(ctx); err != nil {
		return nil, err
	}
	answers := make([]hf.Embedding, len(texts))
	for i, text := range texts {
		answers[i] = m.embed(text)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.embedded = append(m.embedded, texts...)
	return answers, nil
}

func (m *Model) wait(ctx context.Context) error {
	m.mu.Lock()
	gate, failure := m.gate, m.failure
	switch {
	case gate != nil && m.pass > 0:
		gate, m.pass = nil, m.pass-1
	case gate != nil && m.entered != nil:
		close(m.entered)
		m.entered = nil
	}
	m.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return failure
}

func (m *Model) embed(text string) hf.Embedding {
	tokens := m.Tokenize(text)
	limit := m.card.MaxTokens - specialTokens
	read := tokens[:min(len(tokens), limit)]
	sum := make([]float64, m.card.Dimensions)
	for _, t := range read {
		m.addWord(sum, text[t.Start:t.End])
	}
	if zero(sum) { // the empty text, or words that cancel each other out
		m.addWord(sum, "")
	}
	vector := make([]float32, len(sum))
	for i, x := range sum {
		vector[i] = float32(x)
	}
	return hf.Embedding{Vector: models.Normalize(vector), Tokens: len(read) + specialTokens, Truncated: len(tokens) > limit}
}

// addWord adds the direction of a word: random, but always the same.
func (m *Model) addWord(sum []float64, word string) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.ToLower(word))) // a hash takes everything
	r := rand.New(rand.NewPCG(h.Sum64(), 0))
	for i := range sum {
		sum[i] += r.NormFloat64() / math.Sqrt(float64(len(sum)))
	}
}

func zero(v []float64) bool {
	var sum float64
	for _, x := range v {
		sum += x * x
	}
	return sum < 1e-12
}

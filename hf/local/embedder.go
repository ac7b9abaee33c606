package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"sync"
	"time"

	"searchd/hf"
	"searchd/hf/encoder"
	"searchd/hf/safetensors"
	"searchd/hf/tokenizer"
)

// Options say what a model folder does not. The zero value works.
type Options struct {
	ID       string  // Card().ID; default: "local"
	Source   string  // Card().Source; default: "folder"
	Licence  string  // Card().Licence
	Null     hf.Null // Card().Null
	Revision string  // Card().Revision; default: "sha256:" and the hash of the weights' file, which Open then has to read

	Workers     int      // batches computed at the same time; default: GOMAXPROCS
	BatchTokens int      // most tokens in a batch; default: 512
	QueueTexts  int      // most texts that wait, of little calls and of large ones each; default: 16,384
	QueueTokens int      // most tokens that wait, likewise; default: 1,048,576
	Observer    Observer // is told what the workers do; nil tells nobody
}

func (o Options) withDefaults() Options {
	o.Workers = defaultTo(max(0, o.Workers), runtime.GOMAXPROCS(0))
	o.BatchTokens = defaultTo(max(0, o.BatchTokens), 512)
	o.QueueTexts = defaultTo(max(0, o.QueueTexts), 16<<10)
	o.QueueTokens = defaultTo(max(0, o.QueueTokens), 1<<20)
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	return o
}

// Embedder is a model in this process. It is safe for concurrent use: all calls share its workers, and batches.
type Embedder struct {
	card    hf.Card
	model   *encoder.Model
	tokens  *tokenizer.Tokenizer
	output  encoder.Output
	workers *workers
}

var _ hf.Model = (*Embedder)(nil)

// Viewer is a file system that can show a file's bytes without copying them. Open uses it for the weights where it can.
type Viewer interface {
	View(name string) ([]byte, error)
}

// Open loads the model that lies in fsys as sentence-transformers lays it out: config.json, tokenizer.json and
// model.safetensors, and if there are modules.json, the pooling's config.json, sentence_bert_config.json and
// config_sentence_transformers.json.
func Open(fsys fs.FS, o Options) (*Embedder, error) {
	e, err := open(fsys, o)
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	return e, nil
}

func open(fsys fs.FS, o Options) (*Embedder, error) {
	l, err := readLayout(fsys)
	if err != nil {
		return nil, err
	}
	e := &Embedder{output: l.output}
	var tokensErr error
	var wg sync.WaitGroup
	wg.Go(func() { e.tokens, tokensErr = openTokenizer(fsys, l.path(tokenizerFile)) })
	revision, err := e.openModel(fsys, &l, o.Revision)
	wg.Wait()
	if err != nil {
		return nil, err
	}
	if tokensErr != nil {
		return nil, tokensErr
	}
	e.card = card(e.model, &l, revision, o)
	e.start(o)
	return e, nil
}

func openTokenizer(fsys fs.FS, name string) (*tokenizer.Tokenizer, error) {
	b, err := view(fsys, name)
	if err != nil {
		return nil, err
	}
	t, err := tokenizer.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// openModel loads the weights and answers their revision.
func (e *Embedder) openModel(fsys fs.FS, l *layout, revision string) (string, error) {
	b, err := view(fsys, l.path(configFile))
	if err != nil {
		return "", err
	}
	config, err := encoder.ParseConfig(b)
	if err != nil {
		return "", err
	}
	if b, err = view(fsys, l.path(weightsFile)); err != nil {
		return "", err
	}
	file, err := safetensors.Parse(b)
	if err != nil {
		return "", fmt.Errorf("%s: %w", weightsFile, err)
	}
	if revision == "" {
		hash := sha256.Sum256(b)
		revision = "sha256:" + hex.EncodeToString(hash[:])
	}
	e.model, err = encoder.New(config, file)
	return revision, err
}

// view reads a file, without copying it if fsys can.
func view(fsys fs.FS, name string) ([]byte, error) {
	if v, ok := fsys.(Viewer); ok {
		return v.View(name)
	}
	return fs.ReadFile(fsys, name)
}

func card(m *encoder.Model, l *layout, revision string, o Options) hf.Card {
	c := m.Config()
	limit := c.Positions
	if l.maxTokens > 0 {
		limit = min(limit, l.maxTokens)
	}
	return hf.Card{
		ID:           defaultTo(o.ID, "local"),
		Revision:     revision,
		Task:         "sentence-similarity",
		Architecture: c.ModelType,
		Parameters:   m.Parameters(),
		Dimensions:   m.Dimensions(),
		MaxTokens:    limit,
		Pooling:      l.output.Pooling.String(),
		Normalized:   l.output.Normalize,
		Prompts:      l.prompts,
		Licence:      o.Licence,
		Source:       defaultTo(o.Source, "folder"),
		Precision:    m.Precision(),
		Null:         o.Null,
	}
}

func defaultTo[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// start makes the workers.
func (e *Embedder) start(o Options) {
	encode := func(ws *encoder.Workspace, b *encoder.Batch, vectors []float32) error {
		return e.model.Encode(ws, b, e.output, vectors)
	}
	e.workers = newWorkers(e.model, encode, e.model.Dimensions(), o)
}

// Card describes the model.
func (e *Embedder) Card() hf.Card {
	c := e.card
	c.Prompts = maps.Clone(c.Prompts)
	return c
}

// Tokenize splits a text as the model does, without special tokens and without a limit.
func (e *Embedder) Tokenize(s string) []hf.Token { return e.tokens.Tokenize(s) }

// Embed computes the vector of each text. Calls share batches; a call of at most 256 tokens, or of one text, goes before
// larger ones. Where too much waits already it fails with models.RateLimited, and says when to try again. When ctx ends, texts
// that are not being computed yet never will be.
func (e *Embedder) Embed(ctx context.Context, role hf.Role, texts []string) (answers []hf.Embedding, err error) {
	start := time.Now()
	defer func() { e.workers.observer.Answered(len(texts), time.Since(start), err) }()
	ready, err := e.prepareAll(ctx, role, texts)
	if err != nil {
		return nil, err
	}
	vectors, err := e.workers.compute(ctx, ready)
	if err != nil {
		return nil, err
	}
	answers = make([]hf.Embedding, len(texts))
	n := e.workers.width
	for i, t := range ready {
		answers[i] = hf.Embedding{Vector: vectors[i*n : (i+1)*n : (i+1)*n], Tokens: len(t.ids), Truncated: t.truncated}
	}
	return answers, nil
}

package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"sync"

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

	Workers     int // batches computed at the same time; default: GOMAXPROCS
	BatchTokens int // most tokens in a batch; default: 512
}

const (
	defaultBatchTokens = 512
	// smallBatch is the size, in tokens, below which it does not pay to cut a batch for another core: reading the weights
	// then takes as long as using them.
	smallBatch = 64
)

// Embedder is a model in this process. It is safe for concurrent use: all calls share its workers.
type Embedder struct {
	card    hf.Card
	model   *encoder.Model
	tokens  *tokenizer.Tokenizer
	output  encoder.Output
	budget  int
	workers chan *worker
}

var _ hf.Model = (*Embedder)(nil)

// Viewer is a file system that can show a file's bytes without copying them. Open uses it for the weights where it can.
type Viewer interface {
	View(name string) ([]byte, error)
}

// Open loads the embedding model that lies in fsys as sentence-transformers lays it out: config.json, tokenizer.json and
// model.safetensors, and if there are modules.json with the folders of pooling and dense layers, sentence_bert_config.json,
// tokenizer_config.json and config_sentence_transformers.json. Without modules.json the vector is the mean over the tokens.
func Open(fsys fs.FS, o Options) (*Embedder, error) {
	e, err := open(fsys, o, KindEmbedder)
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	return e, nil
}

// open loads a model of any kind: the logits of a head are to all that follows vectors like others.
func open(fsys fs.FS, o Options, want ModelKind) (*Embedder, error) {
	l, err := readLayout(fsys)
	if err != nil {
		return nil, err
	}
	if is := l.kind(); is != want {
		return nil, fmt.Errorf("%s: architectures is %.100q: this is no %s but a %s", configFile, l.config.Architectures, want, is)
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
	if err := l.checkCase(e.tokens); err != nil {
		return nil, err
	}
	e.card = card(e, &l, revision, o)
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
	b, err := view(fsys, l.path(weightsFile))
	if err != nil {
		return "", err
	}
	file, err := safetensors.Parse(b)
	if err != nil {
		return "", fmt.Errorf("%s: %w", weightsFile, err)
	}
	if e.model, err = encoder.New(l.config, file); err != nil {
		return "", err
	}
	hash := sha256.New()
	if revision == "" {
		_, _ = hash.Write(b) // a hash takes everything
	}
	if l.kind() == KindEmbedder {
		err = e.openDense(fsys, l, hash)
	} else {
		e.output, err = encoder.Head(l.config, file)
	}
	return defaultTo(revision, "sha256:"+hex.EncodeToString(hash.Sum(nil))), err
}

// openDense loads the layers after the pooling, and adds what they are made of to the hash.
func (e *Embedder) openDense(fsys fs.FS, l *layout, hash io.Writer) error {
	for _, d := range l.dense {
		b, err := view(fsys, path.Join(d.folder, weightsFile))
		if err != nil {
			return err
		}
		layer, err := d.open(b)
		if err != nil {
			return err
		}
		_, _ = hash.Write(b)
		e.output.Dense = append(e.output.Dense, layer)
	}
	return e.output.Check(e.model)
}

// view reads a file, without copying it if fsys can.
func view(fsys fs.FS, name string) ([]byte, error) {
	if v, ok := fsys.(Viewer); ok {
		return v.View(name)
	}
	return fs.ReadFile(fsys, name)
}

func card(e *Embedder, l *layout, revision string, o Options) hf.Card {
	c := hf.Card{
		ID:           defaultTo(o.ID, "local"),
		Revision:     revision,
		Task:         l.kind().task(),
		Architecture: l.config.ModelType,
		Parameters:   e.model.Parameters() + e.output.Parameters(),
		MaxTokens:    min(l.config.MaxTokens(), defaultTo(l.maxTokens, l.config.MaxTokens())),
		Licence:      o.Licence,
		Source:       defaultTo(o.Source, "folder"),
		Precision:    e.model.Precision(),
	}
	if l.kind() == KindEmbedder {
		c.Dimensions, c.Pooling, c.Normalized = e.output.Dimensions(e.model), e.output.Pooling.String(), e.output.Normalize
		c.Prompts, c.Null = l.prompts, o.Null
	}
	return c
}

func defaultTo[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// start makes the workers. Their memory is allocated when they are first used.
func (e *Embedder) start(o Options) {
	e.budget = defaultTo(max(0, o.BatchTokens), defaultBatchTokens)
	n := defaultTo(max(0, o.Workers), runtime.GOMAXPROCS(0))
	e.workers = make(chan *worker, n)
	for range n {
		e.workers <- &worker{space: e.model.NewWorkspace()}
	}
}

// Card describes the model.
func (e *Embedder) Card() hf.Card {
	c := e.card
	c.Prompts = maps.Clone(c.Prompts)
	return c
}

// Tokenize splits a text as the model does, without special tokens and without a limit.
func (e *Embedder) Tokenize(s string) []hf.Token { return e.tokens.Tokenize(s) }

// Embed computes the vector of each text. A call that makes several batches spreads them over the workers; one that makes
// a single batch, such as a query, stays on the caller's goroutine. Between batches it looks whether ctx has ended.
func (e *Embedder) Embed(ctx context.Context, role hf.Role, texts []string) ([]hf.Embedding, error) {
	ready, err := e.prepareAll(ctx, role, texts)
	if err != nil {
		return nil, err
	}
	return e.encode(ctx, ready)
}

// encode computes the vectors of texts that are tokenised.
func (e *Embedder) encode(ctx context.Context, ready []text) ([]hf.Embedding, error) {
	answers := make([]hf.Embedding, len(ready))
	n := e.output.Dimensions(e.model)
	vectors := make([]float32, len(ready)*n)
	batches := plan(ready, e.batchTokens(ready))
	err := e.each(ctx, len(batches), func(w *worker, b int) error {
		err := w.encode(e.model, e.output, ready, batches[b], func(i int, vector []float32) {
			own := vectors[i*n : (i+1)*n : (i+1)*n]
			copy(own, vector)
			answers[i] = hf.Embedding{Vector: own, Tokens: len(ready[i].ids), Truncated: ready[i].truncated}
		})
		if err != nil {
			return fmt.Errorf("model %s: %w", e.card.ID, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

// batchTokens is the budget for these texts: smaller than the usual where all workers can have a share.
func (e *Embedder) batchTokens(texts []text) int {
	total := 0
	for _, t := range texts {
		total += len(t.ids)
	}
	share := (total + cap(e.workers) - 1) / cap(e.workers)
	return min(e.budget, max(share, smallBatch))
}

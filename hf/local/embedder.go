package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"sync"
	"time"

	"searchd/hf"
	"searchd/hf/encoder"
	"searchd/hf/safetensors"
	"searchd/hf/tokenizer"
	"searchd/internal/cores"
	"searchd/models"
)

// Options say what a model folder does not. The zero value works.
type Options struct {
	ID       string  // Card().ID; default: "local"
	Source   string  // Card().Source; default: "folder"
	Licence  string  // Card().Licence
	Null     hf.Null // Card().Null
	Revision string  // Card().Revision; default: "sha256:" and the hash of the weights' file, which Open then has to read

	Workers     int      // batches computed at the same time; default: one a core
	BatchTokens int      // most tokens in a batch; default: 512
	QueueTexts  int      // most texts that wait, of little calls and of large ones each; default: 16,384
	QueueTokens int      // most tokens that wait, likewise; default: 1,048,576
	Arithmetic  string   // what is multiplied in: encoder.Options
	Observer    Observer // is told what the workers do; nil tells nobody
}

func (o Options) withDefaults() Options {
	o.Workers = defaultTo(max(0, o.Workers), cores.Count())
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
	scratch sync.Pool // of *[]hf.Token, for prepareAll
}

var (
	_ hf.Model            = (*Embedder)(nil)
	_ hf.SpecialTokenizer = (*Embedder)(nil)
	_ hf.TokenEmbedder    = (*Embedder)(nil)
)

// Viewer is a file system that can show a file's bytes without copying them. Open uses it for the weights where it can.
type Viewer interface {
	View(name string) ([]byte, error)
}

// Open loads the embedding model that lies in fsys as sentence-transformers lays it out: config.json, tokenizer.json (or the
// vocabulary it is made of) and model.safetensors, and if there are modules.json with the folders of pooling and dense
// layers, sentence_bert_config.json, tokenizer_config.json and config_sentence_transformers.json. Without modules.json the
// vector is the mean over the tokens.
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
	wg.Go(func() { e.tokens, tokensErr = openTokenizer(fsys, &l) })
	revision, err := e.openModel(fsys, &l, o)
	wg.Wait()
	if err != nil {
		return nil, err
	}
	if tokensErr != nil {
		return nil, tokensErr
	}
	e.card = card(e, &l, revision, o)
	e.start(o)
	return e, nil
}

// openModel loads the weights and answers their revision.
func (e *Embedder) openModel(fsys fs.FS, l *layout, o Options) (revision string, err error) {
	b, err := view(fsys, l.path(weightsFile))
	if err != nil {
		return "", err
	}
	file, err := safetensors.Parse(b)
	if err != nil {
		return "", fmt.Errorf("%s: %w", weightsFile, err)
	}
	if e.model, err = encoder.New(l.config, file, encoder.Options{Arithmetic: o.Arithmetic}); err != nil {
		return "", err
	}
	hash := sha256.New()
	if o.Revision == "" {
		_, _ = hash.Write(b) // a hash takes everything
	}
	if l.kind() == KindEmbedder {
		err = e.openDense(fsys, l, hash)
	} else {
		e.output, err = encoder.Head(l.config, file)
	}
	return defaultTo(o.Revision, "sha256:"+hex.EncodeToString(hash.Sum(nil))), err
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
		Arithmetic:   e.model.Arithmetic(),
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

// start makes the workers.
func (e *Embedder) start(o Options) {
	encode := func(ws *encoder.Workspace, b *encoder.Batch, vectors []float32) error {
		return e.explain(e.model.Encode(ws, b, e.output, vectors))
	}
	e.workers = newWorkers(e.model, encode, e.output.Dimensions(e.model), o)
}

// explain names the model in an error of the encoder, which knows of no names.
func (e *Embedder) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, encoder.ErrNotFinite):
		broken := models.Errorf(models.Unavailable, "", "the model %s is damaged, its vectors are no numbers: get its weights again", e.card.ID)
		broken.Err = err
		return broken
	}
	return fmt.Errorf("model %s: %w", e.card.ID, err)
}

// Card describes the model.
func (e *Embedder) Card() hf.Card {
	c := e.card
	c.Prompts = maps.Clone(c.Prompts)
	return c
}

// Tokenize splits a text as the model does, without special tokens and without a limit.
func (e *Embedder) Tokenize(s string) []hf.Token { return e.tokens.Tokenize(s) }

// Decode is the text that tokens stand for, as near as they allow.
func (e *Embedder) Decode(ids []int32, skipSpecial bool) string {
	return e.tokens.Decode(ids, skipSpecial)
}

// SpecialTokens answers the one token before a text and the one after it, which every model here has.
func (e *Embedder) SpecialTokens() (before, after []int32) {
	return []int32{e.tokens.CLS()}, []int32{e.tokens.SEP()}
}

// Embed computes the vector of each text. Calls share batches; a call of at most 256 tokens, or of one text, goes before
// larger ones. Where too much waits already it fails with models.RateLimited, and says when to try again. When ctx ends, texts
// that are not being computed yet never will be.
func (e *Embedder) Embed(ctx context.Context, role hf.Role, texts []string) ([]hf.Embedding, error) {
	return e.answer(ctx, len(texts), func() ([]text, error) { return e.prepareAll(ctx, role, texts) })
}

// answer computes n texts, or pairs of texts, once they are prepared.
func (e *Embedder) answer(ctx context.Context, n int, prepare func() ([]text, error)) (answers []hf.Embedding, err error) {
	start := time.Now()
	defer func() { e.workers.observer.Answered(n, time.Since(start), err) }()
	ready, err := prepare()
	if err != nil {
		return nil, err
	}
	vectors, err := e.workers.compute(ctx, ready)
	if err != nil {
		return nil, err
	}
	answers = make([]hf.Embedding, n)
	width := e.workers.width
	for i, t := range ready {
		answers[i] = hf.Embedding{Vector: vectors[i*width : (i+1)*width : (i+1)*width], Tokens: len(t.ids), Truncated: t.truncated}
	}
	return answers, nil
}

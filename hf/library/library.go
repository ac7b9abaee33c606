package library

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/singleflight"

	"searchd/hf"
	"searchd/hf/hub"
	"searchd/hf/local"
	"searchd/models"
)

// Kind is what a model can be opened as.
type Kind string

const (
	Embedder   Kind = "embedding model"
	Classifier Kind = "classifier"
	Reranker   Kind = "reranker"
)

// Options say where the models are and how they are opened. Kind and the functions for the kinds that it answers must
// be there; the rest can be left out.
type Options struct {
	Default hf.Model  // always open, and first
	Cache   hub.Cache // pulled models
	Folder  string    // a model's folder, or one with such folders as name or publisher/name
	State   string    // folder in which measurements are kept; it is made when there is one

	Kind           func(fs.FS) (Kind, error) // from the small files; the error says why the model cannot be run
	OpenModel      func(fs.FS, local.Options) (hf.Model, error)
	OpenClassifier func(fs.FS, local.Options) (hf.Classifier, error)
	OpenReranker   func(fs.FS, local.Options) (hf.Reranker, error)
	MeasureNull    func(context.Context, hf.Embedder) (hf.Null, error)

	Keep int          // models that stay open beside the default; default: 4
	Log  *slog.Logger // default: slog.Default()
}

const defaultKeep = 4

// Found is a model that lies somewhere.
type Found struct {
	Card hf.Card // from the small files, until the model has been opened
	Kind Kind
	Dir  string // "" for the default
	Err  error  // why it cannot be run, else nil
}

// Library is safe for concurrent use.
type Library struct {
	o       Options
	nulls   nulls
	flights singleflight.Group

	mu    sync.Mutex
	found []Found
	kept  []kept // the last used first
}

// kept is an open model.
type kept struct {
	dir   string
	model carded
}

// carded is what all kinds of models have in common.
type carded interface{ Card() hf.Card }

var _ hf.Models = (*Library)(nil)

// New answers a library. It looks for models when it is first asked for one that is not the default.
func New(o Options) *Library {
	if o.Keep < 1 {
		o.Keep = defaultKeep
	}
	o.Log = cmp.Or(o.Log, slog.Default())
	return &Library{o: o, nulls: nulls{dir: o.State}}
}

// Model is the embedding model of an id, with or without the publisher's name before it.
func (l *Library) Model(id string) (hf.Model, error) {
	if d := l.o.Default; d != nil && (id == "" || names(d.Card().ID, id)) {
		return d, nil
	}
	return open[hf.Model](l, id, Embedder)
}

// Classifier is the classifying model of an id.
func (l *Library) Classifier(id string) (hf.Classifier, error) {
	return open[hf.Classifier](l, id, Classifier)
}

// Reranker is the cross-encoder of an id.
func (l *Library) Reranker(id string) (hf.Reranker, error) { return open[hf.Reranker](l, id, Reranker) }

// Cards describes every model that can be run, the default first. It looks for new ones.
func (l *Library) Cards() []hf.Card {
	var cards []hf.Card
	for _, f := range l.List() {
		if f.Err == nil {
			cards = append(cards, f.Card)
		}
	}
	return cards
}

// List answers every model that is here, the default first, and also those that cannot be run.
func (l *Library) List() []Found {
	l.look()
	l.mu.Lock()
	defer l.mu.Unlock()
	list := slices.Clone(l.found)
	for i, f := range list {
		if at := l.at(f.Dir); at >= 0 {
			list[i].Card = l.kept[at].model.Card()
		}
	}
	return list
}

// Find answers the model of an id, of whatever kind it is, without opening it.
func (l *Library) Find(id string) (Found, error) {
	for _, f := range l.List() {
		if id == "" || names(f.Card.ID, id) {
			return f, nil
		}
	}
	return Found{}, hf.NoModel(id, "model")
}

// names says that a model may be called id: its own, or that without the publisher.
func names(full, id string) bool {
	return full == id || full[strings.LastIndexByte(full, '/')+1:] == id
}

// open answers the open model of an id and a kind.
func open[M carded](l *Library, id string, kind Kind) (M, error) {
	var none M
	f, ok := l.find(id, kind)
	if !ok { // it may have been pulled since
		l.look()
		f, ok = l.find(id, kind)
	}
	switch {
	case !ok:
		return none, hf.NoModel(id, string(kind))
	case f.Err != nil:
		return none, unavailable(f, f.Err)
	}
	m, err := l.model(f)
	if err != nil {
		return none, unavailable(f, err)
	}
	return m.(M), nil // its kind says so
}

func unavailable(f Found, err error) error {
	return &models.Error{Code: models.Unavailable, Field: "model", Err: err, Message: f.Card.ID + " is here, in " + f.Dir + ", but cannot be run"}
}

// find looks among the models that are known. A model whose kind is not known, as it cannot be run, counts for any.
func (l *Library) find(id string, kind Kind) (Found, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.found {
		if f.Dir == "" { // the default
			continue
		}
		if id == "" && f.Err == nil && f.Kind == kind || id != "" && names(f.Card.ID, id) && (f.Kind == kind || f.Kind == "") {
			return f, true
		}
	}
	return Found{}, false
}

// model answers an open model, and opens it if need be. Those who come meanwhile wait for the same.
func (l *Library) model(f Found) (carded, error) {
	if m, ok := l.recall(f.Dir); ok {
		return m, nil
	}
	m, err, _ := l.flights.Do(f.Dir, func() (any, error) {
		if m, ok := l.recall(f.Dir); ok {
			return m, nil
		}
		m, err := l.load(f)
		if err == nil {
			l.keep(f.Dir, m)
		}
		return m, err
	})
	if err != nil {
		return nil, err
	}
	return m.(carded), nil
}

// recall answers a model that is open, and notes that it was used.
func (l *Library) recall(dir string) (carded, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.at(dir)
	if at < 0 {
		return nil, false
	}
	k := l.kept[at]
	copy(l.kept[1:], l.kept[:at])
	l.kept[0] = k
	return k.model, true
}

func (l *Library) at(dir string) int {
	return slices.IndexFunc(l.kept, func(k kept) bool { return k.dir == dir })
}

// keep keeps a model open, and lets go of the one that was not used for longest: its memory is free when those who still
// work with it are done.
func (l *Library) keep(dir string, m carded) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = slices.Insert(l.kept, 0, kept{dir, m})
	if len(l.kept) > l.o.Keep {
		l.kept = slices.Delete(l.kept, l.o.Keep, len(l.kept))
	}
}

// load opens a model as its kind asks for.
func (l *Library) load(f Found) (carded, error) {
	fsys := folder{os.DirFS(f.Dir)}
	o := local.Options{ID: f.Card.ID, Source: f.Card.Source, Licence: f.Card.Licence, Revision: f.Card.Revision, Null: f.Card.Null}
	switch {
	case f.Kind == Classifier && l.o.OpenClassifier != nil:
		return l.o.OpenClassifier(fsys, o)
	case f.Kind == Reranker && l.o.OpenReranker != nil:
		return l.o.OpenReranker(fsys, o)
	case f.Kind == Embedder && l.o.OpenModel != nil:
		return l.loadEmbedder(fsys, o)
	}
	return nil, errors.New("a " + string(f.Kind) + " cannot be opened here")
}

// loadEmbedder opens a model, and measures how it scores unrelated texts if nobody has yet.
func (l *Library) loadEmbedder(fsys fs.FS, o local.Options) (hf.Model, error) {
	m, err := l.o.OpenModel(fsys, o)
	if err != nil || l.o.MeasureNull == nil {
		return m, err
	}
	revision := m.Card().Revision
	null, known := l.nulls.get(revision)
	if !known {
		if null, err = l.o.MeasureNull(context.Background(), m); err != nil {
			return nil, err
		}
		if err := l.nulls.put(revision, null); err != nil { // it is measured again at the next start
			l.o.Log.Warn("measurement of a model not kept", "model", o.ID, "error", err)
		}
	}
	return measured{m, null}, nil
}

// measured is a model whose card says how it scores unrelated texts.
type measured struct {
	hf.Model
	null hf.Null
}

// Unwrap is the model itself, for what else it can do.
func (m measured) Unwrap() hf.Model { return m.Model }

// Card describes the model.
func (m measured) Card() hf.Card {
	c := m.Model.Card()
	c.Null = m.null
	return c
}

// look finds the models that are here now.
func (l *Library) look() {
	var found []Found
	if d := l.o.Default; d != nil {
		found = append(found, Found{Card: d.Card(), Kind: Embedder})
	}
	found = append(found, l.pulled()...)
	found = append(found, l.inFolder()...)
	taken := map[string]bool{}
	for i := range found {
		card := &found[i].Card
		if taken[card.ID] {
			card.ID += "@" + card.Source // a collection keeps to its id: two models never have the same
		}
		taken[card.ID] = true
	}
	l.mu.Lock()
	l.found = found
	l.mu.Unlock()
}

// pulled answers the models of the cache.
func (l *Library) pulled() []Found {
	if l.o.Cache == "" {
		return nil
	}
	snapshots, err := l.o.Cache.List()
	if err != nil {
		l.o.Log.Error("cache of models not read", "error", err)
	}
	var list []Found
	for _, s := range snapshots {
		f := l.describe(s.Dir, hf.Card{ID: s.String(), Source: "pulled"})
		if hash, ok := s.SHA256(weightsOf(s.Dir)); ok {
			f.Card.Revision = "sha256:" + hash
		}
		list = append(list, f)
	}
	return list
}

// inFolder answers the models of the folder: itself, or name, or publisher/name below it.
func (l *Library) inFolder() []Found {
	if l.o.Folder == "" {
		return nil
	}
	var list []Found
	for _, dir := range modelFolders(l.o.Folder) {
		if slices.ContainsFunc(list, func(f Found) bool { return strings.HasPrefix(dir, f.Dir+string(filepath.Separator)) }) {
			continue // a part of a model
		}
		id, err := filepath.Rel(l.o.Folder, dir)
		if id == "." || err != nil {
			id = filepath.Base(dir)
		}
		list = append(list, l.describe(dir, hf.Card{ID: filepath.ToSlash(id), Source: "folder"}))
	}
	return list
}

// modelFolders answers the folders with a model, or with a part of one after it, in the order of their names.
func modelFolders(top string) []string {
	var dirs []string
	for _, pattern := range []string{".", "*", "*/*"} {
		for _, name := range []string{"config.json", "modules.json"} {
			files, _ := filepath.Glob(filepath.Join(escape(top), pattern, name)) // the pattern is a good one
			for _, file := range files {
				dirs = append(dirs, filepath.Dir(file))
			}
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// escape keeps the letters of a path from meaning something to Glob.
func escape(path string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

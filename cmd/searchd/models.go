package main

import (
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"searchd/hf"
	"searchd/hf/bundled"
	"searchd/hf/encoder"
	"searchd/hf/hub"
	"searchd/hf/library"
	"searchd/hf/local"
	"searchd/internal/metrics"
)

// modelFlags say which models there are beside the bundled one and those of the Hugging Face cache.
type modelFlags struct {
	Folder string `name:"models" help:"Folder with models, each in a folder of its own, beside those that were pulled." type:"path" placeholder:"DIR"`
}

// open answers the models of this process. What is measured of them is kept in the data folder.
func (f modelFlags) open(data string, counted *metrics.Metrics, log *slog.Logger) (*library.Library, error) {
	m, err := bundled.Open(local.Options{Observer: counted.Model(bundled.ID)})
	if err != nil {
		return nil, fmt.Errorf("bundled model: %w", err)
	}
	return library.New(library.Options{
		Default: m, Cache: hub.Environment(os.Getenv).Cache, Folder: f.Folder, State: data, Log: log,
		Kind: kindOf, MeasureNull: local.MeasureNull,
		OpenModel: func(fsys fs.FS, o local.Options) (hf.Model, error) {
			o.Observer = counted.Model(o.ID)
			return local.Open(fsys, o)
		},
		OpenClassifier: func(fsys fs.FS, o local.Options) (hf.Classifier, error) {
			o.Observer = counted.Model(o.ID)
			return local.OpenClassifier(fsys, o)
		},
		OpenReranker: func(fsys fs.FS, o local.Options) (hf.Reranker, error) {
			o.Observer = counted.Model(o.ID)
			return local.OpenReranker(fsys, o)
		},
	}), nil
}

// kindOf says what a model can be opened as.
func kindOf(fsys fs.FS) (library.Kind, error) {
	kind, err := local.Kind(fsys)
	return library.Kind(kind), err
}

// checkConfig says why a model cannot be run, as far as its configuration tells.
func checkConfig(fsys fs.FS) error {
	b, err := fs.ReadFile(fsys, "config.json")
	if err != nil {
		b, err = fs.ReadFile(fsys, "0_Transformer/config.json") // as sentence-transformers laid it out at first
	}
	if err != nil {
		return err
	}
	_, err = encoder.ParseConfig(b)
	return err
}

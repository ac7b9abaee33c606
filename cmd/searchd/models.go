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
		Kind: func(fsys fs.FS) (library.Kind, error) { k, err := local.Kind(fsys); return library.Kind(k), err },
		OpenModel: func(fsys fs.FS, o local.Options) (hf.Model, error) {
			return local.Open(fsys, watched(o, counted))
		},
		OpenClassifier: func(fsys fs.FS, o local.Options) (hf.Classifier, error) {
			return local.OpenClassifier(fsys, watched(o, counted))
		},
		OpenReranker: func(fsys fs.FS, o local.Options) (hf.Reranker, error) {
			return local.OpenReranker(fsys, watched(o, counted))
		},
		MeasureNull: local.MeasureNull,
	}), nil
}

// watched lets counted watch a model.
func watched(o local.Options, counted *metrics.Metrics) local.Options {
	o.Observer = counted.Model(o.ID)
	return o
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

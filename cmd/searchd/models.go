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

// modelFlags say which models there are beside the bundled one and those of the Hugging Face cache, and how they compute.
type modelFlags struct {
	Folder    string `name:"models" help:"Folder with models, each in a folder of its own, beside those that were pulled." type:"path" placeholder:"DIR"`
	Precision string `help:"What models multiply in: auto, as suits the processor; int16, as near to the reference as float32; int8, made for AVX-512 VNNI." enum:"auto,int16,int8" default:"auto"`
}

// open answers the models of this process. What is measured of them is kept in the data folder.
func (f modelFlags) open(data string, counted *metrics.Metrics, log *slog.Logger) (*library.Library, error) {
	m, err := bundled.Open(f.options(local.Options{ID: bundled.ID}, counted))
	if err != nil {
		return nil, fmt.Errorf("bundled model: %w", err)
	}
	return library.New(library.Options{
		Default: m, Cache: hub.Environment(os.Getenv).Cache, Folder: f.Folder, State: data, Log: log,
		Kind: func(fsys fs.FS) (library.Kind, error) { k, err := local.Kind(fsys); return library.Kind(k), err },
		OpenModel: func(fsys fs.FS, o local.Options) (hf.Model, error) {
			return local.Open(fsys, f.options(o, counted))
		},
		OpenClassifier: func(fsys fs.FS, o local.Options) (hf.Classifier, error) {
			return local.OpenClassifier(fsys, f.options(o, counted))
		},
		OpenReranker: func(fsys fs.FS, o local.Options) (hf.Reranker, error) {
			return local.OpenReranker(fsys, f.options(o, counted))
		},
		MeasureNull: local.MeasureNull,
	}), nil
}

// options has a model compute as the flags say, and counted watch it.
func (f modelFlags) options(o local.Options, counted *metrics.Metrics) local.Options {
	o.Observer = counted.Model(o.ID)
	if f.Precision != "auto" {
		o.Arithmetic = f.Precision
	}
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

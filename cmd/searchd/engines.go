package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"searchd/index"
	"searchd/index/auto"
	"searchd/index/chromem"
	"searchd/index/hnsw"
	"searchd/models"
)

// manyVectors is where auto goes over from chromem to hnsw.
const manyVectors = 2000

// engines makes the index that a collection asks for, below the data folder.
type engines struct {
	dir  string
	many int // vectors where auto goes over from one engine to the other
	log  *slog.Logger
}

// Open opens what a collection's engine says; auto goes by the number of its vectors.
func (e engines) Open(c models.Collection) (index.Index, error) {
	switch {
	case c.Engine == models.EngineHNSW, c.Engine == models.EngineAuto && c.Chunks >= e.many:
		return e.openHNSW(c)
	case c.Engine == models.EngineChromem:
		return chromem.New(c.Dimensions)
	}
	small, err := chromem.New(c.Dimensions)
	if err != nil {
		return nil, err
	}
	return auto.New(small, e.many, func() (index.Index, error) {
		if err := e.Remove(c.ID); err != nil { // what is left of a time when there were many
			return nil, err
		}
		return e.openHNSW(c)
	}, e.log), nil
}

func (e engines) openHNSW(c models.Collection) (index.Index, error) {
	return hnsw.Open(e.path(c.ID), c.Dimensions, hnsw.Options{Log: e.log})
}

// Remove deletes the files of a collection's index.
func (e engines) Remove(collection uint64) error { return os.RemoveAll(e.path(collection)) }

func (e engines) path(collection uint64) string {
	return filepath.Join(e.dir, "hnsw", strconv.FormatUint(collection, 10))
}

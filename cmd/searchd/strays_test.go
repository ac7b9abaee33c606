package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"searchd/models"
	"searchd/models/db"
)

func TestStraysAreRemoved(t *testing.T) {
	dir := t.TempDir()
	store, err := db.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c := models.Collection{Name: "notes", Model: "m", Dimensions: 4, Engine: models.EngineAuto}
	if err := store.CreateCollection(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
	used, gone := strconv.FormatUint(c.ID, 10), strconv.FormatUint(c.ID+5, 10)
	for _, kind := range []string{"hnsw", "lexical"} {
		for _, name := range []string{used, gone, "notes.txt"} {
			if err := os.MkdirAll(filepath.Join(dir, kind, name, "inside"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := removeStrays(t.Context(), dir, store, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"hnsw", "lexical"} {
		entries, err := os.ReadDir(filepath.Join(dir, kind))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name())
		}
		if want := []string{used, "notes.txt"}; !slices.Equal(names, want) {
			t.Errorf("%s has %v, want %v", kind, names, want)
		}
	}
}

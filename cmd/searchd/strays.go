package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"

	"searchd/models/db"
)

// removeStrays deletes the index folders of collections that are gone: a crash may come after a collection is deleted and
// before its files are.
func removeStrays(ctx context.Context, dir string, store *db.DB, log *slog.Logger) error {
	all, err := store.AllGenerations(ctx, "")
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, c := range all {
		there[strconv.FormatUint(c.ID, 10)] = true
	}
	for _, kind := range []string{"hnsw", "lexical"} {
		entries, err := os.ReadDir(filepath.Join(dir, kind))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			if _, err := strconv.ParseUint(entry.Name(), 10, 64); err != nil || there[entry.Name()] {
				continue // not ours, or in use
			}
			path := filepath.Join(dir, kind, entry.Name())
			log.Info("index of a deleted collection removed", "path", path)
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"searchd/internal/folder"
)

// What changes once the files are listed, while they are still being read and sent, is noticed.
func TestChangesDuringPass(t *testing.T) {
	dir := t.TempDir()
	files, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := folder.NewWatcher(dir)
	if err != nil {
		t.Skip(err)
	}
	y := &syncer{ctx: t.Context(), folder: files, watcher: watcher}
	for _, name := range []string{"a.txt", "b.txt"} {
		if _, err := y.look(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		err := os.WriteFile(filepath.Join(dir, name), nil, 0o644)
		if err := errors.Join(err, watcher.Wait(ctx, time.Hour)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	if err := errors.Join(watcher.Close(), files.Close()); err != nil {
		t.Error(err)
	}
}

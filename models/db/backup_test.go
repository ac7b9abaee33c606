package db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"searchd/models"
	"searchd/models/db"
)

// backupTo keeps a backup of d in a file.
func backupTo(t *testing.T, d *db.DB, file string) {
	t.Helper()
	f, err := d.Backup(t.Context())
	must(t, err)
	all, err := io.ReadAll(f)
	must(t, errors.Join(err, f.Close()))
	must(t, os.WriteFile(file, all, 0o600))
}

// While documents come in one after the other, each backup holds those up to some moment, with all their chunks.
func TestBackupsAreOfOneMoment(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	c := collection(t, d, "c")
	stop, work := make(chan struct{}), sync.WaitGroup{}
	work.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				put(t, d, c, doc{id: fmt.Sprint("d", i), text: "text", chunks: 3})
			}
		}
	})
	last := 0
	for i := range 8 {
		file := filepath.Join(t.TempDir(), fmt.Sprint(i))
		backupTo(t, d, file)
		held, err := db.Verify(t.Context(), file)
		must(t, err)
		if held.Collections != 1 || held.Chunks != 3*held.Documents || held.Documents < last {
			t.Errorf("backup %d after one with %d documents: %+v", i, last, held)
		}
		last = held.Documents
		restored := filepath.Join(t.TempDir(), "new", "folder")
		if got, err := db.Restore(t.Context(), file, restored); err != nil || got != held {
			t.Fatalf("restored %+v, %v; want %+v", got, err, held)
		}
		again := open(t, restored)
		back, err := again.Collection(t.Context(), "c")
		must(t, err)
		if back.Documents != held.Documents || back.Chunks != held.Chunks {
			t.Errorf("the collection counts %d documents and %d chunks; the backup held %+v", back.Documents, back.Chunks, held)
		}
		if held.Documents > 0 {
			newest := fmt.Sprint("d", held.Documents-1) // they came in this order
			if _, err := again.Document(t.Context(), back.ID, newest); err != nil {
				t.Errorf("of %d documents the newest is missing: %v", held.Documents, err)
			}
			put(t, again, back, doc{id: "another", text: "t"}) // it can be written to
		}
	}
	close(stop)
	work.Wait()
	if left, err := filepath.Glob(filepath.Join(dir, "*.partial")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestBackupsOfAKilledProcessAreRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, left := range []string{"backup-123.partial", "backup-123.partial-journal"} {
		must(t, os.WriteFile(filepath.Join(dir, left), []byte("half"), 0o600))
	}
	open(t, dir)
	if left, err := filepath.Glob(filepath.Join(dir, "backup-*")); err != nil || len(left) > 0 {
		t.Errorf("still there: %v, %v", left, err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	full := t.TempDir()
	d := open(t, full)
	put(t, d, collection(t, d, "c"), doc{id: "a", text: strings.Repeat("text ", 10_000)})
	good := filepath.Join(t.TempDir(), "good.db")
	backupTo(t, d, good)
	content, err := os.ReadFile(good)
	must(t, err)
	write := func(name string, b []byte) string {
		file := filepath.Join(t.TempDir(), name)
		must(t, os.WriteFile(file, b, 0o600))
		return file
	}
	torn := append([]byte(nil), content...)
	for i := 4096; i < len(torn)-100; i += 4096 {
		copy(torn[i:], make([]byte, 100))
	}
	later := append([]byte(nil), content...)
	later[63] = 200 // the last byte of user_version
	stale := t.TempDir()
	must(t, os.Mkdir(filepath.Join(stale, "lexical"), 0o755))
	for name, test := range map[string]struct{ file, dir, says string }{
		"no file":                           {filepath.Join(full, "none"), "", "no such file"},
		"a text":                            {write("text", []byte("Dear diary,")), "", "is damaged or no SQLite file"},
		"nothing":                           {write("nothing", nil), "", "is no backup of searchd"},
		"half":                              {write("half", content[:len(content)/2]), "", "damaged"},
		"torn pages":                        {write("torn", torn), "", "damaged"},
		"of a later searchd":                {write("later", later), "", "upgrade searchd"},
		"a folder in use":                   {good, full, "in use by another searchd"},
		"a folder with a store's leftovers": {good, stale, "has lexical in it already"},
	} {
		dir := test.dir
		if dir == "" {
			dir = filepath.Join(t.TempDir(), "new")
		}
		_, err := db.Restore(t.Context(), test.file, dir)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v; want %q", name, err, test.says)
		}
		if _, err := os.Stat(filepath.Join(dir, "searchd.db")); dir != full && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a store was made: %v", name, err)
		}
	}
	if _, err := d.Collection(t.Context(), "c"); err != nil {
		t.Errorf("the store in use: %v", err)
	}
}

func TestBackupIsGivenUp(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f, err := d.Backup(ctx); err == nil {
		t.Errorf("made a backup for a caller that had left: %v", f.Name())
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.partial")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := d.Collection(t.Context(), "c"); models.CodeOf(err) != models.NotFound {
		t.Errorf("afterwards: %v", err)
	}
}

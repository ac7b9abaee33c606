package db_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"searchd/models"
	"searchd/models/db"
)

func TestFolderNames(t *testing.T) {
	for _, name := range []string{"plain", "with space", "what?", "a#b", "100%", "%41", "a?b=c&d", "灯塔", "semi;colon", "a:b", "it's", `quo"te`, "deep/er"} {
		dir := filepath.Join(t.TempDir(), name)
		d := open(t, dir)
		c := collection(t, d, "kept")
		put(t, d, c, doc{id: "1", text: "text"})
		d = reopen(t, d, dir)
		checkCounters(t, d, c, 1, 1)
		if _, err := os.Stat(filepath.Join(dir, "searchd.db")); err != nil {
			t.Errorf("%s: the file is somewhere else: %v", name, err)
		}
		must(t, d.Close())
	}
}

func TestAFolderInUseIsRefused(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	_, err := db.Open(t.Context(), dir)
	if models.CodeOf(err) != models.Conflict || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("opened twice: %v; want a Conflict", err)
	}
	must(t, d.Ping(t.Context())) // the first is not disturbed
	reopen(t, d, dir)
}

// raw runs statements on a store's file without package db.
func raw(t *testing.T, dir string, statements ...string) {
	t.Helper()
	file, err := sql.Open("sqlite", filepath.Join(dir, "searchd.db"))
	must(t, err)
	for _, s := range statements {
		_, err := file.ExecContext(t.Context(), s)
		must(t, err)
	}
	must(t, file.Close())
}

func TestANewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	must(t, open(t, dir).Close())
	raw(t, dir, "PRAGMA user_version = 1000")
	_, err := db.Open(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), "upgrade") {
		t.Fatalf("opened a store of schema 1000: %v", err)
	}
	raw(t, dir, "PRAGMA user_version = 1")
	open(t, dir) // the refusal gave the folder free
}

func TestDamagedFiles(t *testing.T) {
	tests := []struct {
		name   string
		damage func(content []byte) []byte
	}{
		{"another kind of file", func([]byte) []byte { return []byte(strings.Repeat("this is a letter, no database. ", 300)) }},
		{"a broken header", func(b []byte) []byte { copy(b, "SQLite format 9"); return b }},
		{"a schema of zeros", func(b []byte) []byte { clear(b[100:4096]); return b }},
		{"a schema of noise", func(b []byte) []byte {
			for i := range b[100:4096] {
				b[100+i] = byte(i * 7)
			}
			return b
		}},
	}
	for _, test := range tests {
		dir := damaged(t, test.damage)
		_, err := db.Open(t.Context(), dir)
		if err == nil || !strings.Contains(err.Error(), "backup") || !strings.Contains(err.Error(), "searchd.db") {
			t.Errorf("%s: %v; want an error that names the file and the remedy", test.name, err)
		}
	}
}

func TestCheckFindsDamage(t *testing.T) {
	d := open(t, damaged(t, func(b []byte) []byte { return b }))
	if lines, err := d.Check(t.Context()); err != nil || len(lines) != 0 {
		t.Fatalf("a good file: %q, %v", lines, err)
	}
	dir := damaged(t, func(b []byte) []byte {
		for at := 20 * 4096; at < len(b); at++ {
			b[at] = 0xa5
		}
		return b
	})
	d, err := db.Open(t.Context(), dir)
	if err != nil {
		return // found sooner
	}
	defer func() { _ = d.Close() }()
	if lines, err := d.Check(t.Context()); err == nil && len(lines) == 0 {
		t.Error("Check finds nothing in a damaged file")
	}
}

// damaged makes a store with something in it, changes its file and answers its folder.
func damaged(t *testing.T, damage func([]byte) []byte) string {
	t.Helper()
	dir := t.TempDir()
	d := open(t, dir)
	put(t, d, collection(t, d, "c"), doc{id: "1", text: strings.Repeat("text ", 50_000), metadata: `{"a":[1,2,3]}`, chunks: 40})
	must(t, d.Close())
	path := filepath.Join(dir, "searchd.db")
	content, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, damage(content), 0o600))
	return dir
}

func TestACancelledOpenGivesTheFolderFree(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if d, err := db.Open(ctx, dir); err == nil {
		must(t, d.Close())
		t.Fatal("opened with a cancelled context")
	}
	open(t, dir)
}

// TestFormerIndexesGo opens a store of the last schema whose indexes of items had all of them.
func TestFormerIndexesGo(t *testing.T) {
	dir := t.TempDir()
	must(t, open(t, dir).Close())
	former := []string{
		"CREATE INDEX pending ON job_items (job_seq, status, position)",
		"CREATE INDEX idx_job_items_document_id ON job_items (document_id)",
		"PRAGMA user_version = 7",
	}
	raw(t, dir, former...)
	must(t, open(t, dir).Close())
	raw(t, dir, former...) // which fails where they are there
	raw(t, dir, "DROP INDEX waiting_items", "DROP INDEX waiting_documents")
}

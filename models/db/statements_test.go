package db_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the driver named "sqlite"

	"searchd/models/db"
)

// A pool that prepares every statement anew is the oracle: the same operations say the same on both, whether a statement is
// kept, in use, broken off, failed, or was given up for others.
func TestStatements(t *testing.T) {
	dir, seed := t.TempDir(), rand.Uint64()
	kept, err := db.OpenPool(filepath.Join(dir, "kept.db"), 2)
	must(t, err)
	t.Cleanup(func() { must(t, kept.Close()) })
	plain, err := sql.Open("sqlite", filepath.Join(dir, "plain.db"))
	must(t, err)
	t.Cleanup(func() { must(t, plain.Close()) })
	plain.SetMaxOpenConns(2)

	said := func(pool *sql.DB) (lines []string) {
		r := rand.New(rand.NewPCG(seed, 0))
		say := func(args ...any) { lines = append(lines, fmt.Sprintln(args...)) }
		_, err := pool.Exec("PRAGMA journal_mode = WAL; CREATE TABLE n (i INTEGER PRIMARY KEY, word TEXT)")
		say(err)
		for range 1000 {
			switch i := r.IntN(200); r.IntN(5) {
			case 0: // which fails where it is there
				_, err := pool.Exec("INSERT INTO n VALUES (?, ?)", i, fmt.Sprint("word ", i))
				say(err)
			case 1: // one statement of each length
				result, err := pool.Exec(fmt.Sprintf("UPDATE n SET word = word || '.' WHERE i < ? AND i IN (%s0)", numbers(i)), r.IntN(200))
				say(err)
				if err == nil {
					n, err := result.RowsAffected()
					say(n, err)
				}
			case 2:
				say(inTransaction(pool, i))
			case 3:
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				_, err := pool.ExecContext(ctx, "DELETE FROM n WHERE i = ?", i)
				say(err)
			default:
				_, err := pool.Exec("DELETE FROM n WHERE i = ?", i)
				say(err)
			}
		}
		return lines
	}
	got, want := said(kept), said(plain)
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("seed %d: operation %d says %s; want %s", seed, i, got[i], want[i])
		}
	}
	if n, err := db.Idle(kept); err != nil || n < 50 || n > db.MaxStatements {
		t.Fatalf("a connection keeps %d statements (%v); want at most %d", n, err, db.MaxStatements)
	}
}

// inTransaction reads with a statement while it is read with, and breaks that off.
func inTransaction(pool *sql.DB, from int) (words []string, err error) {
	tx, err := pool.Begin()
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	const query = "SELECT i, word FROM n WHERE i >= ? ORDER BY i"
	rows, err := tx.Query(query, from)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for len(words) < 10 && rows.Next() {
		var i, next int
		var word string
		if err := rows.Scan(&i, &word); err != nil {
			return nil, err
		}
		words = append(words, word)
		if err := tx.QueryRow(query, i+1).Scan(&next, &word); err == nil {
			words = append(words, word)
		}
	}
	return words, rows.Err()
}

// numbers is the beginning of a list of numbers up to n.
func numbers(n int) (s string) {
	for i := range n {
		s += fmt.Sprint(i, ",")
	}
	return s
}

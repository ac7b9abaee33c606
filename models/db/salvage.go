package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"gorm.io/gorm"

	"searchd/models"
)

// Salvaged is what could be read of a damaged store.
type Salvaged struct {
	Contents
	Lost []string // what could not, in words
}

// salvageRows is how many rows are copied with one statement, as long as all of them can be read; mostLost bounds the rows of a
// table that are tried one by one: more means that the way to the others is lost.
const (
	salvageRows = 1000
	mostLost    = 100_000
)

// Salvage copies every row that can be read from the store of a data folder, which nobody may have open, into a new file. That
// can be restored as a backup is; a check with repair then sets right what the lost rows have left. The store itself is not changed.
func Salvage(ctx context.Context, dir, file string) (s Salvaged, err error) {
	from := filepath.Join(dir, storeName)
	if _, err := os.Stat(from); err != nil {
		return s, err
	}
	if _, err := os.Stat(file); err == nil {
		return s, models.Errorf(models.Conflict, "", "%s is there already; give another name, or remove it", file)
	}
	lock, err := take(dir)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	partial := file + ".partial"
	if err := errors.Join(removeAll(partial), removeAll(partial+"-*")); err != nil {
		return s, err
	}
	if err := s.into(ctx, from, partial); err != nil {
		return s, errors.Join(err, removeAll(partial), removeAll(partial+"-*"))
	}
	if s.Contents, err = Verify(ctx, partial); err != nil {
		return s, err
	}
	return s, errors.Join(syncFile(partial), os.Rename(partial, file))
}

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (s *Salvaged) into(ctx context.Context, from, to string) error {
	d := &DB{path: to}
	var err error
	if d.write, err = open(to, 1, "_pragma=journal_mode(MEMORY)&_pragma=synchronous(OFF)"); err != nil {
		return err
	}
	if err := d.migrate(ctx); err != nil {
		return errors.Join(err, disconnect(d.write))
	}
	g := d.write.WithContext(ctx)
	err = g.Exec("ATTACH ? AS damaged", "file:"+(&url.URL{Path: from}).EscapedPath()+"?mode=ro").Error
	if err == nil {
		err = s.copy(g) // each statement for itself: one that meets damage would take the others with it
	}
	if err != nil {
		err = explain(from, err)
	}
	return errors.Join(err, disconnect(d.write))
}

// copy copies the tables, chunks after the documents that they belong to.
func (s *Salvaged) copy(tx *gorm.DB) error {
	var tables []string
	if err := tx.Raw("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name = 'chunks', name").Scan(&tables).Error; err != nil {
		return err
	}
	for _, table := range tables {
		t := salvagedTable{tx: tx, name: table}
		if err := t.copy(); err != nil {
			return fmt.Errorf("copy %s: %w", table, err)
		}
		if t.lost > 0 {
			s.Lost = append(s.Lost, fmt.Sprintf("%d rows of %s, or as many numbers that had none", t.lost, table))
		}
		if t.lost >= mostLost {
			s.Lost = append(s.Lost, "what comes after them in "+table)
		}
	}
	if err := tx.Exec("UPDATE collections SET (documents, chunks) = (SELECT " + counted + ")").Error; err != nil {
		return err
	}
	// A Seq is never used again, whatever was lost.
	return tx.Exec("UPDATE main.sqlite_sequence SET seq = MAX(seq, COALESCE((SELECT seq FROM damaged.sqlite_sequence d WHERE d.name = sqlite_sequence.name), 0))").Error
}

// salvagedTable is a table that is copied.
type salvagedTable struct {
	tx      *gorm.DB
	name    string
	columns string // that both stores have
	lost    int
}

func (t *salvagedTable) copy() error {
	if err := t.readColumns(); err != nil || t.columns == "" {
		return err
	}
	if t.name == "chunks" {
		return t.copyChunks()
	}
	last, err := t.last()
	if err != nil {
		return err
	}
	for from := int64(0); from <= last && t.lost < mostLost; from += salvageRows {
		if err := t.copyRange(from, min(last, from+salvageRows-1)); err != nil {
			return err
		}
	}
	return nil
}

// readColumns finds the columns that the damaged store has: an earlier schema may lack some, or the table.
func (t *salvagedTable) readColumns() error {
	var names []string
	err := t.tx.Raw("SELECT m.name FROM pragma_table_info(?, 'main') m JOIN pragma_table_info(?, 'damaged') d ON d.name = m.name", t.name, t.name).Scan(&names).Error
	for i, name := range names {
		names[i] = `"` + name + `"`
	}
	t.columns = strings.Join(names, ", ")
	return err
}

// last is a rowid after which there are none. Where the end of the table is damaged, SQLite knows the highest that it gave.
func (t *salvagedTable) last() (int64, error) {
	var last int64
	err := t.tx.Raw("SELECT COALESCE(MAX(rowid), 0) FROM damaged." + t.name).Scan(&last).Error
	if err != nil && t.tx.Statement.Context.Err() == nil {
		err = t.tx.Raw("SELECT COALESCE(MAX(seq), 0) FROM damaged.sqlite_sequence WHERE name = ?", t.name).Scan(&last).Error
		t.lost++
	}
	return last, err
}

// copyRange copies rows by rowid; where they cannot all be read, each half alone.
func (t *salvagedTable) copyRange(from, to int64) error {
	err := t.insert(from, to)
	switch {
	case err == nil || t.lost >= mostLost:
		return nil
	case t.tx.Statement.Context.Err() != nil || DiskFailed(err) && !readFailed(err):
		return err
	case from == to:
		t.lost++
		return nil
	}
	middle := from + (to-from)/2
	if err := t.copyRange(from, middle); err != nil {
		return err
	}
	return t.copyRange(middle+1, to)
}

func (t *salvagedTable) insert(from, to int64) error {
	return t.tx.Exec(fmt.Sprintf("INSERT OR IGNORE INTO main.%s (%s) SELECT %s FROM damaged.%s WHERE rowid BETWEEN ? AND ?", t.name, t.columns, t.columns, t.name), from, to).Error
}

// copyChunks copies the chunks of the documents that were copied, as their ids are far apart. Chunks of a document that is lost
// may come with those of its neighbours.
func (t *salvagedTable) copyChunks() error {
	var docs []models.Document
	return t.tx.Model(&models.Document{}).Select("seq", "chunks").FindInBatches(&docs, salvageRows, func(*gorm.DB, int) error {
		if t.insert(chunksFrom(docs[0]), chunksTo(docs[len(docs)-1])) == nil {
			return nil
		}
		for _, doc := range docs {
			if err := t.copyRange(chunksFrom(doc), chunksTo(doc)); err != nil {
				return err
			}
		}
		return nil
	}).Error
}

func chunksFrom(doc models.Document) int64 { return int64(models.ChunkID(doc.Seq, 0)) }

func chunksTo(doc models.Document) int64 {
	return int64(models.ChunkID(doc.Seq, min(max(doc.Chunks, 1), models.MaxChunks)-1))
}

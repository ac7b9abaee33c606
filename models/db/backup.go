package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"gorm.io/gorm"

	"searchd/models"
)

// backupPattern names the files in the data folder that a backup is made in. Those of a process that was killed are
// removed when the store is opened.
const backupPattern = "backup-*.partial"

// Backup makes a copy of the store in a file of its own, as it is at one moment: readers and writers go on meanwhile. The
// file is gone once it is closed. Providers' keys in it can be read with the data folder's secret only.
func (d *DB) Backup(ctx context.Context) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(d.path), backupPattern)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	copied := d.copyTo(ctx, f.Name())
	// Without its name the file lives as long as it is open. Where a system does not allow that, the next start removes it.
	_ = os.Remove(f.Name())
	if copied != nil {
		return nil, fmt.Errorf("backup: %w", errors.Join(copied, f.Close()))
	}
	return f, nil
}

// copyTo uses a connection of its own, so that it holds up nobody.
func (d *DB) copyTo(ctx context.Context, path string) error {
	g, err := connect(d.path, 1, "")
	if err != nil {
		return err
	}
	return errors.Join(g.WithContext(ctx).Exec("VACUUM INTO ?", path).Error, disconnect(g))
}

func disconnect(g *gorm.DB) error {
	pool, err := g.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}

// Contents is how much a store holds.
type Contents struct {
	Collections, Documents, Chunks int
}

// Verify reads all of a backup and answers what is in it.
func Verify(ctx context.Context, file string) (Contents, error) {
	var c Contents
	if _, err := os.Stat(file); err != nil {
		return c, err
	}
	g, err := open(file, 1, "mode=ro&immutable=1")
	if err != nil {
		return c, err
	}
	return c, errors.Join(verify(g.WithContext(ctx), file, &c), disconnect(g))
}

func verify(g *gorm.DB, file string, c *Contents) error {
	var version int
	var complaints []string
	if err := g.Raw("PRAGMA user_version").Scan(&version).Error; err != nil {
		return explain(file, err)
	}
	if err := known(file, version); err != nil {
		return err
	}
	if err := g.Raw("PRAGMA integrity_check(3)").Scan(&complaints).Error; err != nil {
		return explain(file, err)
	}
	if len(complaints) != 1 || complaints[0] != "ok" {
		return fmt.Errorf("%s is damaged: %s", file, complaints)
	}
	if version == 0 {
		return fmt.Errorf("%s is no backup of searchd", file)
	}
	live := "1"
	if version >= generationsSince {
		live = "generation = ''"
	}
	return g.Raw("SELECT COUNT(*) AS collections, COALESCE(SUM(documents), 0) AS documents, COALESCE(SUM(chunks), 0) AS chunks FROM collections WHERE " + live).Scan(c).Error
}

// keeps are the files of a data folder that say nothing about what a store holds.
var keeps = map[string]bool{"searchd.lock": true, "secret.key": true}

// Restore makes a store of a backup in dir, which must not hold one. The file is verified before anything is written, and
// the store is there whole or not at all.
func Restore(ctx context.Context, file, dir string) (c Contents, err error) {
	if c, err = Verify(ctx, file); err != nil {
		return c, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return c, fmt.Errorf("data folder: %w", err)
	}
	lock, err := take(dir)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	there, err := os.ReadDir(dir)
	if err != nil {
		return c, err
	}
	for _, entry := range there {
		if !keeps[entry.Name()] {
			return c, models.Errorf(models.Conflict, "", "the data folder %s has %s in it already: restore into another one with --data, or move it away", dir, entry.Name())
		}
	}
	return c, copyFile(file, filepath.Join(dir, storeName))
}

// take locks a data folder. One process at a time: a folder in use is a Conflict.
func take(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "searchd.lock"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("data folder: lock: %w", err)
	}
	if !locked {
		return nil, models.Errorf(models.Conflict, "", "the data folder %s is in use by another searchd: stop it, or reach it with --server URL", dir)
	}
	return lock, nil
}

// copyFile is done when the copy is on the disk under its name.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	partial := to + ".partial"
	out, err := os.Create(partial)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return errors.Join(fmt.Errorf("restore: %w", err), os.Remove(partial))
	}
	return os.Rename(partial, to)
}

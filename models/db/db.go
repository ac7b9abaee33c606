package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/gofrs/flock"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"searchd/internal/lru"
	"searchd/models"
)

// schemaVersion is written into the file. A store made by a later searchd is refused rather than misread.
const schemaVersion = 9

// generationsSince is the first schema whose collections have generations.
const generationsSince = 6

const readers = 4

// storeName is the file in a data folder that holds everything.
const storeName = "searchd.db"

// DB is an open data folder. It is safe for concurrent use.
type DB struct {
	write *gorm.DB
	read  *gorm.DB
	lock  *flock.Flock
	path  string

	changes  changes
	live     collections
	passages *lru.Cache[told, *Passage]
	sets     *lru.Cache[remembered, *roaring64.Bitmap] // of filters
	facets   *lru.Cache[remembered, []posting]
	fields   *lru.Cache[changed, []Field]
}

// Open opens the store in dir, making it where there is none. One process at a time: a folder in use is a Conflict.
func Open(ctx context.Context, dir string) (*DB, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	lock, err := take(dir)
	if err != nil {
		return nil, err
	}
	d := &DB{
		lock: lock, path: filepath.Join(dir, storeName),
		passages: lru.New[told, *Passage](maxPassages, 0),
		sets:     lru.New[remembered, *roaring64.Bitmap](maxRemembered, 0),
		facets:   lru.New[remembered, []posting](maxRemembered, 0),
		fields:   lru.New[changed, []Field](maxRemembered, 0),
	}
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *DB) open(ctx context.Context) (err error) {
	if err := removeAll(filepath.Join(filepath.Dir(d.path), backupPattern+"*")); err != nil { // SQLite's journals of them, too
		return err
	}
	if d.write, err = connect(d.path, 1, "_txlock=immediate"); err != nil {
		return err
	}
	if err := d.migrate(ctx); err != nil {
		return err
	}
	if err := d.recover(ctx); err != nil {
		return err
	}
	if err := d.write.WithContext(ctx).Raw("SELECT COALESCE(MAX(seq), 0) FROM documents").Scan(&d.changes.newest).Error; err != nil {
		return err
	}
	d.read, err = connect(d.path, readers, "_pragma=query_only(1)")
	return err
}

func connect(path string, connections int, extra string) (*gorm.DB, error) {
	return open(path, connections, "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&"+extra)
}

func open(path string, connections int, query string) (*gorm.DB, error) {
	// The path is escaped as a URI: a folder may have a space, a ? or a # in its name.
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query
	pool, err := openPool(dsn, connections)
	if err != nil {
		return nil, err
	}
	g, err := gorm.Open(sqlite.Dialector{Conn: pool}, &gorm.Config{
		Logger:                 logger.Discard, // errors are returned; nothing is logged twice
		SkipDefaultTransaction: true,           // transactions are written out where they are meant
	})
	if err != nil {
		return nil, errors.Join(explain(path, err), pool.Close())
	}
	return g, nil
}

// explain adds the remedy where SQLite's own words are not enough.
func explain(path string, err error) error {
	text := err.Error()
	if strings.Contains(text, "not a database") || strings.Contains(text, "malformed") {
		return fmt.Errorf("%s is damaged or no SQLite file; restore it from a backup, or move it away to start empty: %w", path, err)
	}
	return fmt.Errorf("open %s: %w", path, err)
}

func (d *DB) migrate(ctx context.Context) error {
	g := d.write.WithContext(ctx)
	var version int
	if err := g.Raw("PRAGMA user_version").Scan(&version).Error; err != nil {
		return explain(d.path, err)
	}
	if err := known(d.path, version); err != nil {
		return err
	}
	if version == schemaVersion {
		return nil
	}
	err := g.AutoMigrate(&models.Collection{}, &models.Document{}, &models.Chunk{}, &models.Field{}, &models.Job{}, &models.JobItem{},
		&models.Provider{}, &models.ModelRequest{}, &models.Quarantined{}, &models.Profile{})
	if err != nil {
		return explain(d.path, err)
	}
	// Until schema 5 a name was one collection's alone; until schema 7 indexes had all items, also those that are done.
	for _, index := range []string{"idx_collections_name", "pending", "idx_job_items_document_id"} {
		if err := g.Exec("DROP INDEX IF EXISTS " + index).Error; err != nil {
			return explain(d.path, err)
		}
	}
	return g.Exec(fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)).Error
}

// known refuses the store of a later searchd.
func known(path string, version int) error {
	if version > schemaVersion {
		return fmt.Errorf("%s has schema %d, made by a later searchd; this one knows %d: upgrade searchd", path, version, schemaVersion)
	}
	return nil
}

// removeAll removes the files that a pattern names.
func removeAll(pattern string) error {
	names, err := filepath.Glob(pattern)
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// Path is the file that holds everything.
func (d *DB) Path() string { return d.path }

// Ping makes sure that the store can be read.
func (d *DB) Ping(ctx context.Context) error {
	var one int
	return d.read.WithContext(ctx).Raw("SELECT 1 FROM collections LIMIT 1").Scan(&one).Error
}

// Check runs SQLite's own integrity check and answers its complaints.
func (d *DB) Check(ctx context.Context) ([]string, error) {
	var lines []string
	if err := d.read.WithContext(ctx).Raw("PRAGMA quick_check").Scan(&lines).Error; err != nil {
		return nil, err
	}
	if len(lines) == 1 && lines[0] == "ok" {
		return nil, nil
	}
	return lines, nil
}

// Close closes the file and gives the folder free.
func (d *DB) Close() error {
	var errs []error
	for _, g := range []*gorm.DB{d.read, d.write} {
		if g == nil {
			continue
		}
		errs = append(errs, disconnect(g))
	}
	return errors.Join(append(errs, d.lock.Unlock())...)
}

// Page is a part of a list: at most Limit rows after the row named After (empty for the first page).
type Page struct {
	Limit int
	After string
}

// notFound turns GORM's missing row into the error a person reads.
func notFound(err error, field, format string, args ...any) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return models.Errorf(models.NotFound, field, format, args...)
	}
	return err
}

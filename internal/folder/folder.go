package folder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// Folder is a folder that is looked at again and again. It is used by one goroutine.
type Folder struct {
	dir    string
	root   *os.Root          // as it was found by the last Scan
	hashes map[string]hashed // by path: what need not be read again
}

type hashed struct {
	stamp stamp
	hash  string
	at    time.Time // when it was read
}

// stamp changes when a file does.
type stamp struct {
	size     int64
	modified time.Time
}

// Files are the files of a folder at a time.
type Files struct {
	Sizes map[string]int64 // by path below the folder, with slashes
	Dirs  []string         // that were looked into; "." is the folder itself
	// Blind are folders, files and reasons that could not be looked at. What was there before may be there still.
	Blind map[string]error
}

// Open opens a folder.
func Open(dir string) (*Folder, error) {
	f := &Folder{dir: dir, hashes: map[string]hashed{}}
	return f, f.reopen()
}

// reopen finds the folder that now has the name: another drive may have come there.
func (f *Folder) reopen() error {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return err
	}
	if f.root != nil {
		_ = f.root.Close() // nothing was written
	}
	f.root = root
	return nil
}

// Close gives the folder free.
func (f *Folder) Close() error { return f.root.Close() }

// Scan lists the files that are not ignored: regular ones, and no links.
func (f *Folder) Scan(ctx context.Context) (Files, error) {
	if err := f.reopen(); err != nil {
		return Files{}, err
	}
	s := scan{ctx: ctx, folder: f, files: Files{Sizes: map[string]int64{}, Blind: map[string]error{}}}
	if err := s.dir(".", nil, defaultPatterns()); err != nil {
		return Files{}, err
	}
	for name := range f.hashes {
		if _, there := s.files.Sizes[name]; !there {
			delete(f.hashes, name)
		}
	}
	return s.files, nil
}

type scan struct {
	ctx    context.Context
	folder *Folder
	files  Files
}

// dir looks into a folder. Only where the outermost one cannot be looked at, that is an error.
func (s *scan) dir(name string, parts []string, patterns []gitignore.Pattern) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	entries, err := fs.ReadDir(s.folder.root.FS(), name)
	if err == nil {
		var own []gitignore.Pattern
		own, err = readIgnore(s.folder.root, name, parts)
		patterns = append(slices.Clip(patterns), own...)
	}
	if err != nil { // without its ignore file, too: nothing that is meant to stay out may come in
		if name == "." {
			return err
		}
		s.files.Blind[name] = err
		return nil
	}
	s.files.Dirs = append(s.files.Dirs, name)
	matcher := gitignore.NewMatcher(patterns)
	for _, entry := range entries {
		below := append(slices.Clip(parts), entry.Name())
		if matcher.Match(below, entry.IsDir()) {
			continue
		}
		full := path.Join(name, entry.Name())
		switch {
		case entry.IsDir():
			if err := s.dir(full, below, patterns); err != nil {
				return err
			}
		case entry.Type().IsRegular():
			info, err := entry.Info()
			if err == nil {
				s.files.Sizes[full] = info.Size()
			} else if !errors.Is(err, fs.ErrNotExist) { // gone meanwhile
				s.files.Blind[full] = err
			}
		}
	}
	return nil
}

// IsBlind says whether a path could not be looked at, or what it lies in.
func (f Files) IsBlind(name string) bool {
	for blind := range f.Blind {
		if name == blind || strings.HasPrefix(name, blind+"/") {
			return true
		}
	}
	return false
}

func (f *Folder) stamp(name string) (stamp, error) {
	info, err := f.root.Lstat(name)
	if err != nil {
		return stamp{}, err
	}
	if !info.Mode().IsRegular() {
		return stamp{}, fmt.Errorf("%s: is no file any more", name)
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

// A file that is being written is read again, after pauses that grow.
const (
	tries      = 4
	firstPause = 50 * time.Millisecond
	settled    = 2 * time.Second // after which a change surely has another time
)

// ErrChanging is in the error of a file that was changed whenever it was read.
var ErrChanging = errors.New("is being changed while it is read; it is left for later")

// Hash is the SHA-256 of a file, in hex. It is computed once as long as size and time of the file stay.
func (f *Folder) Hash(ctx context.Context, name string) (string, error) {
	if known, ok := f.hashes[name]; ok {
		if now, err := f.stamp(name); err == nil && now == known.stamp && known.at.Sub(now.modified) > settled {
			return known.hash, nil
		}
	}
	sum := sha256.New()
	return f.stable(ctx, name, func(file io.Reader, _ int64) ([]byte, error) {
		sum.Reset()
		_, err := io.Copy(sum, file)
		return sum.Sum(nil), err
	})
}

// Read reads a file of at most so many bytes, with its hash: neither is of a file half changed.
func (f *Folder) Read(ctx context.Context, name string, most int64) (content []byte, hash string, err error) {
	hash, err = f.stable(ctx, name, func(file io.Reader, size int64) ([]byte, error) {
		if size > most {
			return nil, fmt.Errorf("%s: has %d bytes; a file can have %d", name, size, most)
		}
		var err error
		content, err = io.ReadAll(io.LimitReader(file, most+1))
		sum := sha256.Sum256(content)
		return sum[:], err
	})
	return content, hash, err
}

// stable reads a file until it was the same before and after, and remembers its hash.
func (f *Folder) stable(ctx context.Context, name string, read func(io.Reader, int64) ([]byte, error)) (string, error) {
	pause := firstPause
	for range tries {
		start := time.Now()
		before, err := f.stamp(name)
		if err != nil {
			return "", err
		}
		sum, err := f.read(name, before.size, read)
		if err != nil {
			return "", err
		}
		after, err := f.stamp(name)
		if err != nil {
			return "", err
		}
		if before == after {
			hash := hex.EncodeToString(sum)
			f.hashes[name] = hashed{after, hash, start}
			return hash, nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return "", ctx.Err()
		}
		pause *= 3
	}
	return "", fmt.Errorf("%s: %w", name, ErrChanging)
}

func (f *Folder) read(name string, size int64, read func(io.Reader, int64) ([]byte, error)) ([]byte, error) {
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	sum, err := read(file, size)
	return sum, errors.Join(err, file.Close())
}

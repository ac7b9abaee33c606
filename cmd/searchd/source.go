package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/samber/lo"
	"golang.org/x/term"

	"searchd/api/wire"
	"searchd/ingest/extract"
)

// source is a file to be added, or standard input.
type source struct {
	path   string // "-" for standard input
	id     string // of the document, where the file is one
	format string // one of extract's; empty where the content says
	named  bool   // on the command line, rather than found in a folder
	size   int64  // bytes on disk; -1 where nobody knows
}

const maxLine = 16 << 20

// findSources lists what the paths stand for. In a folder, hidden files and folders are passed over.
func findSources(paths []string, format string) (found []source, err error) {
	for _, path := range paths {
		if path == "-" {
			if format == "" {
				return nil, usageError("standard input has no name to tell its format: give --format, such as text, markdown or jsonl")
			}
			found = append(found, source{path: "-", id: "stdin", format: format, named: true, size: -1})
			continue
		}
		if err := walk(path, format, &found); err != nil {
			return nil, err
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("there is nothing to add: no file in %s", strings.Join(paths, ", "))
	}
	return found, nil
}

func walk(root, format string, found *[]source) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != root
		switch {
		case entry.IsDir() && hidden:
			return filepath.SkipDir
		case entry.IsDir(), hidden, !entry.Type().IsRegular() && path != root:
			return nil
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		s := source{path: path, id: documentID(root, path), format: format, named: path == root, size: info.Size()}
		if ext := strings.ToLower(filepath.Ext(s.unpackedName())); format == "" && (ext == ".jsonl" || ext == ".ndjson") {
			s.format = "jsonl" // documents as the API takes them, of any number
		}
		*found = append(*found, s)
		return nil
	})
}

// unpackedName is the name of a file without the end that says that it is packed.
func (s source) unpackedName() string {
	if s.packed() {
		return s.id[:len(s.id)-len(".gz")]
	}
	return s.id
}

func (s source) packed() bool { return strings.HasSuffix(strings.ToLower(s.path), ".gz") }

// documentID names a file by its place below the folder that was added, so that adding it again replaces it.
func documentID(root, path string) string {
	below, err := filepath.Rel(filepath.Dir(filepath.Clean(root)), path)
	if err != nil || strings.HasPrefix(below, "..") {
		below = path
	}
	return strings.TrimPrefix(filepath.ToSlash(below), "/")
}

// read calls add for every document, with the place it comes from and the bytes of the file that it stands for.
func (s source) read(ctx context.Context, files *extract.Files, stdin io.Reader, add func(doc wire.Document, place string, consumed int64) error) error {
	r, consumed, closeAll, err := s.open(stdin)
	if err != nil {
		return err
	}
	if s.format == "jsonl" {
		err = s.readLines(r, consumed, add)
	} else {
		err = s.extract(ctx, files, r, add)
	}
	return errors.Join(err, closeAll())
}

// open answers the text of a source, unpacked, and how many bytes of the file have been read so far.
func (s source) open(stdin io.Reader) (io.Reader, func() int64, func() error, error) {
	if s.path == "-" {
		return stdin, func() int64 { return 0 }, func() error { return nil }, nil
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, nil, nil, err
	}
	counted := &counter{r: f}
	if !s.packed() {
		return counted, counted.count, f.Close, nil
	}
	z, err := gzip.NewReader(counted)
	if err != nil {
		return nil, nil, nil, errors.Join(fmt.Errorf("%s: %w", s.path, err), f.Close())
	}
	return z, counted.count, f.Close, nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counter) count() int64 { return c.n }

func (s source) readLines(r io.Reader, consumed func() int64, add func(wire.Document, string, int64) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	seen := int64(0)
	for number := 1; lines.Scan(); number++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		place := fmt.Sprintf("%s:%d", s.path, number)
		var doc wire.Document
		if err := json.Unmarshal(lines.Bytes(), &doc, json.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("%s: a line must be an object with text and, if wanted, id, title, url, metadata: %w", place, err)
		}
		now := consumed()
		if err := add(doc, place, now-seen); err != nil {
			return err
		}
		seen = now
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return nil
}

// extract reads a file that is not documents line by line.
func (s source) extract(ctx context.Context, files *extract.Files, r io.Reader, add func(wire.Document, string, int64) error) error {
	content, err := io.ReadAll(io.LimitReader(r, extract.MaxFile+1))
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	left := max(s.size, 0) // of the file, for the bar
	f := extract.File{Name: s.unpackedName(), Content: bytes.NewReader(content), Size: int64(len(content))}
	return files.As(ctx, s.format, f, func(d extract.Document) error {
		metadata, err := json.Marshal(d.Metadata, json.Deterministic(true))
		if err != nil {
			return err
		}
		doc := wire.Document{ID: cmp.Or(d.ID, path.Join(s.id, d.Part)), Title: d.Title, URL: d.URL, Text: d.Text, Metadata: metadata,
			Sections: lo.Map(d.Sections, func(s extract.Section, _ int) wire.Section { return wire.Section(s) })}
		consumed := left
		left = 0
		return add(doc, path.Join(filepath.ToSlash(s.path), d.Part), consumed)
	})
}

// isTerminal says whether w is a terminal that a bar can be drawn on.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// fieldOf is the last part of a path such as documents[3].text.
func fieldOf(param string) string {
	if _, field, ok := strings.Cut(param, "]."); ok {
		return field
	}
	return param
}

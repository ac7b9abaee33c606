package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"golang.org/x/term"

	"searchd/api/wire"
)

// source is a file to be added, or standard input.
type source struct {
	path   string // "-" for standard input
	id     string // of the document, where the file is one
	format string // text, markdown or jsonl
	size   int64  // bytes on disk; -1 where nobody knows
}

var formats = map[string]string{
	".txt": "text", ".text": "text", ".md": "markdown", ".markdown": "markdown", ".mdx": "markdown", ".jsonl": "jsonl", ".ndjson": "jsonl",
}

const maxLine = 16 << 20

// findSources lists what the paths stand for. In a folder, files of other kinds are skipped and counted; a file that
// is named must be of a known kind.
func findSources(paths []string, format string) (found []source, skipped int, err error) {
	for _, path := range paths {
		if path == "-" {
			if format == "" {
				return nil, 0, usageError("standard input has no name to tell its format: give --format text, markdown or jsonl")
			}
			found = append(found, source{path: "-", id: "stdin", format: format, size: -1})
			continue
		}
		n, err := walk(path, format, &found)
		if err != nil {
			return nil, 0, err
		}
		skipped += n
	}
	if len(found) == 0 {
		return nil, 0, fmt.Errorf("there is nothing to add: no text, Markdown or JSONL file in %s", strings.Join(paths, ", "))
	}
	return found, skipped, nil
}

func walk(root, format string, found *[]source) (skipped int, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != root
		if entry.IsDir() {
			if hidden {
				return filepath.SkipDir
			}
			return nil
		}
		kind := formatOf(path, format)
		if hidden || !entry.Type().IsRegular() && path != root || kind == "" {
			if path == root {
				return fmt.Errorf("%s is neither text, Markdown nor JSONL by its name; say what it is with --format", path)
			}
			skipped++
			return nil
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		*found = append(*found, source{path: path, id: documentID(root, path), format: kind, size: info.Size()})
		return nil
	})
	return skipped, err
}

func formatOf(path, format string) string {
	if format != "" {
		return format
	}
	return formats[strings.ToLower(filepath.Ext(strings.TrimSuffix(path, ".gz")))]
}

// documentID names a file by its place below the folder that was added, so that adding it again replaces it.
func documentID(root, path string) string {
	below, err := filepath.Rel(filepath.Dir(filepath.Clean(root)), path)
	if err != nil || strings.HasPrefix(below, "..") {
		below = path
	}
	return strings.TrimPrefix(filepath.ToSlash(below), "/")
}

// read calls add for every document, with the place it comes from and the bytes of the file that it stands for.
func (s source) read(stdin io.Reader, add func(doc wire.Document, place string, consumed int64) error) error {
	r, consumed, closeAll, err := s.open(stdin)
	if err != nil {
		return err
	}
	if s.format == "jsonl" {
		err = s.readLines(r, consumed, add)
	} else {
		err = s.readWhole(r, add)
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
	if !strings.HasSuffix(strings.ToLower(s.path), ".gz") {
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

func (s source) readWhole(r io.Reader, add func(wire.Document, string, int64) error) error {
	text, err := io.ReadAll(io.LimitReader(r, maxLine+1))
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	doc := wire.Document{ID: s.id, Text: strings.ToValidUTF8(strings.TrimPrefix(string(text), "\ufeff"), "\ufffd"), Title: filepath.Base(s.id)}
	if s.format == "markdown" {
		doc.Title, doc.Text = markdownTitle(doc.Text, doc.Title)
	}
	return add(doc, s.path, max(s.size, 0))
}

// markdownTitle takes the title from the front matter or from the first heading, and drops the front matter.
func markdownTitle(text, otherwise string) (title, body string) {
	title, body = otherwise, text
	if rest, ok := strings.CutPrefix(text, "---\n"); ok {
		if front, after, ok := strings.Cut(rest, "\n---\n"); ok {
			body = after
			for line := range strings.Lines(front) {
				if value, ok := strings.CutPrefix(line, "title:"); ok {
					return strings.Trim(strings.TrimSpace(value), `"'`), body
				}
			}
		}
	}
	for line := range strings.Lines(body) {
		if heading, ok := strings.CutPrefix(line, "# "); ok {
			return strings.TrimSpace(heading), body
		}
	}
	return title, body
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

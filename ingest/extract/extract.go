package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// File is a file to read.
type File struct {
	Name    string // its path, with slashes
	Content io.ReaderAt
	Size    int64
}

// Document is what a file says. Most files are one document; a table has one a row, an archive one a file.
type Document struct {
	Part     string // of the file: empty where the document is the whole of it
	ID       string // where the file itself names the document
	Title    string // never empty: the name of the file where it has none
	URL      string
	Text     string // UTF-8
	Metadata map[string]any
	Sections []Section // in order
}

// Section is where a page or a heading begins.
type Section struct {
	Start   int    // byte of the document's text
	Page    int    // from 1; 0 where there are no pages
	Heading string // empty where a page begins in the middle of a section
	Level   int    // of the heading, from 1
}

// Extractor reads files of one format. Implementations are safe for concurrent use.
type Extractor interface {
	// Extract calls add for each document, in order, and ends with its error. A file that is not what it should be is an error
	// that says what is wrong with it.
	Extract(ctx context.Context, f File, add func(Document) error) error
}

// Limits of what is read.
const (
	MaxFile     = 256 << 20 // bytes of a file that is not read as a stream
	maxText     = 10 << 20  // bytes of a document's text
	maxUnpacked = 1 << 30   // bytes of all files of an archive
	maxMembers  = 10_000    // files of an archive
	maxNested   = 2         // archives in archives
)

// ErrUnknown is in the error of a file whose format nobody reads.
var ErrUnknown = errors.New("is of a kind that is not read")

// Files reads all formats.
type Files struct {
	formats map[string]Extractor
}

// New makes Files. What takes long to prepare is kept in the folder cache, unless that is empty.
func New(cache string) *Files {
	x := &Files{}
	x.formats = map[string]Extractor{
		"text": text{}, "markdown": markdown{}, "source": source{}, "html": page{}, "csv": table{}, "json": records{}, "jsonl": records{lines: true},
		"pdf": &pdf{cache: cache}, "docx": docx{}, "epub": epub{}, "zip": archive{files: x},
	}
	return x
}

// Extract reads a file of any format. Errors name it.
func (x *Files) Extract(ctx context.Context, f File, add func(Document) error) error {
	return x.extract(ctx, f, "", add)
}

// As reads a file as of a format, whatever it holds.
func (x *Files) As(ctx context.Context, format string, f File, add func(Document) error) error {
	return x.extract(ctx, f, format, add)
}

// Formats are the names of the formats.
func (x *Files) Formats() []string {
	return []string{"text", "markdown", "source", "html", "pdf", "docx", "epub", "csv", "json", "jsonl", "zip"}
}

func (x *Files) extract(ctx context.Context, f File, format string, add func(Document) error) (err error) {
	defer func() {
		if v := recover(); v != nil { // a library's bug is that file's trouble alone
			err = fmt.Errorf("%s: cannot be read: %v", f.Name, v)
		}
	}()
	if format == "" {
		if format, err = Format(f); err != nil {
			return err
		}
	}
	reader, ok := x.formats[format]
	if !ok {
		return fmt.Errorf("%s: %q is no format; use one of %s", f.Name, format, strings.Join(x.Formats(), ", "))
	}
	var refused error
	err = reader.Extract(ctx, f, func(d Document) error {
		if refused = check(f, &d, format); refused == nil {
			refused = add(d)
		}
		return refused
	})
	if err == nil || refused != nil {
		return refused
	}
	return fmt.Errorf("%s: %w", f.Name, err)
}

// check fills in what every document has.
func check(f File, d *Document, format string) error {
	if len(d.Text) > maxText {
		return fmt.Errorf("%s: has %d bytes of text; a document can have %d", path.Join(f.Name, d.Part), len(d.Text), maxText)
	}
	if d.Title == "" {
		d.Title = path.Base(f.Name)
	}
	if d.Metadata == nil {
		d.Metadata = map[string]any{}
	}
	if _, ok := d.Metadata["format"]; !ok {
		d.Metadata["format"] = format
	}
	return nil
}

// mimeFormats are the formats that content tells.
var mimeFormats = map[string]string{
	"application/pdf": "pdf", "application/epub+zip": "epub", "application/zip": "zip", "text/html": "html", "application/xhtml+xml": "html",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}

// extensions are the formats that a name tells, of files whose content is text.
var extensions = map[string]string{
	".txt": "text", ".text": "text", ".log": "text", ".rst": "text", ".adoc": "text", ".tex": "text", ".srt": "text", ".vtt": "text",
	".md": "markdown", ".markdown": "markdown", ".mdx": "markdown", ".html": "html", ".htm": "html", ".xhtml": "html",
	".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl",
}

// Format tells what a file is. Text of an unknown name is text.
func Format(f File) (string, error) {
	head := make([]byte, min(f.Size, 64<<10))
	if _, err := f.Content.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("%s: %w", f.Name, err)
	}
	ext := strings.ToLower(path.Ext(f.Name))
	kind := mimetype.Detect(head)
	isText := false
	for m := kind; m != nil; m = m.Parent() {
		name, _, _ := strings.Cut(m.String(), ";")
		isText = isText || name == "text/plain" && !kind.Is("text/rtf") && !strings.HasPrefix(kind.String(), "image/")
		if name == "text/html" && extensions[ext] != "html" && extensions[ext] != "" {
			continue // Markdown may begin with a tag
		}
		if format, ok := mimeFormats[name]; ok {
			if format == "zip" {
				format = packedFormat(f)
			}
			return format, nil
		}
	}
	if !isText {
		return "", fmt.Errorf("%s: %w (%s); known are %s", f.Name, ErrUnknown, kind, "text, Markdown, HTML, PDF, DOCX, EPUB, CSV, JSON, source code and zip")
	}
	if format, ok := extensions[ext]; ok {
		return format, nil
	}
	if _, ok := languages[ext]; ok {
		return "source", nil
	}
	return "text", nil
}

// all reads a whole file.
func all(f File) ([]byte, error) {
	if f.Size > MaxFile {
		return nil, fmt.Errorf("has %d bytes; a file of its format can have %d", f.Size, MaxFile)
	}
	content := make([]byte, f.Size)
	n, err := f.Content.ReadAt(content, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if int64(n) < f.Size {
		return nil, errors.New("has become shorter while it was read")
	}
	return content, nil
}

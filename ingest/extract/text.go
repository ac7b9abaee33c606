package extract

import (
	"bytes"
	"context"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/gogs/chardet"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// text is a file of plain text.
type text struct{}

func (text) Extract(_ context.Context, f File, add func(Document) error) error {
	s, err := decode(f)
	if err != nil {
		return err
	}
	return add(Document{Text: s})
}

// languages are the names of source code, by the ends of file names.
var languages = map[string]string{
	".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".hpp": "cpp", ".cs": "csharp", ".css": "css", ".dart": "dart", ".ex": "elixir", ".go": "go",
	".hs": "haskell", ".java": "java", ".js": "javascript", ".mjs": "javascript", ".jsx": "javascript", ".jl": "julia", ".kt": "kotlin", ".lua": "lua",
	".ml": "ocaml", ".php": "php", ".pl": "perl", ".proto": "protobuf", ".py": "python", ".r": "r", ".rb": "ruby", ".rs": "rust", ".scala": "scala",
	".sh": "shell", ".bash": "shell", ".sql": "sql", ".swift": "swift", ".ts": "typescript", ".tsx": "typescript", ".zig": "zig", ".s": "assembly",
	".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".xml": "xml", ".tf": "terraform", ".vue": "vue",
}

// source is a file of a programming language.
type source struct{}

func (source) Extract(_ context.Context, f File, add func(Document) error) error {
	s, err := decode(f)
	if err != nil {
		return err
	}
	d := Document{Text: s, Metadata: map[string]any{}}
	if language, ok := languages[strings.ToLower(path.Ext(f.Name))]; ok {
		d.Metadata["language"] = language
	}
	return add(d)
}

// markdown is text whose headings are known.
type markdown struct{}

func (markdown) Extract(_ context.Context, f File, add func(Document) error) error {
	s, err := decode(f)
	if err != nil {
		return err
	}
	d := Document{Text: s}
	d.Title, d.Text = frontMatter(s)
	d.Sections = headings(d.Text)
	for _, h := range d.Sections {
		if d.Title == "" && h.Level == 1 {
			d.Title = h.Heading
		}
	}
	return add(d)
}

// frontMatter is the title that stands before the text between lines of ---, and the text without that.
func frontMatter(s string) (title, body string) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(s, "\ufeff"), "---\n")
	if !ok {
		return "", s
	}
	front, body, ok := strings.Cut(rest, "\n---\n")
	if !ok {
		return "", s
	}
	for line := range strings.Lines(front) {
		if value, ok := strings.CutPrefix(line, "title:"); ok {
			title = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return title, body
}

// headings are the lines of a Markdown text that begin with #, but those in code.
func headings(s string) []Section {
	var list []Section
	at, fenced := 0, false
	for line := range strings.Lines(s) {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~") {
			fenced = !fenced
		}
		hashes := len(line) - len(strings.TrimLeft(line, "#"))
		if title := strings.ReplaceAll(strings.Trim(line, "# \t\r\n"), "`", ""); !fenced && hashes >= 1 && hashes <= 6 && title != "" && line[hashes] == ' ' {
			list = append(list, Section{Start: at, Heading: title, Level: hashes})
		}
		at += len(line)
	}
	return list
}

// wide is the encoding of which a file has the byte order mark, if it is one of several bytes a character.
func wide(head []byte) string {
	for _, mark := range []struct{ bytes, name string }{
		{"\xff\xfe\x00\x00", "utf-32le"}, {"\x00\x00\xfe\xff", "utf-32be"}, {"\xff\xfe", "utf-16le"}, {"\xfe\xff", "utf-16be"},
	} {
		if bytes.HasPrefix(head, []byte(mark.bytes)) {
			return mark.name
		}
	}
	return ""
}

// decode reads a file as text: UTF-8, what its byte order mark says, or what its bytes look like. Lines end with \n.
func decode(f File) (string, error) {
	content, err := all(f)
	if err != nil {
		return "", err
	}
	s := decoded(content)
	s = strings.ReplaceAll(strings.TrimPrefix(s, "\ufeff"), "\r\n", "\n")
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\ufffd"), nil
}

func decoded(content []byte) string {
	switch wide(content) {
	case "utf-32le", "utf-32be":
		if b, err := utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder().Bytes(content); err == nil {
			return string(b)
		}
	case "utf-16le", "utf-16be":
		if b, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(content); err == nil {
			return string(b)
		}
	}
	if utf8.Valid(content) {
		return string(content)
	}
	name := "windows-1252" // of which every byte means something
	if guess, err := chardet.NewTextDetector().DetectBest(content[:min(len(content), 64<<10)]); err == nil && guess.Confidence >= 50 {
		name = guess.Charset
	}
	if encoding, _ := charset.Lookup(name); encoding != nil {
		if b, err := encoding.NewDecoder().Bytes(content); err == nil {
			return string(b)
		}
	}
	return string(content)
}

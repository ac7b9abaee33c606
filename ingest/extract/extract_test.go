package extract_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"searchd/ingest/extract"
)

// sharedFile is a file of the shared data, unpacked. It skips the test where there is none.
func sharedFile(t *testing.T, name string) extract.File {
	t.Helper()
	dir := os.Getenv("SEARCHD_SHARED_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("the shared data is not here (set SEARCHD_SHARED_DATA to its folder): %v", err)
	}
	if plain, ok := strings.CutSuffix(name, ".gz"); ok {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err == nil {
			b, err = io.ReadAll(z)
		}
		if err != nil {
			t.Fatal(err)
		}
		name = plain
	}
	return extract.File{Name: name, Content: bytes.NewReader(b), Size: int64(len(b))}
}

func documents(t *testing.T, x *extract.Files, f extract.File) []extract.Document {
	t.Helper()
	var list []extract.Document
	err := x.Extract(context.Background(), f, func(d extract.Document) error {
		list = append(list, d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// packed makes a zip archive of names and contents.
func packed(t testing.TB, list ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(list); i += 2 {
		w, err := z.Create(list[i])
		if err == nil {
			_, err = io.WriteString(w, list[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	word   = `<w:document xmlns:w="w"><w:body><w:p><w:pPr><w:pStyle w:val="H2"/></w:pPr><w:r><w:t>Über</w:t></w:r></w:p><w:p><w:r><w:t>One </w:t></w:r><w:r><w:t>two.</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:body></w:document>`
	styles = `<w:styles xmlns:w="w"><w:style w:styleId="H2"><w:name w:val="heading 2"/></w:style></w:styles>`
	opf    = `<package><metadata><dc:title xmlns:dc="d">A book</dc:title><dc:creator xmlns:dc="d">Ann</dc:creator></metadata><manifest><item id="b" href="b%20c.xhtml" media-type="application/xhtml+xml"/><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><item id="css" href="x.css" media-type="text/css"/></manifest><spine><itemref idref="a"/><itemref idref="b"/></spine></package>`
	site   = `<html><head><title>Bread &amp; butter</title><link rel="canonical" href="https://example.org/bread"></head><body><nav><a href="/">Home</a></nav><article><h1>Bread</h1>` +
		`<p>Yeast lifts the dough of a loaf while it rests in a warm place for an hour or two, and the heat of the oven does the rest of the work, so that a crust forms that is brown and hard.</p>` +
		`<h2>Butter<a href="#butter">¶</a></h2><p>It is made of <a href="/cream">cream</a>, which is beaten for so long that the fat of it parts from the water, and then washed and kneaded.</p>` +
		`<table><tr><th>what</th><th>how much</th></tr><tr><td>flour</td><td>500 g</td></tr></table><script>alert(1)</script></article><footer>Imprint</footer></body></html>`
)

func TestFormats(t *testing.T) {
	x := extract.New("")
	for _, test := range []struct {
		name, content string
		want          []extract.Document
	}{
		{"a.txt", "\ufeffOne\r\ntwo", []extract.Document{{Title: "a.txt", Text: "One\ntwo", Metadata: map[string]any{"format": "text"}}}},
		{"latin1.txt", "caf\xe9 cr\xe8me br\xfbl\xe9e, un dessert", []extract.Document{{Title: "latin1.txt", Text: "café crème brûlée, un dessert", Metadata: map[string]any{"format": "text"}}}},
		{"utf16.txt", "\xff\xfeH\x00i\x00", []extract.Document{{Title: "utf16.txt", Text: "Hi", Metadata: map[string]any{"format": "text"}}}},
		{"LICENSE", "Do what you like.", []extract.Document{{Title: "LICENSE", Text: "Do what you like.", Metadata: map[string]any{"format": "text"}}}},
		{"x/a.go", "package a\n", []extract.Document{{Title: "a.go", Text: "package a\n", Metadata: map[string]any{"format": "source", "language": "go"}}}},
		{"a.md", "---\ntitle: \"Front\"\n---\n# A\n\n```\n# no\n```\n## B `c`\n", []extract.Document{{
			Title: "Front", Text: "# A\n\n```\n# no\n```\n## B `c`\n", Metadata: map[string]any{"format": "markdown"},
			Sections: []extract.Section{{Heading: "A", Level: 1}, {Start: 18, Heading: "B c", Level: 2}},
		}}},
		{"p.csv", "id;name;city\n7;Ann;Rome\n;Bob;\n", []extract.Document{
			{Part: "1", ID: "7", Title: "p.csv", Text: "name: Ann\ncity: Rome", Metadata: map[string]any{"format": "csv", "name": "Ann", "city": "Rome"}},
			{Part: "2", Title: "p.csv", Text: "name: Bob", Metadata: map[string]any{"format": "csv", "name": "Bob"}},
		}},
		{"l.json", `[{"id":"x","title":"T","text":"one","n":2,"deep":{"a":1}},{"body":"two","metadata":{"tags":["a","b"]}}]`, []extract.Document{
			{Part: "1", ID: "x", Title: "T", Text: "one", Metadata: map[string]any{"format": "json", "n": 2.0}},
			{Part: "2", Title: "l.json", Text: "two", Metadata: map[string]any{"format": "json", "tags": []any{"a", "b"}}},
		}},
		{"one.json", `{"a":1}`, []extract.Document{{Title: "one.json", Text: "{\n  \"a\": 1\n}", Metadata: map[string]any{"format": "json", "a": 1.0}}}},
		{"l.jsonl", "{\"text\":\"one\"}\n\n{\"content\":\"two\"}\n", []extract.Document{
			{Part: "1", Title: "l.jsonl", Text: "one", Metadata: map[string]any{"format": "jsonl"}}, {Part: "3", Title: "l.jsonl", Text: "two", Metadata: map[string]any{"format": "jsonl"}},
		}},
		{"bread.html", site, []extract.Document{{
			Title: "Bread & butter", URL: "https://example.org/bread", Metadata: map[string]any{"format": "html"},
			Text: "Yeast lifts the dough of a loaf while it rests in a warm place for an hour or two, and the heat of the oven does the rest of the work, so that a crust forms that is brown and hard.\n\n" +
				"## Butter\n\nIt is made of cream, which is beaten for so long that the fat of it parts from the water, and then washed and kneaded.\n\n| what  | how much |\n|-------|----------|\n| flour | 500 g    |",
			Sections: []extract.Section{{Start: 182, Heading: "Butter", Level: 2}}, // the heading that is the title does not stand there again
		}}},
		{"w.docx", string(packed(t, "word/document.xml", word, "word/styles.xml", styles)), []extract.Document{{
			Title: "Über", Text: "## Über\n\nOne two.\n\na | b |", Metadata: map[string]any{"format": "docx"}, Sections: []extract.Section{{Heading: "Über", Level: 2}},
		}}},
		{"b.epub", string(packed(t, "META-INF/container.xml", `<container><rootfiles><rootfile full-path="o/c.opf"/></rootfiles></container>`, "o/c.opf", opf,
			"o/a.xhtml", "<h1>First</h1><p>A <b>b</b>.</p>", "o/b c.xhtml", "<h1>Second</h1>")), []extract.Document{{
			Title: "A book", Text: "# First\n\nA b.\n\n# Second", Metadata: map[string]any{"format": "epub", "author": "Ann"},
			Sections: []extract.Section{{Heading: "First", Level: 1}, {Start: 15, Heading: "Second", Level: 1}},
		}}},
		{"z.zip", string(packed(t, "n/a.md", "# Alpha", "b.bin", "\x00\x01", ".hidden", "x", "in.zip", string(packed(t, "deep.txt", "Deep")))), []extract.Document{
			{Part: "n/a.md", Title: "Alpha", Text: "# Alpha", Metadata: map[string]any{"format": "markdown"}, Sections: []extract.Section{{Heading: "Alpha", Level: 1}}},
			{Part: "in.zip/deep.txt", Title: "deep.txt", Text: "Deep", Metadata: map[string]any{"format": "text"}},
		}},
	} {
		got := documents(t, x, extract.File{Name: test.name, Content: strings.NewReader(test.content), Size: int64(len(test.content))})
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, d)
		}
	}
}

// What cannot be read is an error that names the file and what is wrong with it.
func TestFilesThatCannotBeRead(t *testing.T) {
	x := extract.New("")
	deep := strings.Repeat("<div>", 2000)
	inner := packed(t, "a.txt", "x")
	for range 4 {
		inner = packed(t, "in.zip", string(inner))
	}
	for _, test := range []struct{ name, content, want string }{
		{"blob", "\x00\x01\x02", "is of a kind that is not read"},
		{"broken.zip", "PK\x03\x04 and no more", "not a zip archive"},
		{"half.docx", string(packed(t, "word/document.xml", "<w:document><w:body>")), "word/document.xml: XML syntax error"},
		{"book.epub", string(packed(t, "META-INF/container.xml", `<c><rootfile full-path="no.opf"/></c>`)), "has no no.opf inside"},
		{"bad.json", `{"a":`, "is not valid JSON"},
		{"bad.jsonl", "{}\n[1]\n", "line 2: is no JSON object"},
		{"none.csv", "", "is empty"},
		{"deep.html", "<!doctype html><html><body>" + deep, "deep"},
		{"nested.zip", string(inner), "deeper than is read"},
		{"entity.docx", string(packed(t, "word/document.xml", `<!DOCTYPE x [<!ENTITY a "aaaa">]><w:p><w:r><w:t>&a;</w:t></w:r></w:p>`)), "invalid character entity"},
	} {
		err := x.Extract(t.Context(), extract.File{Name: test.name, Content: strings.NewReader(test.content), Size: int64(len(test.content))}, func(extract.Document) error { return nil })
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), test.name) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// One manual in four formats: each has the same sentences, and PDF knows their pages.
func TestOneManualInFourFormats(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a reader of PDF")
	}
	x := extract.New(t.TempDir())
	for name, pages := range map[string]int{"policy.txt.gz": 0, "policy.html/ch-source.html": 0, "policy.epub": 0, "policy.pdf.gz": 193} {
		list := documents(t, x, sharedFile(t, "docs/debian-policy/raw/"+name))
		if len(list) != 1 {
			t.Fatalf("%s: %d documents", name, len(list))
		}
		d := list[0]
		at := strings.Index(strings.Join(strings.Fields(d.Text), " "), "Changes in the Debian version of the package should be briefly explained in this file")
		if at < 0 || strings.Contains(d.Text, "\ufffd") || strings.Contains(d.Text, "¶") {
			t.Errorf("%s: the sentence is at %d", name, at)
		}
		for i, s := range d.Sections {
			if i > 0 && s.Start < d.Sections[i-1].Start || s.Start >= len(d.Text) || s.Heading != "" && !strings.HasPrefix(strings.ReplaceAll(d.Text[s.Start:], "`", ""), strings.Repeat("#", s.Level)+" "+s.Heading) {
				t.Errorf("%s: section %+v", name, s)
			}
		}
		if n, _ := d.Metadata["pages"].(int); n != pages || pages > 0 && len(d.Sections) < 190 {
			t.Errorf("%s: %v, %d sections", name, d.Metadata, len(d.Sections))
		}
	}
}

// Whatever a file holds, reading it ends, in documents that have a title and valid UTF-8, or in an error.
func FuzzExtract(f *testing.F) {
	f.Add("a.md", []byte("# A\n```\n# B\n---\n"))
	f.Add("a.html", []byte(site))
	f.Add("a.csv", []byte("a,b\n\"1\n"))
	f.Add("a.json", []byte(`[{"text":"a"},{"n":1e400}]`))
	f.Add("w.docx", packed(f, "word/document.xml", word, "word/styles.xml", styles))
	f.Add("b.epub", packed(f, "META-INF/container.xml", `<c><rootfile full-path="c.opf"/></c>`, "c.opf", opf))
	f.Add("z.zip", packed(f, "../../x.txt", "up", "a.txt", "\xff\xfeH\x00"))
	x := extract.New("")
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		if format, err := extract.Format(extract.File{Name: name, Content: bytes.NewReader(content), Size: int64(len(content))}); err != nil || format == "pdf" {
			return // PDFium is fuzzed by others
		}
		_ = x.Extract(t.Context(), extract.File{Name: name, Content: bytes.NewReader(content), Size: int64(len(content))}, func(d extract.Document) error {
			if !utf8.ValidString(d.Text) || d.Metadata == nil {
				t.Errorf("%q: %+v", name, d)
			}
			for i, s := range d.Sections {
				if s.Start < 0 || s.Start > len(d.Text) || i > 0 && s.Start < d.Sections[i-1].Start {
					t.Errorf("%q: section %+v of %d bytes", name, s, len(d.Text))
				}
			}
			return nil
		})
	})
}

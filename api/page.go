package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"

	"searchd/api/reference"
	"searchd/models"
)

// policy lets a page load its own files and nothing else from anywhere.
const policy = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file is what a browser is to show or run: as it is, and packed once for all who take that.
type file struct {
	kind          string
	plain, packed []byte
	tag           string // weak: both forms say the same
	policy        string
}

func newFile(extension string, content []byte) *file {
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = w.Write(content) // a Buffer takes everything
	_ = w.Close()
	return &file{kind: mime.TypeByExtension(extension), plain: content, packed: packed.Bytes(), tag: fmt.Sprintf(`W/"%.12x"`, sha256.Sum256(content)), policy: policy}
}

// loads is how a page of HTML asks for a style sheet or a script that is to stand in it.
var loads = regexp.MustCompile(`<link rel="stylesheet" href="/assets/([^"]+)">|<script src="/assets/([^"]+)"></script>`)

// inline is a page of HTML that has its style sheets and its scripts, but not its modules, in itself: its first frame waits for no other
// file. The policy allows these, by their hashes, and no others.
func inline(html []byte, files map[string]*file) (*file, error) {
	var content bytes.Buffer
	styles, scripts, at := "; style-src 'self'", "; script-src 'self'", 0
	for _, m := range loads.FindAllSubmatchIndex(html, -1) {
		from, to, tag, sources := m[2], m[3], "style", &styles
		if from < 0 {
			from, to, tag, sources = m[4], m[5], "script", &scripts
		}
		f, ok := files[string(html[from:to])]
		if !ok {
			return nil, fmt.Errorf("there is no file %q for the page", html[from:to])
		}
		hash := sha256.Sum256(f.plain)
		*sources += " 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
		fmt.Fprintf(&content, "%s<%s>%s</%s>", html[at:m[0]], tag, f.plain, tag)
		at = m[1]
	}
	content.Write(html[at:])
	page := newFile(".html", content.Bytes())
	page.policy += styles + scripts
	return page, nil
}

// send answers with a file, or, to who has it, that it is still the same.
func (f *file) send(c *fiber.Ctx) error {
	c.Vary(fiber.HeaderAcceptEncoding)
	c.Set(fiber.HeaderETag, f.tag)
	c.Set(fiber.HeaderContentSecurityPolicy, f.policy)
	c.Set(fiber.HeaderCacheControl, "no-cache")
	if slices.Contains(strings.Split(strings.ReplaceAll(c.Get(fiber.HeaderIfNoneMatch), " ", ""), ","), f.tag) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, f.kind)
	if c.AcceptsEncodings("identity", "gzip") == "gzip" { // the first is meant where nothing is said
		c.Set(fiber.HeaderContentEncoding, "gzip")
		return c.Send(f.packed)
	}
	return c.Send(f.plain)
}

// openPage has the files of the page in the form in which they are sent.
func openPage(page fs.FS) (map[string]*file, error) {
	files := map[string]*file{}
	err := fs.WalkDir(page, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(page, name)
		files[name] = newFile(path.Ext(name), content)
		return err
	})
	if err != nil || files["index.html"] == nil {
		return files, err
	}
	files["index.html"], err = inline(files["index.html"].plain, files)
	return files, err
}

func (s *Server) page(c *fiber.Ctx) error { return s.sendFile(c, "index.html") }

func (s *Server) asset(c *fiber.Ctx) error { return s.sendFile(c, path.Clean(c.Params("*"))) }

func (s *Server) sendFile(c *fiber.Ctx, name string) error {
	files, err := s.files()
	if err != nil {
		return err
	}
	f, ok := files[name]
	if !ok {
		return models.Errorf(models.NotFound, "", "there is no file %.128q", name)
	}
	return f.send(c)
}

// renderDocs makes the API reference when it is first asked for. The document is part of the binary, and a test renders it.
var renderDocs = sync.OnceValues(func() (*file, error) {
	html, err := reference.Render(openapiYAML)
	if err != nil {
		return nil, fmt.Errorf("API reference: %w", err)
	}
	return newFile(".html", html), nil
})

func (s *Server) docs(c *fiber.Ctx) error {
	f, err := renderDocs()
	if err != nil {
		return err
	}
	return f.send(c)
}

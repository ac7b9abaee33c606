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

// withStyle is a page of HTML that has its style sheet in itself: its first frame waits for no other file. The policy allows this one, by its hash.
func withStyle(html, sheet []byte) *file {
	hash := sha256.Sum256(sheet)
	f := newFile(".html", bytes.Replace(html, []byte(`<link rel="stylesheet" href="/assets/style.css">`), slices.Concat([]byte("<style>"), sheet, []byte("</style>")), 1))
	f.policy += "; style-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
	return f
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
	if index, sheet := files["index.html"], files["style.css"]; index != nil && sheet != nil {
		files["index.html"] = withStyle(index.plain, sheet.plain)
	}
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

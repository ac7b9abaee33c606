package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/klippa-app/go-pdfium"
	pdferrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// pdf reads PDF with PDFium, the reader of Chromium, compiled to WebAssembly: it runs in this process without cgo, in a memory of its
// own, and has no files. The first file of a process waits until it is compiled; the result is kept in cache.
type pdf struct {
	cache string
	start sync.Once
	pool  pdfium.Pool
	err   error
}

const (
	pdfMemory  = 1 << 30 / (64 << 10) // pages of WebAssembly that a reader may take
	pdfReaders = 2
	pdfPages   = 20_000
	pdfTime    = 5 * time.Minute
)

func (p *pdf) open() (pdfium.Pool, error) {
	p.start.Do(func() {
		config := wazero.NewRuntimeConfig().WithMemoryLimitPages(pdfMemory).WithCloseOnContextDone(true).
			WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling)
		if p.cache != "" {
			cache, err := wazero.NewCompilationCacheWithDir(p.cache)
			if err == nil { // else it is compiled anew
				config = config.WithCompilationCache(cache)
			}
		}
		p.pool, p.err = webassembly.Init(webassembly.Config{
			MaxIdle: pdfReaders, MaxTotal: pdfReaders, RuntimeConfig: config, FSConfig: wazero.NewFSConfig(), Stdout: io.Discard, Stderr: io.Discard,
		})
	})
	return p.pool, p.err
}

func (p *pdf) Extract(ctx context.Context, f File, add func(Document) error) error {
	content, err := all(f)
	if err != nil {
		return err
	}
	pool, err := p.open()
	if err != nil {
		return fmt.Errorf("the reader of PDF does not start: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, pdfTime)
	defer cancel()
	reader, err := pool.GetInstanceWithContext(ctx)
	if err != nil {
		return err
	}
	d, err := readPDF(ctx, reader, content)
	if closing := reader.Close(); err == nil {
		err = closing
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("took longer than %s", pdfTime)
	}
	if err != nil {
		return err
	}
	return add(d)
}

func readPDF(ctx context.Context, reader pdfium.Pdfium, content []byte) (Document, error) {
	open, err := reader.OpenDocument(&requests.OpenDocument{File: &content})
	switch {
	case errors.Is(err, pdferrors.ErrPassword):
		return Document{}, errors.New("is encrypted with a password; save it without one")
	case err != nil:
		return Document{}, fmt.Errorf("is not a PDF that can be read: %w", err)
	}
	count, err := reader.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: open.Document})
	if err != nil {
		return Document{}, err
	}
	if count.PageCount > pdfPages {
		return Document{}, fmt.Errorf("has %d pages; at most %d are read", count.PageCount, pdfPages)
	}
	d := Document{Title: pdfTitle(reader, open.Document), Metadata: map[string]any{"pages": count.PageCount}}
	var whole strings.Builder
	for i := range count.PageCount {
		if err := ctx.Err(); err != nil {
			return d, err
		}
		page, err := reader.GetPageText(&requests.GetPageText{Page: requests.Page{ByIndex: &requests.PageByIndex{Document: open.Document, Index: i}}})
		if err != nil {
			return d, fmt.Errorf("page %d: %w", i+1, err)
		}
		text := strings.TrimSpace(strings.ToValidUTF8(pdfText.Replace(page.Text), "\ufffd"))
		if text == "" {
			continue
		}
		if whole.Len() > 0 {
			whole.WriteString("\n\n")
		}
		d.Sections = append(d.Sections, Section{Start: whole.Len(), Page: i + 1})
		whole.WriteString(text)
		if whole.Len() > maxText {
			return d, fmt.Errorf("has over %d bytes of text; a document can have that many", maxText)
		}
	}
	if d.Text = whole.String(); d.Text == "" {
		return d, errors.New("has no text, only pictures: recognise its letters (OCR) first")
	}
	return d, nil
}

// pdfText mends what PDF does to text: its line ends, and hyphens that are soft (U+0002 is PDFium's mark of one).
var pdfText = strings.NewReplacer("\r\n", "\n", "\u0002\n", "", "\u0002", "", "\u00ad", "", "\ufffe", "", "\x00", "")

func pdfTitle(reader pdfium.Pdfium, document references.FPDF_DOCUMENT) string {
	meta, err := reader.FPDF_GetMetaText(&requests.FPDF_GetMetaText{Document: document, Tag: "Title"})
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(meta.Value, "\ufffd")), " ")
}

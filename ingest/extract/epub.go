package extract

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// epub is a book (EPUB 2 and 3): its chapters, in the order of reading, as one document.
type epub struct{}

func (epub) Extract(ctx context.Context, f File, add func(Document) error) error {
	z, err := openZip(f)
	if err != nil {
		return err
	}
	container, err := member(z, "META-INF/container.xml", MaxFile)
	if err != nil {
		return err
	}
	opf := ""
	err = eachElement(container, func(e xml.StartElement) {
		if e.Name.Local == "rootfile" && opf == "" {
			opf = value(e, "full-path")
		}
	}, func(string) {}, func(string) {})
	if err != nil {
		return fmt.Errorf("META-INF/container.xml: %w", err)
	}
	content, err := member(z, opf, MaxFile)
	if err != nil {
		return err
	}
	chapters, err := spine(content)
	if err != nil {
		return fmt.Errorf("%s: %w", opf, err)
	}
	d := Document{Title: elementText(content, "title"), Metadata: map[string]any{}}
	if author := elementText(content, "creator"); author != "" {
		d.Metadata["author"] = author
	}
	left := int64(maxUnpacked)
	var whole strings.Builder
	for _, name := range chapters {
		if err := ctx.Err(); err != nil {
			return err
		}
		name = within(opf, name)
		content, err := member(z, name, min(left, MaxFile))
		if err != nil {
			return err
		}
		left -= int64(len(content))
		text, err := chapter(content)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if text == "" {
			continue
		}
		if whole.Len() > 0 {
			whole.WriteString("\n\n")
		}
		for _, h := range headings(text) {
			h.Start += whole.Len()
			d.Sections = append(d.Sections, h)
		}
		whole.WriteString(text)
		if whole.Len() > maxText {
			return fmt.Errorf("has over %d bytes of text; a document can have that many", maxText)
		}
	}
	d.Text = whole.String()
	return add(d)
}

func chapter(content []byte) (string, error) {
	root, err := html.Parse(bytes.NewReader(content))
	if err != nil {
		return "", err
	}
	if n := depthOf(root); n > maxDepth {
		return "", fmt.Errorf("has elements %d deep; at most %d are read", n, maxDepth)
	}
	return toMarkdown(root)
}

// spine lists the files of a book's chapters.
func spine(content []byte) ([]string, error) {
	files := map[string]string{}
	var order []string
	err := eachElement(content, func(e xml.StartElement) {
		switch e.Name.Local {
		case "item":
			if kind := value(e, "media-type"); strings.Contains(kind, "html") {
				if name, err := url.PathUnescape(value(e, "href")); err == nil {
					files[value(e, "id")] = name
				}
			}
		case "itemref":
			order = append(order, value(e, "idref"))
		}
	}, func(string) {}, func(string) {})
	var list []string
	for _, id := range order {
		if name, ok := files[id]; ok {
			list = append(list, name)
		}
	}
	return list, err
}

package extract

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// docx is a document of Word and its like (ECMA-376, WordprocessingML): paragraphs, headings by their styles, and tables.
type docx struct{}

func (docx) Extract(_ context.Context, f File, add func(Document) error) error {
	z, err := openZip(f)
	if err != nil {
		return err
	}
	content, err := member(z, "word/document.xml", MaxFile)
	if err != nil {
		return err
	}
	w := &wordReader{levels: map[string]int{}}
	if styles, err := member(z, "word/styles.xml", MaxFile); err == nil {
		if err := w.readStyles(styles); err != nil {
			return fmt.Errorf("word/styles.xml: %w", err)
		}
	}
	if err := w.read(content); err != nil {
		return fmt.Errorf("word/document.xml: %w", err)
	}
	d := Document{Text: strings.TrimSpace(w.text.String()), Sections: w.sections}
	if core, err := member(z, "docProps/core.xml", MaxFile); err == nil {
		d.Title = elementText(core, "title")
	}
	if d.Title == "" && len(d.Sections) > 0 {
		d.Title = d.Sections[0].Heading
	}
	return add(d)
}

// wordReader writes the text of a document's XML.
type wordReader struct {
	levels    map[string]int // of headings, by style
	text      strings.Builder
	sections  []Section
	paragraph strings.Builder
	style     string
	inText    bool
	tables    int
}

func (w *wordReader) readStyles(content []byte) error {
	style := ""
	return eachElement(content, func(e xml.StartElement) {
		switch e.Name.Local {
		case "style":
			style = value(e, "styleId")
		case "name":
			var level int
			if n, _ := fmt.Sscanf(strings.ToLower(value(e, "val")), "heading %d", &level); n == 1 && level >= 1 && level <= 6 {
				w.levels[style] = level
			}
		case "outlineLvl":
			var level int
			if n, _ := fmt.Sscanf(value(e, "val"), "%d", &level); n == 1 && level >= 0 && level <= 5 {
				w.levels[style] = level + 1
			}
		}
	}, func(string) {}, func(string) {})
}

func (w *wordReader) read(content []byte) error {
	return eachElement(content, w.begin, w.end, func(s string) {
		if w.inText {
			w.paragraph.WriteString(s)
		}
	})
}

func (w *wordReader) begin(e xml.StartElement) {
	switch e.Name.Local {
	case "t":
		w.inText = true
	case "tab":
		w.paragraph.WriteByte('\t')
	case "br", "cr":
		w.paragraph.WriteByte('\n')
	case "pStyle":
		w.style = value(e, "val")
	case "tbl":
		w.tables++
	}
}

func (w *wordReader) end(name string) {
	switch name {
	case "t":
		w.inText = false
	case "p":
		w.endParagraph()
	case "tc":
		w.text.WriteString(" | ")
	case "tr":
		w.text.WriteByte('\n')
	case "tbl":
		if w.tables--; w.tables == 0 {
			w.text.WriteByte('\n')
		}
	}
}

func (w *wordReader) endParagraph() {
	text := strings.TrimSpace(w.paragraph.String())
	level := w.levels[w.style]
	w.paragraph.Reset()
	w.style = ""
	switch {
	case text == "":
	case w.tables > 0:
		w.text.WriteString(text)
	case level > 0:
		w.sections = append(w.sections, Section{Start: w.text.Len(), Heading: text, Level: level})
		w.text.WriteString(strings.Repeat("#", level) + " " + text + "\n\n")
	default:
		w.text.WriteString(text + "\n\n")
	}
}

// value is an attribute, whatever its name space.
func value(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// elementText is the text of the first element of that name.
func elementText(content []byte, name string) string {
	var text strings.Builder
	inside, found := false, false
	err := eachElement(content, func(e xml.StartElement) { inside = inside || e.Name.Local == name && !found }, func(end string) {
		if end == name && inside {
			inside, found = false, true
		}
	}, func(s string) {
		if inside {
			text.WriteString(s)
		}
	})
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

// eachElement walks through XML. Entities are not expanded beyond the five of XML, so there are no bombs.
func eachElement(content []byte, begin func(xml.StartElement), end func(name string), text func(string)) error {
	d := xml.NewDecoder(bytes.NewReader(content))
	for depth := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return fmt.Errorf("has elements more than %d deep", maxDepth)
			}
			begin(t)
		case xml.EndElement:
			depth--
			end(t.Name.Local)
		case xml.CharData:
			text(string(t))
		}
	}
}

package reference

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"origin":    func() string { return origin },
	"breakable": breakable,
}).Parse(pageHTML))

// breakable lets a line break after the slashes and dots of a long name.
func breakable(name string) template.HTML {
	name = template.HTMLEscapeString(name)
	for _, end := range []string{"/", "."} {
		name = strings.ReplaceAll(name, end, end+"<wbr>")
	}
	return template.HTML(name) // it is escaped
}

// Render writes the page of an OpenAPI document. It loads /assets/base.css, style.css, docs.css and docs.js, and nothing else.
func Render(document []byte) ([]byte, error) {
	s, err := parse(document)
	if err != nil {
		return nil, err
	}
	shown := s.page()
	if s.err != nil {
		return nil, fmt.Errorf("the document is not whole: %w", s.err)
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, shown); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return out.Bytes(), nil
}

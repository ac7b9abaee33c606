package reference

import (
	"html/template"
	"regexp"
	"strings"
)

var (
	bold   = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	route  = regexp.MustCompile(`\b(?:GET|POST|PATCH|DELETE) /[A-Za-z0-9_/{}.-]*[A-Za-z0-9_}]`)
	schema = regexp.MustCompile(`(the schema )([A-Z]\w+)`)
)

// markdown writes the part of Markdown that descriptions use: paragraphs, lists, bold and code. Routes and schemas that
// are named become links to where they are told.
func (b *builder) markdown(source string) template.HTML {
	var out strings.Builder
	for block := range strings.SplitSeq(strings.TrimSpace(source), "\n\n") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		switch {
		case block == "":
		case strings.HasPrefix(lines[0], "- "):
			out.WriteString("<ul>")
			for _, item := range listItems(lines) {
				out.WriteString("<li>" + b.inline(item) + "</li>")
			}
			out.WriteString("</ul>")
		default:
			out.WriteString("<p>" + b.inline(strings.Join(lines, " ")) + "</p>")
		}
	}
	return template.HTML(out.String()) // inline has escaped it
}

// listItems joins an item's lines.
func listItems(lines []string) []string {
	var found []string
	for _, line := range lines {
		if item, ok := strings.CutPrefix(line, "- "); ok {
			found = append(found, item)
		} else {
			found[len(found)-1] += " " + strings.TrimSpace(line)
		}
	}
	return found
}

// inline writes what stands within a paragraph. Nothing of the text becomes markup but what is written here.
func (b *builder) inline(source string) string {
	parts := strings.Split(source, "`")
	if len(parts)%2 == 0 { // a backtick without its other half is one
		parts = []string{source}
	}
	for i, part := range parts {
		escaped := template.HTMLEscapeString(part)
		if i%2 == 1 {
			parts[i] = "<code>" + escaped + "</code>"
			continue
		}
		escaped = bold.ReplaceAllString(escaped, "<b>$1</b>")
		escaped = route.ReplaceAllStringFunc(escaped, func(name string) string {
			if id := b.anchors[name]; id != "" {
				return link(id, name)
			}
			return name
		})
		parts[i] = schema.ReplaceAllStringFunc(escaped, func(words string) string {
			name := strings.TrimPrefix(words, "the schema ")
			if !b.named[name] {
				return words
			}
			return "the schema " + link("schema-"+name, name)
		})
	}
	return strings.Join(parts, "")
}

// link leads to a place of the page; both have been escaped, or need not be.
func link(id, words string) string { return `<a href="#` + id + `">` + words + `</a>` }

func code(s string) string { return "<code>" + template.HTMLEscapeString(s) + "</code>" }

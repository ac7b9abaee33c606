package reference

import (
	"html/template"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// table is a schema to be read: what it is, and all fields in it, however deep.
type table struct {
	Type  template.HTML
	Facts []template.HTML
	Text  template.HTML
	Parts []part

	answered bool            // by the server, rather than sent to it
	seen     map[string]bool // named schemas whose fields are there already
}

// part has the fields of one form of a value that can have several.
type part struct {
	Label template.HTML
	Rows  []row
}

// row is a field, a parameter or a header.
type row struct {
	Prefix, Name, In string
	Type             template.HTML
	Required, Absent bool // in what is sent; in an answer: it may be
	Facts            []template.HTML
	Text             template.HTML
	Example          string
}

func (b *builder) table(n *yaml.Node, answered bool) *table {
	t := &table{Type: b.typeOf(n), Facts: b.facts(n), Text: b.markdown(b.description(n)), answered: answered, seen: map[string]bool{}}
	b.fields(t, "", n)
	return t
}

// description is the schema's own, or that of the one it is made of.
func (b *builder) description(n *yaml.Node) string {
	n = b.resolve(n)
	if said := text(n, "description"); said != "" {
		return said
	}
	if parts := items(get(n, "allOf")); len(parts) == 1 {
		return b.description(parts[0])
	}
	return ""
}

func (b *builder) row(prefix, name string, n *yaml.Node) row {
	return row{Prefix: prefix, Name: name, Type: b.typeOf(n), Facts: b.facts(n), Text: b.markdown(b.description(n))}
}

// fields adds the fields of a value that stands at prefix. The second time that a named schema comes, the link of its
// type has to do.
func (b *builder) fields(t *table, prefix string, n *yaml.Node) {
	if name := refName(n); name != "" {
		if t.seen[name] {
			return
		}
		t.seen[name] = true
	}
	n = b.resolve(n)
	if forms := b.forms(n); len(forms) > 0 {
		before := t.seen
		for _, form := range forms {
			if len(forms) > 1 { // each is read without the others
				t.Parts = append(t.Parts, part{Label: b.typeOf(form)})
				t.seen = maps.Clone(before)
			}
			b.fields(t, prefix, form)
		}
		return
	}
	if has(n, "items") {
		b.fields(t, prefix+"[]", get(n, "items"))
		return
	}
	if prefix != "" {
		prefix += "."
	}
	properties, required := b.properties(n)
	for _, p := range properties {
		r := b.row(prefix, p.name, p.schema)
		switch needed := slices.Contains(required, p.name); {
		case t.answered: // most are always there
			r.Absent = !needed
		case needed:
			r.Required = true
		default: // that null is the same as nothing is told once
			r.Type = joined(b.kinds(p.schema))
		}
		t.add(r)
		b.fields(t, prefix+p.name, p.schema)
	}
	if other := get(n, "additionalProperties"); unalias(other).Kind == yaml.MappingNode {
		t.add(b.row(prefix, "*", other))
		b.fields(t, prefix+"*", other)
	}
}

func (t *table) add(r row) {
	if len(t.Parts) == 0 {
		t.Parts = append(t.Parts, part{})
	}
	last := &t.Parts[len(t.Parts)-1]
	last.Rows = append(last.Rows, r)
}

type property struct {
	name   string
	schema *yaml.Node
}

// properties are those of an object and of all that it is made of.
func (b *builder) properties(n *yaml.Node) (found []property, required []string) {
	for _, made := range items(get(n, "allOf")) {
		more, needed := b.properties(b.resolve(made))
		found, required = append(found, more...), append(required, needed...)
	}
	for name, schema := range members(get(n, "properties")) {
		found = append(found, property{name, schema})
	}
	for _, name := range items(get(n, "required")) {
		required = append(required, name.Value)
	}
	return found, required
}

// forms are those of the schemas of which a value meets one that have fields.
func (b *builder) forms(n *yaml.Node) []*yaml.Node {
	return slices.DeleteFunc(variants(n), func(form *yaml.Node) bool { return !b.hasFields(form) })
}

func variants(n *yaml.Node) []*yaml.Node {
	return slices.Concat(items(get(n, "oneOf")), items(get(n, "anyOf")))
}

func (b *builder) hasFields(n *yaml.Node) bool {
	n = b.resolve(n)
	if has(n, "items") {
		return b.hasFields(get(n, "items"))
	}
	properties, _ := b.properties(n)
	return len(properties) > 0 || slices.ContainsFunc(variants(n), b.hasFields)
}

// typeOf says what a value is, in words; an object that has a name leads to where it stands on its own.
func (b *builder) typeOf(n *yaml.Node) template.HTML {
	words := b.kinds(n)
	if b.nullable(n) {
		words = append(words, "null")
	}
	return joined(words)
}

// joined are kinds of which a value is one. They have been escaped.
func joined(kinds []string) template.HTML {
	return template.HTML(strings.Join(kinds, " or ")) // which is what they are
}

func (b *builder) kinds(n *yaml.Node) []string {
	name := refName(n)
	n = b.resolve(n)
	if all := variants(n); len(all) > 0 {
		var words []string
		for _, form := range all {
			for _, kind := range b.kinds(form) {
				if !slices.Contains(words, kind) {
					words = append(words, kind)
				}
			}
		}
		return words
	}
	if made := items(get(n, "allOf")); len(made) == 1 {
		return b.kinds(made[0])
	}
	switch kind := text(n, "type"); {
	case has(n, "items"):
		return []string{"list of " + several(b.kinds(get(n, "items")))}
	case name != "" && (kind == "object" || has(n, "allOf")):
		return []string{"object " + link("schema-"+name, name)}
	case has(n, "allOf"):
		return []string{"object"}
	case kind == "":
		return []string{"any value"}
	case text(n, "format") != "":
		return []string{kind + " (" + template.HTMLEscapeString(text(n, "format")) + ")"}
	default:
		return []string{kind}
	}
}

// several says the same of more than one: lists of numbers.
func several(kinds []string) string {
	words := make([]string, len(kinds))
	for i, kind := range kinds {
		first, rest, more := strings.Cut(strings.TrimPrefix(kind, "any "), " ")
		if words[i] = first + "s"; more {
			words[i] += " " + rest
		}
	}
	return strings.Join(words, " or ")
}

func (b *builder) nullable(n *yaml.Node) bool {
	n = b.resolve(n)
	return isTrue(n, "nullable") || slices.ContainsFunc(variants(n), b.nullable)
}

// limits name the keywords of a least and a greatest, and what they count.
var limits = []struct{ least, most, of string }{
	{"minimum", "maximum", ""}, {"minLength", "maxLength", "byte"}, {"minItems", "maxItems", "element"}, {"minProperties", "maxProperties", "field"},
}

// facts are what a value must keep to, and what it is where it is left out.
func (b *builder) facts(n *yaml.Node) []template.HTML {
	n = b.resolve(n)
	var found []string
	if values := items(get(n, "enum")); len(values) > 0 {
		var shown []string
		for _, v := range values {
			if v.ShortTag() != "!!null" || len(values) == 1 { // the type says that
				shown = append(shown, code(plain(v)))
			}
		}
		if words := strings.Join(shown, ", "); len(shown) == 1 {
			found = append(found, "always "+words)
		} else {
			found = append(found, "one of "+words)
		}
	}
	for _, l := range limits {
		if words := between(text(n, l.least), text(n, l.most)); words != "" {
			found = append(found, counted(words, l.of))
		}
	}
	if pattern := text(n, "pattern"); pattern != "" {
		found = append(found, "matches "+code(pattern))
	}
	if has(n, "default") {
		found = append(found, "default "+code(plain(get(n, "default"))))
	}
	facts := make([]template.HTML, 0, len(found))
	for _, words := range found {
		facts = append(facts, template.HTML(words)) // code has escaped what is the document's
	}
	if has(n, "items") {
		for _, fact := range b.facts(get(n, "items")) {
			facts = append(facts, "each "+fact)
		}
	}
	return facts
}

func counted(words, of string) string {
	switch {
	case of == "":
		return words
	case strings.HasSuffix(" "+words, " 1"):
		return words + " " + of
	default:
		return words + " " + of + "s"
	}
}

func between(least, most string) string {
	least, most = template.HTMLEscapeString(thousands(least)), template.HTMLEscapeString(thousands(most))
	switch {
	case least == "" && most == "":
		return ""
	case most == "":
		return "at least " + least
	case least == "":
		return "at most " + most
	case least == most:
		return "exactly " + least
	default:
		return least + " to " + most
	}
}

// thousands puts commas into a whole number, as people write it.
func thousands(n string) string {
	if strings.ContainsAny(n, ".-") {
		return n
	}
	for i := len(n) - 3; i > 0; i -= 3 {
		n = n[:i] + "," + n[i:]
	}
	return n
}

// plain is a value as it is written in a URL: a string without its quotes.
func plain(n *yaml.Node) string {
	if n = unalias(n); n.Kind == yaml.ScalarNode && n.Value != "" {
		return n.Value
	}
	return compact(n)
}

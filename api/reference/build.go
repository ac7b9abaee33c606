package reference

import (
	"html/template"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// page is what the template shows.
type page struct {
	Title   string
	Intro   template.HTML
	Groups  []group
	Schemas []named
}

type group struct {
	ID, Name   string
	Text       template.HTML
	Operations []operation
}

type operation struct {
	ID, Method, Path, Summary string
	Text                      template.HTML
	Parameters                []row
	Body                      *body
	Answers                   []answer
	Curl                      command
}

type body struct {
	Text  template.HTML
	Media []media
}

// answer is what one status means. The shapes of errors are told once, under schemas.
type answer struct {
	Status string
	Failed bool
	Text   template.HTML
	Type   template.HTML // of its first body
	Header []row
	Media  []media
}

type media struct {
	Kind     string
	Table    *table
	Examples []example
}

type example struct{ Title, Shown, sent string }

// named is a schema on its own.
type named struct {
	Name     string
	Table    *table
	Examples []example
}

type builder struct {
	*source
	anchors map[string]string // ids of operations, by method and path
	named   map[string]bool   // schemas
}

var methods = []string{"get", "post", "put", "patch", "delete", "head", "options"}

func (s *source) page() page {
	b := &builder{source: s, anchors: map[string]string{}, named: map[string]bool{}}
	for path, item := range members(get(s.root, "paths")) {
		for method, op := range members(item) {
			if slices.Contains(methods, method) {
				b.anchors[strings.ToUpper(method)+" "+path] = text(op, "operationId")
			}
		}
	}
	for name := range members(b.components("schemas")) {
		b.named[name] = true
	}
	p := page{Title: text(get(s.root, "info"), "title"), Intro: b.markdown(text(get(s.root, "info"), "description"))}
	for _, tag := range items(get(s.root, "tags")) {
		name := text(tag, "name")
		p.Groups = append(p.Groups, group{ID: "tag-" + name, Name: name, Text: b.markdown(text(tag, "description")), Operations: b.operations(name)})
	}
	for name, schema := range members(b.components("schemas")) {
		p.Schemas = append(p.Schemas, named{Name: name, Table: b.alone(name, schema), Examples: b.shown(name, schema)})
	}
	return p
}

func (s *source) components(kind string) *yaml.Node { return get(get(s.root, "components"), kind) }

// alone is a schema without the fields of the other named schemas in it, which have links.
func (b *builder) alone(name string, schema *yaml.Node) *table {
	t := &table{Type: b.typeOf(schema), Facts: b.facts(schema), Text: b.markdown(b.description(schema)), seen: map[string]bool{}}
	for other := range b.named {
		t.seen[other] = other != name
	}
	b.fields(t, "", schema)
	return t
}

// shown are a schema's examples: its own, or those of the first answer that has it.
func (b *builder) shown(name string, schema *yaml.Node) []example {
	if n := get(schema, "example"); n != missing {
		return []example{{Shown: pretty(n)}}
	}
	for _, response := range members(b.components("responses")) {
		for _, media := range members(get(response, "content")) {
			if refName(get(media, "schema")) == name {
				return b.examples(media)
			}
		}
	}
	return nil
}

func (b *builder) operations(tag string) []operation {
	var found []operation
	for path, item := range members(get(b.root, "paths")) {
		for method, op := range members(item) {
			tags := items(get(op, "tags"))
			if slices.Contains(methods, method) && len(tags) > 0 && tags[0].Value == tag {
				found = append(found, b.operation(strings.ToUpper(method), path, item, op))
			}
		}
	}
	return found
}

func (b *builder) operation(method, path string, item, op *yaml.Node) operation {
	o := operation{ID: text(op, "operationId"), Method: method, Path: path, Summary: text(op, "summary"), Text: b.markdown(text(op, "description"))}
	var parameters []*yaml.Node
	for _, p := range slices.Concat(items(get(item, "parameters")), items(get(op, "parameters"))) {
		parameters = append(parameters, b.resolve(p))
		o.Parameters = append(o.Parameters, b.parameter(b.resolve(p)))
	}
	sent := b.at(op, "requestBody")
	if sent != missing {
		o.Body = &body{Text: b.markdown(text(sent, "description")), Media: b.media(sent, false)}
	}
	told := map[template.HTML]bool{}
	for status, response := range members(get(op, "responses")) {
		a := b.answer(status, b.resolve(response))
		if len(a.Media) == 1 && told[a.Type] { // 202 often has what 200 has
			a.Media = nil
		}
		told[a.Type] = true
		o.Answers = append(o.Answers, a)
	}
	o.Curl = b.curl(method, path, parameters, sent, b.at(get(op, "responses"), "200"))
	return o
}

// parameter has its own description and example, or those of its schema.
func (b *builder) parameter(p *yaml.Node) row {
	schema := get(p, "schema")
	for _, m := range members(get(p, "content")) { // JSON within a URL
		schema = get(m, "schema")
	}
	r := b.row("", text(p, "name"), schema)
	r.In, r.Required = text(p, "in"), isTrue(p, "required")
	if said := text(p, "description"); said != "" {
		r.Text = b.markdown(said)
	}
	if n := b.exampleOf(p); n != missing {
		r.Example = plain(n)
	}
	return r
}

func (b *builder) answer(status string, response *yaml.Node) answer {
	a := answer{Status: status, Failed: status >= "400", Text: b.markdown(text(response, "description"))}
	for name, header := range members(get(response, "headers")) {
		header = b.resolve(header)
		r := b.row("", name, get(header, "schema"))
		if said := text(header, "description"); said != "" {
			r.Text = b.markdown(said)
		}
		a.Header = append(a.Header, r)
	}
	for _, m := range members(get(response, "content")) {
		a.Type = b.typeOf(get(m, "schema"))
		break
	}
	if !a.Failed {
		a.Media = b.media(response, true)
	}
	return a
}

// media are the types of a body, sent or answered. Those that are the same but for their name are told once.
func (b *builder) media(n *yaml.Node, answered bool) []media {
	var found []media
	var before *yaml.Node
	for kind, m := range members(get(n, "content")) {
		if m = unalias(m); m == before {
			found[len(found)-1].Kind += ", " + kind
			continue
		}
		before = m
		t := b.table(get(m, "schema"), answered)
		if strings.HasPrefix(kind, "text/") { // whatever its schema says of what is in it
			t.Type = "text"
		}
		examples := b.examples(m)
		if len(examples) == 0 && kind == "application/json" {
			examples = []example{b.example("what it looks like", b.sample(get(m, "schema"), 0))}
		}
		found = append(found, media{Kind: kind, Table: t, Examples: examples})
	}
	return found
}

// examples are those of a body, or else that of its schema.
func (b *builder) examples(m *yaml.Node) []example {
	var found []example
	for name, e := range members(get(m, "examples")) {
		title := text(e, "summary")
		if title == "" {
			title = name
		}
		found = append(found, b.example(title, get(e, "value")))
	}
	for _, n := range []*yaml.Node{get(m, "example"), get(b.at(m, "schema"), "example")} {
		if n != missing && len(found) == 0 {
			found = append(found, b.example("", n))
		}
	}
	return found
}

func (b *builder) example(title string, n *yaml.Node) example {
	n = unalias(n)
	e := example{Title: title, Shown: pretty(n), sent: compact(n)}
	if n.Kind == yaml.ScalarNode {
		e.sent = n.Value
	}
	return e
}

package reference

import (
	"encoding/json"
	"html"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	nethtml "golang.org/x/net/html"
)

func document(t *testing.T) []byte {
	t.Helper()
	document, err := os.ReadFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func rendered(t *testing.T) string {
	t.Helper()
	out, err := Render(document(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

var (
	article  = regexp.MustCompile(`(?s)<article class="operation" id="([^"]+)".*?</article>`)
	tag      = regexp.MustCompile(`<[^>]*>`)
	term     = regexp.MustCompile(`(?s)<dt>(.*?)</dt>`)
	curlLine = regexp.MustCompile(`(?s)<pre>(curl .*?)</pre>`)
)

// bare is the text of a piece of HTML.
func bare(piece string) string {
	return html.UnescapeString(tag.ReplaceAllString(piece, ""))
}

// terms are the names that are defined in a piece of HTML: parameters, fields, statuses.
func terms(piece string) []string {
	var found []string
	for _, m := range term.FindAllStringSubmatch(piece, -1) {
		found = append(found, strings.Fields(bare(m[1]))[0])
	}
	return found
}

// TestEverythingOfTheDocumentIsThere walks the document as another reader of it understands it.
func TestEverythingOfTheDocumentIsThere(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(document(t))
	if err != nil {
		t.Fatal(err)
	}
	page := rendered(t)
	shown := map[string]string{}
	for _, m := range article.FindAllStringSubmatch(page, -1) {
		shown[m[1]] = m[0]
	}
	count := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			count++
			text := shown[op.OperationID]
			if text == "" {
				t.Errorf("%s %s is not there", method, path)
				continue
			}
			checkOperation(t, method+" "+path, text, item, op)
		}
	}
	if len(shown) != count {
		t.Errorf("%d operations are shown of %d", len(shown), count)
	}
	for name := range doc.Components.Schemas {
		if !strings.Contains(page, `id="schema-`+name+`"`) {
			t.Errorf("the schema %s is not there", name)
		}
	}
}

func checkOperation(t *testing.T, name, piece string, item *openapi3.PathItem, op *openapi3.Operation) {
	t.Helper()
	text, defined := bare(piece), terms(piece)
	for _, want := range []string{name, op.Summary} {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not show %q", name, want)
		}
	}
	for _, p := range slices.Concat(item.Parameters, op.Parameters) {
		if !slices.Contains(defined, p.Value.Name) {
			t.Errorf("%s does not show the parameter %s", name, p.Value.Name)
		}
	}
	for status := range op.Responses.Map() {
		if !slices.Contains(defined, status) {
			t.Errorf("%s does not show the status %s", name, status)
		}
	}
	if op.RequestBody == nil {
		return
	}
	for kind, media := range op.RequestBody.Value.Content {
		if !strings.Contains(text, kind) {
			t.Errorf("%s does not show that %s is taken", name, kind)
		}
		for _, field := range fieldNames(media.Schema.Value, "") {
			if !slices.Contains(defined, field) {
				t.Errorf("%s does not show the field %s", name, field)
			}
		}
	}
}

// fieldNames are the first fields of an object, and those of objects right within it.
func fieldNames(s *openapi3.Schema, prefix string) []string {
	var found []string
	for _, part := range slices.Concat(s.AllOf, s.AnyOf, s.OneOf) {
		found = append(found, fieldNames(part.Value, prefix)...)
	}
	if s.Items != nil {
		found = append(found, fieldNames(s.Items.Value, prefix+"[]")...)
	}
	if prefix != "" {
		prefix += "."
	}
	for name := range s.Properties {
		found = append(found, prefix+name)
	}
	return found
}

func TestItIsWellFormed(t *testing.T) {
	page := rendered(t)
	checkNesting(t, page)
	for what, pattern := range map[string]string{
		"an unresolved $ref": `\$ref|#/components`, "text that is escaped twice": `&amp;(lt|gt|amp|quot|#\d+);`,
		"an inline style, handler or script": `\sstyle=|<style|\son[a-z]+=|<script[^>]*>[^<]`, "a type without words": `class="type"></span>`,
		"something from elsewhere": `(src|href)="(https?:)?//`, "what the template could not write": `ZgotmplZ|<no value>`, "an open backtick": "`",
	} {
		if at := regexp.MustCompile(pattern).FindStringIndex(page); at != nil {
			t.Errorf("it has %s: %q", what, page[max(at[0]-40, 0):min(at[1]+40, len(page))])
		}
	}
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]]++; ids[m[1]] > 1 || m[1] == "" {
			t.Errorf("the id %q stands there twice, or is empty", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] == 0 {
			t.Errorf("a link leads to #%s, which is not there", m[1])
		}
	}
}

// checkNesting holds that every element is closed, by itself and in order. A browser mends what is not, each time as it likes.
func checkNesting(t *testing.T, page string) {
	t.Helper()
	void := []string{"meta", "link", "img", "input", "wbr"}
	var open []string
	for z := nethtml.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case nethtml.ErrorToken:
			if len(open) > 0 {
				t.Errorf("not closed: %q", open)
			}
			return
		case nethtml.StartTagToken:
			if name := z.Token().Data; !slices.Contains(void, name) {
				open = append(open, name)
			}
		case nethtml.EndTagToken:
			name := z.Token().Data
			if len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("</%s> closes %q", name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

// TestCommandsAreForAShell has a shell take each command apart, and looks at what curl would be given.
func TestCommandsAreForAShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	var script strings.Builder
	script.WriteString("curl() { printf '%s\\0' \"$@\"; printf 'END\\0'; }\n")
	commands := curlLine.FindAllStringSubmatch(rendered(t), -1)
	for _, m := range commands {
		script.WriteString(bare(m[1]) + "\n")
	}
	out, err := exec.CommandContext(t.Context(), sh, "-c", script.String()).Output()
	if err != nil {
		t.Fatal(err)
	}
	called := strings.Split(strings.TrimSuffix(string(out), "END\x00"), "END\x00")
	if len(called) != len(commands) || len(called) < 80 {
		t.Fatalf("%d commands call curl %d times", len(commands), len(called))
	}
	for _, arguments := range called {
		args := strings.Split(strings.TrimSuffix(arguments, "\x00"), "\x00")
		if slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, origin+"/") && strings.Contains(arg, "{") }) {
			t.Errorf("a path has no example: %q", args)
		}
		if i := slices.Index(args, "-d"); i >= 0 && !json.Valid([]byte(args[i+1])) {
			t.Errorf("not JSON: %q", args)
		}
	}
}

const small = `
tags: [{name: t, description: 'A <tag> & more.'}]
paths:
  /a/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}, example: it's}]
    post:
      operationId: one
      tags: [t]
      summary: One
      description: |
        With **bold <b>** and ` + "`code <c>`" + `, as POST /a/{id}.

        - an item
          that goes on
        - see the schema Tree
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Tree'}
            example: &e {leaves: [{size: 1}], '<': "a'b"}
      responses: {'200': {description: Done., content: {application/json: {schema: {anyOf: [{type: string}, {type: array, items: {type: integer}}]}}}}}
components:
  schemas:
    Tree:
      type: object
      required: [leaves]
      properties:
        leaves: {type: array, maxItems: 1000, items: {type: object, nullable: true, properties: {size: {type: integer, minimum: 1, default: 2}}}}
        below: {$ref: '#/components/schemas/Tree'}
`

func TestASmallDocument(t *testing.T) {
	out, err := Render([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	checkNesting(t, string(out))
	piece := article.FindString(string(out))
	for _, want := range []string{
		`With <b>bold &lt;b&gt;</b> and <code>code &lt;c&gt;</code>, as <a href="#one">POST /a/{id}</a>.`,
		`<ul><li>an item that goes on</li><li>see the schema <a href="#schema-Tree">Tree</a></li></ul>`,
		`list of objects</span> · at most 1,000 elements`,
		`integer</span> · at least 1 · default <code>2</code>`,
		`string or list of integers`,
	} {
		if !strings.Contains(piece, want) {
			t.Errorf("%q is not in\n%s", want, piece)
		}
	}
	if d := cmp.Diff([]string{"id", "leaves", "leaves[].size", "below", "200"}, terms(piece)); d != "" {
		t.Errorf("names of the page:\n%s", d)
	}
	want := "curl -s 'http://127.0.0.1:8080/a/it%27s' \\\n  -H 'Content-Type: application/json' \\\n  -d '{\"leaves\":[{\"size\":1}],\"<\":\"a'\\''b\"}'"
	if d := cmp.Diff(want, bare(curlLine.FindStringSubmatch(piece)[1])); d != "" {
		t.Errorf("command:\n%s", d)
	}
}

func TestAReferenceThatLeadsNowhereIsAnError(t *testing.T) {
	for _, broken := range []string{"", "- : [", strings.ReplaceAll(small, "    Tree:", "    Bush:"), strings.ReplaceAll(small, "      type: object\n", "      $ref: '#/components/schemas/Tree'\n")} {
		if _, err := Render([]byte(broken)); err == nil {
			t.Errorf("this is taken:\n%s", broken)
		}
	}
}

// TestExamplesOfAnswersMeetTheirSchemas holds for those of the document, and for those that are made of a schema.
func TestExamplesOfAnswersMeetTheirSchemas(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(document(t))
	if err != nil {
		t.Fatal(err)
	}
	operations := map[string]*openapi3.Operation{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			operations[op.OperationID] = op
		}
	}
	s, err := parse(document(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range s.page().Groups {
		for _, o := range g.Operations {
			for _, a := range o.Answers {
				checkExamples(t, o.ID+" "+a.Status, a, operations[o.ID].Responses.Value(a.Status).Value)
			}
		}
	}
}

func checkExamples(t *testing.T, name string, a answer, response *openapi3.Response) {
	t.Helper()
	for _, m := range a.Media {
		if m.Kind != "application/json" {
			continue
		}
		if len(m.Examples) == 0 {
			t.Errorf("%s has no example", name)
		}
		for _, e := range m.Examples {
			var value any
			if err := json.Unmarshal([]byte(e.sent), &value); err != nil {
				t.Errorf("%s: %v in %s", name, err, e.sent)
			} else if err := response.Content[m.Kind].Schema.Value.VisitJSON(value); err != nil {
				t.Errorf("%s: %.300v", name, err)
			}
		}
	}
}

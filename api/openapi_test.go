package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"searchd/api"
	"searchd/hf/hftest"
)

// contract checks requests and answers against openapi.yaml.
type contract struct {
	doc    *openapi3.T
	routes []contractRoute
}

type contractRoute struct {
	path    string
	pattern *regexp.Regexp
	params  []string
}

var pathParam = regexp.MustCompile(`\\\{([a-z]+)\\\}`)

func loadContract(t *testing.T) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatalf("openapi.yaml is not valid: %v", err)
	}
	flattenSchemas(doc)
	closeSchemas(doc)
	c := &contract{doc: doc}
	for path := range doc.Paths.Map() {
		r := contractRoute{path: path}
		quoted := regexp.QuoteMeta(path)
		for _, m := range pathParam.FindAllStringSubmatch(quoted, -1) {
			r.params = append(r.params, m[1])
		}
		for _, many := range []string{"id", "path"} { // which may have slashes; other parameters are one segment
			quoted = strings.ReplaceAll(quoted, `\{`+many+`\}`, `(.+)`)
		}
		r.pattern = regexp.MustCompile(`^` + pathParam.ReplaceAllString(quoted, `([^/]+)`) + `/?$`)
		c.routes = append(c.routes, r)
	}
	// Fixed paths before those with parameters, and longer ones first, as the server has them.
	slices.SortFunc(c.routes, func(a, b contractRoute) int {
		if d := len(a.params) - len(b.params); d != 0 {
			return d
		}
		return len(b.path) - len(a.path)
	})
	return c
}

// flattenSchemas writes schemas that are made of others as one, so that closeSchemas knows all their fields.
func flattenSchemas(doc *openapi3.T) {
	for _, ref := range doc.Components.Schemas {
		s := ref.Value
		for _, part := range s.AllOf {
			if s.Properties == nil {
				s.Properties = openapi3.Schemas{}
			}
			maps.Copy(s.Properties, part.Value.Properties)
			s.Required = append(s.Required, part.Value.Required...)
		}
		if len(s.AllOf) > 0 {
			s.Type, s.AllOf = &openapi3.Types{"object"}, nil
		}
	}
}

// closeSchemas makes a field that the document does not know an error. Clients must bear new fields; this server's
// tests must notice them.
func closeSchemas(doc *openapi3.T) {
	no := false
	for _, ref := range doc.Components.Schemas {
		if s := ref.Value; len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil {
			s.AdditionalProperties.Has = &no
		}
	}
}

func (c *contract) find(method, path string) (*routers.Route, map[string]string) {
	for _, r := range c.routes {
		m := r.pattern.FindStringSubmatch(path)
		item := c.doc.Paths.Value(r.path)
		if m == nil || item.GetOperation(method) == nil {
			continue
		}
		params := map[string]string{}
		for i, name := range r.params {
			value, err := url.PathUnescape(m[i+1])
			if err != nil {
				value = m[i+1]
			}
			params[name] = value
		}
		return &routers.Route{Spec: c.doc, Path: r.path, PathItem: item, Method: method, Operation: item.GetOperation(method)}, params
	}
	return nil, nil
}

// checked is a transport that fails the test when a request that the server takes, or any answer, is not as openapi.yaml
// says.
type checked struct {
	t        *testing.T
	contract *contract
	base     http.RoundTripper
	lenient  bool // requests that the document refuses may be taken: one bad item of several is no reason to refuse all
	seen     map[string]bool
}

func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close() // read whole
	response.Body = io.NopCloser(bytes.NewReader(body))
	c.check(r, response, body)
	return response, nil
}

func (c *checked) check(r *http.Request, response *http.Response, body []byte) {
	path := r.URL.EscapedPath()
	if r.URL.Opaque != "" {
		path = r.URL.Opaque[strings.Index(r.URL.Opaque[2:], "/")+2:]
	}
	route, params := c.contract.find(r.Method, path)
	if route == nil {
		if response.StatusCode < 400 {
			c.t.Errorf("%s %s is taken, and not in openapi.yaml", r.Method, path)
		}
		return
	}
	c.seen[r.Method+" "+route.Path] = true
	again := r.Clone(r.Context())
	if again.URL.Opaque != "" {
		again.URL.Opaque = ""
	}
	if r.GetBody != nil {
		again.Body, _ = r.GetBody() // reading a string cannot fail
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true}
	in := &openapi3filter.RequestValidationInput{Request: again, PathParams: params, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil && response.StatusCode < 400 && !c.lenient {
		c.t.Errorf("%s %s is taken (%d), and openapi.yaml refuses it: %.500v", r.Method, path, response.StatusCode, err)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: response.StatusCode, Header: response.Header, Options: options,
	}
	out.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		c.t.Errorf("%s %s: the answer is not as openapi.yaml says: %.500v", r.Method, path, err)
	}
}

// formDecoder shows that there are files: that of the library knows those of some types only.
func formDecoder(io.Reader, http.Header, *openapi3.SchemaRef, openapi3filter.EncodingFn) (any, error) {
	return map[string]any{"files": []any{"a file"}}, nil
}

// startChecked is start with a client that holds both sides to openapi.yaml.
func startChecked(t *testing.T) (*server, *checked) {
	t.Helper()
	s := start(t)
	return s, check(t, s)
}

// check holds both sides to openapi.yaml from now on.
func check(t *testing.T, s *server) *checked {
	t.Helper()
	for _, kind := range []string{"application/x-ndjson", "application/jsonl", "application/x-jsonlines", "text/event-stream", "text/html", "application/vnd.sqlite3"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
	}
	openapi3filter.RegisterBodyDecoder("multipart/form-data", formDecoder)
	c := &checked{t: t, contract: loadContract(t), base: s.client.Transport, seen: map[string]bool{}}
	s.client.Transport = c
	t.Cleanup(func() { c.base.(*http.Transport).CloseIdleConnections() })
	return c
}

func TestEveryRouteIsInTheDocument(t *testing.T) {
	doc := loadContract(t).doc
	var documented []api.Route
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, api.Route{Method: method, Path: path})
		}
	}
	param := regexp.MustCompile(`:(\w+)`)
	var registered []api.Route
	for _, r := range api.New(api.Options{}).Routes() {
		r.Path = param.ReplaceAllString(r.Path, "{$1}")
		r.Path = strings.Replace(r.Path, "/documents/+", "/documents/{id}", 1)
		r.Path = strings.Replace(r.Path, "/v1/models/*", "/v1/models/{id}", 1)
		r.Path = strings.Replace(r.Path, "/assets/*", "/assets/{path}", 1)
		registered = append(registered, r)
	}
	order := cmpopts.SortSlices(func(a, b api.Route) bool { return a.Path+a.Method < b.Path+b.Method })
	if d := cmp.Diff(registered, documented, order); d != "" {
		t.Errorf("routes of the server (-) and of openapi.yaml (+):\n%s", d)
	}
}

func TestEveryOperationIsTold(t *testing.T) {
	doc := loadContract(t).doc
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Summary == "" || op.OperationID == "" || len(op.Tags) == 0 {
				t.Errorf("%s %s has no summary, operationId or tag", method, path)
			}
		}
	}
}

func TestServedDocumentIsTheFile(t *testing.T) {
	s := start(t)
	want, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.get("/openapi.yaml"); !bytes.Equal(got.body, want) {
		t.Errorf("GET /openapi.yaml answers %d bytes; the file has %d", len(got.body), len(want))
	}
}

// TestExamplesWork sends each example of the document to the route it stands at.
func TestExamplesWork(t *testing.T) {
	long(t)
	model, err := openModel()
	if err != nil {
		t.Fatalf("bundled model: %v", err)
	}
	available := zoo(model).(hftest.Zoo)
	available.Set = append(available.Set, hftest.NewModel(hftest.Options{ID: "sentence-transformers/multi-qa-MiniLM-L6-cos-v1", Dimensions: 384}))
	s := startWired(t, available, wiring{})
	c := check(t, s)
	router := hftest.NewServer(t, hftest.ServerOptions{})
	for _, id := range []string{"bread", "hugging-face"} {
		s.provide(id, "huggingface", router.URL, "", hftest.ChatModel)
	}
	s.preset("hugging-face")
	for path, item := range c.contract.doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody == nil || strings.HasPrefix(path, "/collections/") {
				continue
			}
			for kind, media := range op.RequestBody.Value.Content {
				for name, body := range examples(t, media) {
					t.Run(method+path+" "+kind+" "+name, func(t *testing.T) {
						s.t, c.t = t, t
						s.add(wireDocument("bread", "Yeast turns sugar into gas, and the gas lifts the dough."))
						kind := kind
						if kind == "multipart/form-data" {
							kind, body = formType, exampleForm(t, body)
						}
						if got := s.do(method, examplePath(path, op), kind, body); got.status >= 300 {
							t.Errorf("status %d: %s", got.status, got.body)
						}
					})
				}
			}
		}
	}
}

// exampleForm is the form of an example.
func exampleForm(t *testing.T, example string) string {
	t.Helper()
	var given struct {
		Metadata map[string]any
		Files    []string
	}
	if err := json.Unmarshal([]byte(example), &given); err != nil {
		t.Fatal(err)
	}
	parts := []string{"name=metadata", mustJSON(t, given.Metadata)}
	for i, content := range given.Files {
		parts = append(parts, file(fmt.Sprint("example", i)), content)
	}
	return form(parts...)
}

// examplePath fills in a path's parameters from their examples.
func examplePath(path string, op *openapi3.Operation) string {
	path = strings.ReplaceAll(path, "{id}", "bread")
	for _, p := range op.Parameters {
		if text, ok := p.Value.Example.(string); ok && p.Value.In == openapi3.ParameterInPath {
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", text)
		}
	}
	return path
}

func examples(t *testing.T, media *openapi3.MediaType) map[string]string {
	t.Helper()
	found := map[string]string{}
	encode := func(v any) string {
		if text, ok := v.(string); ok {
			return text
		}
		return mustJSON(t, v)
	}
	if media.Example != nil {
		found["example"] = encode(media.Example)
	}
	for name, example := range media.Examples {
		found[name] = encode(example.Value.Value)
	}
	if len(found) == 0 {
		t.Error("a request body has no example")
	}
	return found
}

// TestThePageHasItsFirstFrameInItself checks that the policy allows the style sheet and the script that stand in the page, and no other.
func TestThePageHasItsFirstFrameInItself(t *testing.T) {
	s, _ := startChecked(t)
	got := s.get("/")
	want := "; style-src 'self' 'sha256-" + hashOf("style.css") + "'; script-src 'self' 'sha256-" + hashOf("app.js") + "'"
	for _, inside := range []string{"<style>" + string(page["style.css"].Data) + "</style>", "<script>" + string(page["app.js"].Data) + "</script>", `<script type="module" src="/assets/app.js"></script></html>`} {
		if !strings.Contains(string(got.body), inside) {
			t.Errorf("GET / has no %s: %s", inside, got.body)
		}
	}
	if strings.Contains(string(got.body), "stylesheet") {
		t.Errorf("GET / asks for a style sheet: %s", got.body)
	}
	if policy := got.header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, want) || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q; it should end in %q", policy, want)
	}
}

func hashOf(name string) string {
	hash := sha256.Sum256(page[name].Data)
	return base64.StdEncoding.EncodeToString(hash[:])
}

// TestFilesAreServed looks at how the page and the reference are sent; what is in them is tested beside them.
func TestFilesAreServed(t *testing.T) {
	s, _ := startChecked(t)
	read := func(path string, header ...string) answer {
		r := s.request(http.MethodGet, path, "", nil)
		r.Header.Set("Range", "bytes=0-") // or the client would ask for gzip on its own
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return s.send(r)
	}
	tags := map[string]bool{}
	for path, kind := range map[string]string{"/": "text/html", "/docs": "text/html", "/assets/app.js": "text/javascript", "/assets/style.css": "text/css"} {
		plain := read(path)
		if got := plain.header.Get("Content-Type"); plain.status != http.StatusOK || !strings.HasPrefix(got, kind) {
			t.Fatalf("GET %s: %d, %s", path, plain.status, got)
		}
		for name, want := range map[string]string{"Vary": "Accept-Encoding", "Cache-Control": "no-cache"} {
			if got := plain.header.Get(name); got != want {
				t.Errorf("%s of %s is %q; want %q", name, path, got, want)
			}
		}
		tag := plain.header.Get("ETag")
		for accepted, packed := range map[string]bool{"gzip, deflate, br": true, "gzip;q=0": false, "identity": false, "br": false, "": false} {
			got := read(path, "Accept-Encoding", accepted)
			if coding := got.header.Get("Content-Encoding"); (coding == "gzip") != packed || !packed && coding != "" {
				t.Errorf("who accepts %q gets %s as %q", accepted, path, coding)
			}
			if got.header.Get("ETag") != tag || got.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("who accepts %q gets %s with other headers: %v", accepted, path, got.header)
			}
			if packed && !bytes.Equal(unpacked(t, got.body), plain.body) {
				t.Errorf("%s is another when it is packed", path)
			}
		}
		for known, want := range map[string]int{tag: 304, `"other", ` + tag: 304, `W/"other"`: 200, "": 200} {
			got := read(path, "If-None-Match", known)
			if got.status != want || want == 304 && (len(got.body) > 0 || got.header.Get("ETag") != tag) {
				t.Errorf("who has %q of %s gets %d, %d bytes", known, path, got.status, len(got.body))
			}
		}
		if old := read(path, "If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT"); old.status != http.StatusOK {
			t.Errorf("a time says nothing of a file: %d", old.status)
		}
		tags[tag] = true
	}
	if len(tags) != 4 {
		t.Errorf("files share tags: %v", tags)
	}
}

func unpacked(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

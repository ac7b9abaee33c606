package api_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"searchd/api/wire"
)

// bad is a request that must be refused, and how.
type bad struct {
	name   string
	method string // POST where empty
	path   string // /documents where empty
	kind   string // application/json where empty; "-" for none
	body   string
	status int
	typ    string // invalid_request_error where empty
	param  string
}

const invalid = "invalid_request_error"

func TestBadInput(t *testing.T) {
	long(t)
	s, c := startChecked(t)
	s.add(wireDocument("good", "This one stays."), wire.Document{ID: "too", Text: "So does this.", Metadata: []byte(`{"n":1}`)})
	for _, b := range badInputs() {
		t.Run(b.name, func(t *testing.T) {
			s.t, c.t = t, t
			b.try(t, s)
		})
	}
	s.t, c.t = t, t
	if list := as[wire.DocumentList](t, s.get("/documents"), 200); list.Total != 2 || *s.read("good").Text != "This one stays." || string(s.read("too").Metadata) != `{"n":1}` {
		t.Errorf("after bad input there is %+v", list)
	}
	if list := as[wire.JobList](t, s.get("/jobs"), 200); list.Total != 1 {
		t.Errorf("bad input left jobs: %+v", list.Jobs)
	}
	if list := as[wire.CollectionList](t, s.get("/collections"), 200); list.Total != 1 {
		t.Errorf("bad input left collections: %+v", list.Collections)
	}
}

func (b bad) try(t *testing.T, s *server) {
	t.Helper()
	method, path, kind, typ := b.method, b.path, b.kind, b.typ
	if method == "" {
		method = http.MethodPost
	}
	if path == "" {
		path = "/documents"
	}
	if kind == "" && (method == http.MethodPost || method == http.MethodPatch) {
		kind = jsonType
	}
	if typ == "" {
		typ = invalid
	}
	got := s.do(method, path, strings.TrimPrefix(kind, "-"), b.body)
	e := as[wire.ErrorAnswer](t, got, b.status).Error
	if e.Type != typ || e.Param != b.param || e.Message == "" || e.Code == "" {
		t.Errorf("answers %s\nwant type %q, param %q", got.body, typ, b.param)
	}
	if e.RequestID == "" || e.RequestID != got.header.Get("X-Request-Id") {
		t.Errorf("request id %q in the body, %q in the header", e.RequestID, got.header.Get("X-Request-Id"))
	}
	if trace := regexp.MustCompile(`goroutine|\.go:\d|panic|0x[0-9a-f]{6}|/api/|SELECT|sql:`).Find(got.body); trace != nil {
		t.Errorf("the answer shows the inside, %q: %s", trace, got.body)
	}
}

func badInputs() []bad {
	var list []bad
	for _, part := range [][]bad{badBodies(), badFields(), badSearches(), badFilters(), badQueries(), badPaths(), badChanges()} {
		list = append(list, part...)
	}
	return list
}

func badBodies() []bad {
	return []bad{
		{name: "not JSON", body: `text`, status: 400},
		{name: "empty", body: ``, status: 400},
		{name: "blank", body: " \n\t ", status: 400},
		{name: "cut off", body: `{"documents":[{"text":"a"}`, status: 400, param: "documents"},
		{name: "two values", body: `{"text":"a"}{"text":"b"}`, status: 400},
		{name: "comment", body: `{"text":"a"} // b`, status: 400},
		{name: "single quotes", body: `{'text':'a'}`, status: 400},
		{name: "trailing comma", body: `{"text":"a",}`, status: 400},
		{name: "number", body: `17`, status: 422},
		{name: "string", body: `"text"`, status: 422},
		{name: "null", body: `null`, status: 422, param: ""},
		{name: "empty object", body: `{}`, status: 422, param: "text"},
		{name: "empty list", body: `[]`, status: 422, param: "documents"},
		{name: "no documents", body: `{"documents":[]}`, status: 422, param: "documents"},
		{name: "documents null", body: `{"documents":null}`, status: 422, param: "documents"},
		{name: "documents is an object", body: `{"documents":{"text":"a"}}`, status: 422, param: "documents"},
		{name: "documents is a string", body: `{"documents":"a"}`, status: 422, param: "documents"},
		{name: "no body form", kind: "application/x-www-form-urlencoded", body: `text=a`, status: 415},
		{name: "text/plain", kind: "text/plain", body: `{"text":"a"}`, status: 415},
		{name: "dry_run that is none", path: "/documents?dry_run=yes", body: `{"text":"a"}`, status: 422, param: "dry_run"},
		{name: "a model without dry_run", path: "/documents?model=x", body: `{"text":"a"}`, status: 422, param: "model"},
		{name: "dry run with a model that is not here", path: "/collections/new/documents?dry_run=1&model=x", body: `{"text":"a"}`, status: 422, param: "model"},
		{name: "dry run of nothing good", path: "/documents?dry_run=1", body: `{"text":""}`, status: 422, param: "text"},
		{name: "dry run that is cut off", path: "/documents?dry_run=1", body: `{"text":"a`, status: 400, param: "text"},
		{name: "chunking that is none", path: "/documents?chunking=some", body: `{"text":"a"}`, status: 422, param: "chunking"},
		{name: "on_conflict that is none", path: "/documents?on_conflict=merge", body: `{"text":"a"}`, status: 422, param: "on_conflict"},
		{name: "multipart without a boundary", kind: "multipart/form-data", body: "--x--\r\n", status: 400},
		{name: "multipart that is none", kind: "multipart/form-data; boundary=x", body: `{"text":"a"}`, status: 400},
		{name: "multipart without files", kind: "multipart/form-data; boundary=x", body: form("name=metadata", `{"a":1}`), status: 422, param: "documents"},
		{name: "multipart cut off", kind: "multipart/form-data; boundary=x", body: strings.TrimSuffix(form("name=f; filename=a.txt", "a"), "\r\n--x--\r\n"), status: 400},
		{name: "multipart cut off in its end", kind: "multipart/form-data; boundary=x", body: strings.TrimSuffix(form("name=f; filename=a.txt", "a"), "--\r\n"), status: 400},
		{name: "multipart cut off in a header", kind: "multipart/form-data; boundary=x", body: "--x\r\nContent-Disp", status: 400},
		{name: "a part without a disposition", kind: "multipart/form-data; boundary=x", body: "--x\r\n\r\na\r\n--x--\r\n", status: 400},
		{name: "a file without a filename", kind: "multipart/form-data; boundary=x", body: form("name=file", "a"), status: 422, param: "file"},
		{name: "a file with an empty filename", kind: "multipart/form-data; boundary=x", body: form(`name=file; filename=""`, "a"), status: 422, param: "files[0]"},
		{name: "metadata that is no object", kind: "multipart/form-data; boundary=x", body: form("name=metadata", `[1]`), status: 422, param: "metadata"},
		{name: "metadata that is too long", kind: "multipart/form-data; boundary=x", body: form("name=metadata", strings.Repeat(" ", 70_000)), status: 422, param: "metadata"},
		{name: "metadata after a file", kind: "multipart/form-data; boundary=x", body: form("name=f; filename=a.txt", "a", "name=metadata", `{"a":1}`), status: 422, param: "metadata"},
		{name: "an empty file", kind: "multipart/form-data; boundary=x", body: form("name=f; filename=a.txt", ""), status: 422, param: "files[0].text"},
		{name: "a file of no kind that is read", kind: "multipart/form-data; boundary=x", body: form("name=f; filename=a.txt", "\x00\x01\x02\x03"), status: 415, param: "files[0]"},
		{name: "no content type", kind: "-", body: `{"text":"a"}`, status: 415},
		{name: "content type that is none", kind: "application/json; ;", body: `{"text":"a"}`, status: 415},
		{name: "lines sent as JSON", body: "{\"text\":\"a\"}\n{\"text\":\"b\"}\n", status: 400},
		{name: "invalid UTF-8", body: "{\"text\":\"a\xff\"}", status: 400, param: "text"},
		{name: "invalid UTF-8 in a name", body: "{\"\xff\":\"a\"}", status: 400},
		{name: "lone surrogate", body: `{"text":"a\ud800"}`, status: 400, param: "text"},
		{name: "surrogates in the wrong order", body: `{"text":"\udc00\ud800"}`, status: 400, param: "text"},
		{name: "byte order mark", body: "\ufeff{\"text\":\"a\"}", status: 400},
		{name: "UTF-16", body: "\xff\xfe{\x00\"\x00", status: 400},
		{name: "field twice", body: `{"text":"a","text":"b"}`, status: 400, param: "text"},
		{name: "documents twice", body: `{"documents":[{"text":"a"}],"documents":[{"text":"b"}]}`, status: 400, param: "documents"},
		{name: "metadata field twice", body: `{"text":"a","metadata":{"k":1,"k":2}}`, status: 400, param: "metadata.k"},
		{name: "very deep", body: strings.Repeat("[", 100_000), status: 400, param: deepParam()},
		{name: "very deep metadata", body: `{"text":"a","metadata":` + strings.Repeat(`{"a":`, 20_000) + `1` + strings.Repeat(`}`, 20_001), status: 400, param: deepMetadata()},
	}
}

// The path to what is wrong is cut where it is very long.
func deepParam() string    { return strings.Repeat("[0]", 67)[:200] + "…" }
func deepMetadata() string { return ("metadata" + strings.Repeat(".a", 100))[:200] + "…" }

func badFields() []bad {
	list := []bad{
		{name: "unknown field", body: `{"text":"a","body":"b"}`, status: 422, param: "body"},
		{name: "unknown field beside documents", body: `{"documents":[{"text":"a"}],"wait":1}`, status: 422, param: "wait"},
		{name: "unknown field in a document", body: `{"documents":[{"text":"a","txt":"b"}]}`, status: 422, param: "documents[0].txt"},
		{name: "field in capitals", body: `{"Text":"a"}`, status: 422, param: "Text"},
		{name: "document is a string", body: `{"documents":["a"]}`, status: 422, param: "documents[0]"},
		{name: "document is null", body: `[null]`, status: 422, param: "documents[0]"},
		{name: "document is a list", body: `[[]]`, status: 422, param: "documents[0]"},
		{name: "no text", body: `{"id":"a"}`, status: 422, param: "text"},
		{name: "empty text", body: `{"text":""}`, status: 422, param: "text"},
		{name: "blank text", body: `{"text":" \n\t\u00a0\u3000"}`, status: 422, param: "text"},
		{name: "NUL in text", body: `{"text":"a\u0000b"}`, status: 422, param: "text"},
		{name: "NUL in title", body: `{"text":"a","title":"\u0000"}`, status: 422, param: "title"},
		{name: "NUL in URL", body: `{"text":"a","url":"\u0000"}`, status: 422, param: "url"},
		{name: "NUL in id", body: `{"text":"a","id":"\u0000"}`, status: 422, param: "id"},
		{name: "NUL in metadata", body: `{"text":"a","metadata":{"k":"\u0000"}}`, status: 422, param: "metadata.k"},
		{name: "newline in id", body: `{"text":"a","id":"a\nb"}`, status: 422, param: "id"},
		{name: "C1 control in id", body: `{"text":"a","id":"a\u0085b"}`, status: 422, param: "id"},
		{name: "empty id", body: `{"text":"a","id":""}`, status: 422, param: "id"},
		{name: "id .", body: `{"text":"a","id":"."}`, status: 422, param: "id"},
		{name: "id ..", body: `{"text":"a","id":".."}`, status: 422, param: "id"},
		{name: "id of 1,000 characters", body: `{"text":"a","id":"` + strings.Repeat("x", 1000) + `"}`, status: 422, param: "id"},
		{name: "long title", body: `{"text":"a","title":"` + strings.Repeat("x", 4097) + `"}`, status: 422, param: "title"},
		{name: "long URL", body: `{"text":"a","url":"` + strings.Repeat("x", 4097) + `"}`, status: 422, param: "url"},
		{name: "text over 10 MiB", body: `{"text":"` + strings.Repeat("x", 10<<20+1) + `"}`, status: 422, param: "text"},
		{name: "nested metadata", body: `{"text":"a","metadata":{"k":{"b":1}}}`, status: 422, param: "metadata.k"},
		{name: "list in a list", body: `{"text":"a","metadata":{"k":[1,[2]]}}`, status: 422, param: "metadata.k[1]"},
		{name: "object in a list", body: `{"text":"a","metadata":{"k":[{}]}}`, status: 422, param: "metadata.k[0]"},
		{name: "metadata key with $", body: `{"text":"a","metadata":{"$gt":1}}`, status: 422, param: "metadata.$gt"},
		{name: "empty metadata key", body: `{"text":"a","metadata":{"":1}}`, status: 422, param: "metadata"},
		{name: "long metadata key", body: `{"text":"a","metadata":{"` + strings.Repeat("k", 257) + `":1}}`, status: 422, param: "metadata." + strings.Repeat("k", 257)},
		{name: "huge metadata", body: `{"text":"a","metadata":{"k":"` + strings.Repeat("x", 64<<10) + `"}}`, status: 422, param: "metadata"},
		{name: "many metadata keys", body: `{"text":"a","metadata":{` + manyKeys(257) + `}}`, status: 422, param: "metadata"},
		{name: "metadata number too large", body: `{"text":"a","metadata":{"k":1e999}}`, status: 422, param: "metadata.k"},
		{name: "short vector", body: `{"text":"a","vector":[1,2]}`, status: 422, param: "vector"},
		{name: "empty vector", body: `{"text":"a","vector":[]}`, status: 422, param: "vector"},
		{name: "long vector", body: `{"text":"a","vector":[` + numbers(385, "1") + `]}`, status: 422, param: "vector"},
		{name: "zero vector", body: `{"text":"a","vector":[` + numbers(384, "0") + `]}`, status: 422, param: "vector"},
		{name: "negative zeros", body: `{"text":"a","vector":[` + numbers(384, "-0.0") + `]}`, status: 422, param: "vector"},
		{name: "NaN", body: `{"text":"a","vector":[NaN]}`, status: 400, param: "vector[0]"},
		{name: "Infinity", body: `{"text":"a","vector":[Infinity]}`, status: 400, param: "vector[0]"},
		{name: "1e400", body: `{"text":"a","vector":[1e400` + numbers(383, ",1") + `]}`, status: 422, param: "vector[0]"},
		{name: "1e39, too large for float32", body: `{"text":"a","vector":[1e39]}`, status: 422, param: "vector[0]"},
		{name: "strings in a vector", body: `{"text":"a","vector":["1"]}`, status: 422, param: "vector[0]"},
	}
	wrong := map[string][]string{
		"id": {`1`, `true`, `{}`, `[]`}, "title": {`1`, `true`, `{}`, `[]`}, "url": {`1`, `false`, `{}`, `[]`},
		"text": {`1`, `true`, `{}`, `["a"]`}, "metadata": {`1`, `"a"`, `true`, `[]`}, "vector": {`1`, `"a"`, `true`, `{}`},
	}
	for field, values := range wrong {
		for _, value := range values {
			list = append(list, bad{
				name: field + " is " + value, status: 422, param: "documents[0]." + field,
				body: fmt.Sprintf(`{"documents":[{%s%q:%s}]}`, map[bool]string{true: `"text":"a",`}[field != "text"], field, value),
			})
		}
	}
	return list
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	return strings.Join(keys, ",")
}

func numbers(n int, number string) string {
	if strings.HasPrefix(number, ",") {
		return strings.Repeat(number, n)
	}
	return strings.TrimSuffix(strings.Repeat(number+",", n), ",")
}

func badSearches() []bad {
	list := []bad{
		{name: "no query", body: `{}`, status: 422, param: "query"},
		{name: "blank query", body: `{"query":" \n"}`, status: 422, param: "query"},
		{name: "long query", body: `{"query":"` + strings.Repeat("q ", 33<<10) + `"}`, status: 422, param: "query"},
		{name: "query and vector", body: `{"query":"q","vector":[1]}`, status: 422, param: "vector"},
		{name: "short query vector", body: `{"vector":[1]}`, status: 422, param: "vector"},
		{name: "empty query vector", body: `{"vector":[]}`, status: 422, param: "vector"},
		{name: "zero query vector", body: `{"vector":[` + numbers(384, "0") + `]}`, status: 422, param: "vector"},
		{name: "limit 0", body: `{"query":"q","limit":0}`, status: 422, param: "limit"},
		{name: "limit -1", body: `{"query":"q","limit":-1}`, status: 422, param: "limit"},
		{name: "limit 10^9", body: `{"query":"q","limit":1000000000}`, status: 422, param: "limit"},
		{name: "limit 10^30", body: `{"query":"q","limit":1000000000000000000000000000000}`, status: 422, param: "limit"},
		{name: "limit is a string", body: `{"query":"q","limit":"10"}`, status: 422, param: "limit"},
		{name: "limit 1.5", body: `{"query":"q","limit":1.5}`, status: 422, param: "limit"},
		{name: "offset -1", body: `{"query":"q","offset":-1}`, status: 422, param: "offset"},
		{name: "offset 100,001", body: `{"query":"q","offset":100001}`, status: 422, param: "offset"},
		{name: "min_relevance 2", body: `{"query":"q","min_relevance":2}`, status: 422, param: "min_relevance"},
		{name: "min_relevance -0.1", body: `{"query":"q","min_relevance":-0.1}`, status: 422, param: "min_relevance"},
		{name: "lexical and a vector", body: `{"vector":[1],"mode":"lexical"}`, status: 422, param: "mode"},
		{name: "mode", body: `{"query":"q","mode":"Hybrid"}`, status: 422, param: "mode"},
		{name: "group_by", body: `{"query":"q","group_by":"author"}`, status: 422, param: "group_by"},
		{name: "like and query", body: `{"query":"q","like":["a"]}`, status: 422, param: "like"},
		{name: "like and vector", body: `{"vector":[1],"like":["a"]}`, status: 422, param: "like"},
		{name: "cursor of nobody", body: `{"query":"q","cursor":"a"}`, status: 422, param: "cursor"},
		{name: "long cursor", body: `{"query":"q","cursor":"` + strings.Repeat("a", 65537) + `"}`, status: 422, param: "cursor"},
		{name: "cursor and offset", body: `{"query":"q","cursor":"a","offset":1}`, status: 422, param: "offset"},
		{name: "unlike alone", body: `{"unlike":["a"]}`, status: 422, param: "query"},
		{name: "like an unknown document", body: `{"like":["nobody"]}`, status: 422, param: "like[0]"},
		{name: "unlike an unknown document", body: `{"query":"q","unlike":["nobody"]}`, status: 422, param: "unlike[0]"},
		{name: "like no id", body: `{"like":["a",""]}`, status: 422, param: "like[1]"},
		{name: "like and unlike the same", body: `{"like":["a"],"unlike":["b","a"]}`, status: 422, param: "unlike[1]"},
		{name: "like 101", body: `{"like":[` + numbers(101, `"a"`) + `]}`, status: 422, param: "like"},
		{name: "facets 21", body: `{"query":"q","facets":[` + numbers(21, `"a"`) + `]}`, status: 422, param: "facets"},
		{name: "facet without a name", body: `{"query":"q","facets":["a",""]}`, status: 422, param: "facets[1]"},
		{name: "facet twice", body: `{"query":"q","facets":["a","a"]}`, status: 422, param: "facets[1]"},
		{name: "facet of an operator", body: `{"query":"q","facets":["$eq"]}`, status: 422, param: "facets[0]"},
		{name: "diversity 1.1", body: `{"query":"q","diversity":1.1}`, status: 422, param: "diversity"},
		{name: "diversity -1", body: `{"query":"q","diversity":-1}`, status: 422, param: "diversity"},
		{name: "neighbours 11", body: `{"query":"q","neighbours":11}`, status: 422, param: "neighbours"},
		{name: "neighbours -1", body: `{"query":"q","neighbours":-1}`, status: 422, param: "neighbours"},
		{name: "rerank without a cross-encoder", body: `{"query":"q","rerank":true}`, status: 422, param: "rerank"},
		{name: "rerank of a vector", body: `{"vector":[` + numbers(384, "1") + `],"rerank":true}`, status: 422, param: "rerank"},
		{name: "rerank_model alone", body: `{"query":"q","rerank_model":"a/b"}`, status: 422, param: "rerank_model"},
		{name: "rerank_model that is not here", body: `{"query":"q","rerank":true,"rerank_model":"a/b"}`, status: 422, param: "rerank_model"},
		{name: "highlights of 101 hits", body: `{"query":"q","limit":101,"highlight":true}`, status: 422, param: "limit"},
		{name: "unknown search field", body: `{"query":"q","top_k":3}`, status: 422, param: "top_k"},
		{name: "search without content type", kind: "-", body: `{"query":"q"}`, status: 415},
		{name: "search sent as lines", kind: "application/x-ndjson", body: `{"query":"q"}`, status: 415},
		{name: "search invalid UTF-8", body: "{\"query\":\"\xc3\"}", status: 400, param: "query"},
	}
	for field, value := range map[string]string{
		"query": `1`, "vector": `"a"`, "mode": `1`, "offset": `"a"`, "min_relevance": `"0"`, "group_by": `[]`, "like": `1`, "cursor": `1`,
		"facets": `{}`, "rerank": `0`, "highlight": `"yes"`, "explain": `"no"`, "rerank_model": `1`, "exact": `1`, "diversity": `"0"`, "unlike": `"a"`,
		"collapse_duplicates": `1`, "neighbours": `1.5`,
	} {
		list = append(list, bad{name: field + " is " + value, body: fmt.Sprintf(`{%q:%s}`, field, value), status: 422, param: field})
	}
	for i := range list {
		list[i].path = "/search"
	}
	return list
}

func badFilters() []bad {
	filters := []struct{ filter, param string }{
		{`"lang"`, "filter"},
		{`["lang"]`, "filter"},
		{`17`, "filter"},
		{`{"year":{"$near":1}}`, "filter.year.$near"},
		{`{"year":{"gte":1}}`, "filter.year.gte"},
		{`{"$gt":1}`, "filter.$gt"},
		{`{"year":{}}`, "filter.year"},
		{`{"year":[1]}`, "filter.year"},
		{`{"year":{"$in":1}}`, "filter.year.$in"},
		{`{"year":{"$in":[[1]]}}`, "filter.year.$in[0]"},
		{`{"year":{"$gt":true}}`, "filter.year.$gt"},
		{`{"year":{"$exists":1}}`, "filter.year.$exists"},
		{`{"$or":[]}`, "filter.$or"},
		{`{"$or":{"a":1}}`, "filter.$or"},
		{`{"$or":[1]}`, "filter.$or[0]"},
		{`{"$not":[]}`, "filter.$not"},
		{`{"":1}`, "filter"},
		{`{"a":"\u0000"}`, "filter.a"},
		{strings.Repeat(`{"$not":`, 18) + `{}` + strings.Repeat(`}`, 18), "filter" + strings.Repeat(".$not", 17)},
		{`{"a":` + strings.Repeat(`{"$not":`, 18) + `1` + strings.Repeat(`}`, 19), "filter.a" + strings.Repeat(".$not", 17)},
		{`{"$or":[` + numbers(257, `{"a":1}`) + `]}`, "filter.$or[256].a"},
		{`{"a":{"$in":[` + numbers(1001, "1") + `]}}`, "filter.a.$in"},
	}
	var list []bad
	for _, f := range filters {
		name := f.filter
		if len(name) > 40 {
			name = name[:40]
		}
		list = append(list,
			bad{name: "search filter " + name, path: "/search", body: `{"query":"q","filter":` + f.filter + `}`, status: 422, param: f.param},
			bad{name: "delete filter " + name, path: "/documents/delete", body: `{"filter":` + f.filter + `}`, status: 422, param: f.param},
			bad{name: "list filter " + name, method: "GET", path: "/documents?filter=" + escape(f.filter), status: 422, param: f.param},
		)
	}
	return append(list, bad{name: "GET with a filter that is no JSON", method: "GET", path: "/search?q=a&filter=lang", status: 422, param: "filter"})
}

func badQueries() []bad {
	list := []bad{
		{name: "search without q", path: "/search", status: 422, param: "q"},
		{name: "search with an empty q", path: "/search?q=", status: 422, param: "q"},
		{name: "q invalid UTF-8", path: "/search?q=%ff", status: 422, param: "q"},
		{name: "unknown parameter", path: "/search?q=a&size=3", status: 422, param: "size"},
		{name: "unknown parameter, invalid UTF-8", path: "/search?q=a&%ff=3", status: 422, param: "\ufffd"},
		{name: "parameter twice", path: "/search?q=a&q=b", status: 422, param: "q"},
		{name: "broken encoding", path: "/search?q=%zz", status: 400},
		{name: "semicolon", path: "/search?q=a;b", status: 400},
		{name: "wait on a GET", path: "/documents?wait=1", status: 422, param: "wait"},
		{name: "mode in the query", path: "/search?q=a&mode=fuzzy", status: 422, param: "mode"},
		{name: "group_by in the query", path: "/search?q=a&group_by=x", status: 422, param: "group_by"},
		{name: "min_relevance 2 in the query", path: "/search?q=a&min_relevance=2", status: 422, param: "min_relevance"},
		{name: "min_relevance NaN", path: "/search?q=a&min_relevance=NaN", status: 422, param: "min_relevance"},
		{name: "min_relevance a", path: "/search?q=a&min_relevance=a", status: 422, param: "min_relevance"},
		{name: "offset -1 in the query", path: "/search?q=a&offset=-1", status: 422, param: "offset"},
		{name: "cursor garbage", path: "/documents?cursor=%21%21", status: 422, param: "cursor"},
		{name: "jobs cursor garbage", path: "/jobs?cursor=%21", status: 422, param: "cursor"},
		{name: "jobs cursor of something else", path: "/jobs?cursor=YWJj", status: 422, param: "cursor"},
		{name: "collections cursor garbage", path: "/collections?cursor=%25", status: 422, param: "cursor"},
		{name: "watch=2", path: "/jobs/x?watch=2", status: 422, param: "watch"},
		{name: "parameter on a document", path: "/documents/good?x=1", status: 422, param: "x"},
		{name: "parameter on a collection", path: "/collections/default?x=1", status: 422, param: "x"},
		{name: "parameter on models", path: "/models?x=1", status: 422, param: "x"},
	}
	for _, limit := range []string{"0", "-1", "1000000000", "1.5", "ten", "0x10", "1001", "99999999999999999999"} {
		for _, path := range []string{"/search?q=a&limit=", "/documents?limit=", "/jobs?limit=", "/collections?limit="} {
			list = append(list, bad{name: path + limit, path: path + limit, status: 422, param: "limit"})
		}
	}
	for i := range list {
		list[i].method = "GET"
	}
	for _, wait := range []string{"-1", "abc", "601", "1.5"} {
		list = append(list, bad{name: "wait=" + wait, path: "/documents?wait=" + wait, body: `{"text":"a"}`, status: 422, param: "wait"})
	}
	return list
}

func badPaths() []bad {
	const missing = "not_found_error"
	list := []bad{
		{name: "unknown route", method: "GET", path: "/nothing", status: 404, typ: missing},
		{name: "unknown route with a body", path: "/nothing", body: `{"text":"a"}`, status: 404, typ: missing},
		{name: "route in capitals", method: "GET", path: "/Documents", status: 404, typ: missing},
		{name: "raw invalid UTF-8 route", method: "GET", path: "/\xff\xfe", status: 404, typ: missing},
		{name: "PUT", method: "PUT", path: "/documents", status: 405},
		{name: "PUT a document", method: "PUT", path: "/documents/good", body: `{}`, status: 405},
		{name: "DELETE without an id", method: "DELETE", path: "/documents", status: 405},
		{name: "PATCH without an id", method: "PATCH", path: "/documents/", body: `{"title":"t"}`, status: 405},
		{name: "POST jobs", path: "/jobs", body: `{}`, status: 405},
		{name: "OPTIONS", method: "OPTIONS", path: "/search", status: 405},
		{name: "DELETE search", method: "DELETE", path: "/collections/default/search", status: 405},
		{name: "unknown job", method: "GET", path: "/jobs/job_nothing", status: 404, typ: missing, param: "id"},
		{name: "watch an unknown job", method: "GET", path: "/jobs/job_nothing?watch=1", status: 404, typ: missing, param: "id"},
		{name: "cancel an unknown job", method: "DELETE", path: "/jobs/job_nothing", status: 404, typ: missing, param: "id"},
		{name: "unknown document", method: "GET", path: "/documents/nothing", status: 404, typ: missing, param: "id"},
		{name: "patch an unknown document", method: "PATCH", path: "/documents/nothing", body: `{"title":"t"}`, status: 404, typ: missing, param: "id"},
		{name: "delete an unknown document", method: "DELETE", path: "/documents/nothing", status: 404, typ: missing, param: "id"},
		{name: "invalid UTF-8 in an id", method: "GET", path: "/documents/%ff", status: 422, param: "id"},
		{name: "overlong UTF-8 in an id", method: "GET", path: "/documents/%c0%af", status: 422, param: "id"},
		{name: "NUL in a path", method: "GET", path: "/documents/%00", status: 422, param: "id"},
		{name: "broken encoding in an id", method: "GET", path: "/documents/%zz", status: 400, param: "id"},
		{name: "id .. in a path", method: "DELETE", path: "/documents/%2e%2e", status: 422, param: "id"},
		{name: "long id in a path", method: "GET", path: "/documents/" + strings.Repeat("x", 1000), status: 422, param: "id"},
		{name: "collection with a slash", method: "GET", path: "/collections/a%2fb", status: 422, param: "collection"},
		{name: "collection ..", method: "GET", path: "/collections/%2e%2e", status: 422, param: "collection"},
		{name: "collection, broken encoding", method: "GET", path: "/collections/%zz", status: 400, param: "collection"},
		{name: "search in an unknown collection", path: "/collections/nothing/search", body: `{"query":"q"}`, status: 404, typ: missing, param: "collection"},
		{name: "add to an unknown collection", path: "/collections/nothing/documents", body: `{"text":"a"}`, status: 404, typ: missing, param: "collection"},
		{name: "list an unknown collection", method: "GET", path: "/collections/nothing/documents", status: 404, typ: missing, param: "collection"},
		{name: "delete an unknown collection", method: "DELETE", path: "/collections/nothing", status: 404, typ: missing, param: "collection"},
		{name: "patch an unknown collection", method: "PATCH", path: "/collections/nothing", body: `{"description":"d"}`, status: 404, typ: missing, param: "collection"},
	}
	for _, path := range []string{"/assets/", "/assets/missing.js", "/assets/../server.go", "/assets/..%2fserver.go", "/assets/%2e%2e/%2e%2e/etc/passwd", "/assets//etc/passwd", "/assets/....//x", `/assets/..%5cserver.go`, "/assets/%00"} {
		list = append(list, bad{name: path, method: "GET", path: path, status: 404, typ: missing})
	}
	return list
}

func badChanges() []bad {
	return []bad{
		{name: "delete nothing", path: "/documents/delete", body: `{}`, status: 422, param: "ids"},
		{name: "delete both", path: "/documents/delete", body: `{"ids":["good"],"filter":{"n":1}}`, status: 422, param: "ids"},
		{name: "delete with an empty filter", path: "/documents/delete", body: `{"filter":{}}`, status: 422, param: "filter"},
		{name: "delete with filter null", path: "/documents/delete", body: `{"filter":null}`, status: 422, param: "filter"},
		{name: "delete ids is a string", path: "/documents/delete", body: `{"ids":"good"}`, status: 422, param: "ids"},
		{name: "delete ids has a number", path: "/documents/delete", body: `{"ids":["good",1]}`, status: 422, param: "ids[1]"},
		{name: "delete without content type", path: "/documents/delete", kind: "-", body: `{"ids":["good"]}`, status: 415},
		{name: "patch nothing", method: "PATCH", path: "/documents/good", body: `{}`, status: 422},
		{name: "patch null", method: "PATCH", path: "/documents/good", body: `null`, status: 422},
		{name: "patch text", method: "PATCH", path: "/documents/good", body: `{"text":"new"}`, status: 422, param: "text"},
		{name: "patch id to one that is taken", method: "PATCH", path: "/documents/good", body: `{"id":"too"}`, status: 409, typ: "conflict_error", param: "id"},
		{name: "patch metadata nested", method: "PATCH", path: "/documents/good", body: `{"metadata":{"a":{}}}`, status: 422, param: "metadata.a"},
		{name: "patch metadata is a list", method: "PATCH", path: "/documents/good", body: `{"metadata":[]}`, status: 422, param: "metadata"},
		{name: "patch title is a number", method: "PATCH", path: "/documents/good", body: `{"title":1}`, status: 422, param: "title"},
		{name: "patch long title", method: "PATCH", path: "/documents/good", body: `{"title":"` + strings.Repeat("x", 4097) + `"}`, status: 422, param: "title"},
		{name: "collection without name", path: "/collections", body: `{}`, status: 422, param: "name"},
		{name: "collection name with a space", path: "/collections", body: `{"name":"a b"}`, status: 422, param: "name"},
		{name: "collection name with a slash", path: "/collections", body: `{"name":"a/b"}`, status: 422, param: "name"},
		{name: "collection name long", path: "/collections", body: `{"name":"` + strings.Repeat("x", 129) + `"}`, status: 422, param: "name"},
		{name: "collection name is a number", path: "/collections", body: `{"name":1}`, status: 422, param: "name"},
		{name: "unknown model", path: "/collections", body: `{"name":"c","model":"gpt"}`, status: 422, param: "model"},
		{name: "unknown engine", path: "/collections", body: `{"name":"c","engine":"flat"}`, status: 422, param: "engine"},
		{name: "dimensions", path: "/collections", body: `{"name":"c","dimensions":3}`, status: 422, param: "dimensions"},
		{name: "negative dimensions", path: "/collections", body: `{"name":"c","dimensions":-1}`, status: 422, param: "dimensions"},
		{name: "collection description long", path: "/collections", body: `{"name":"c","description":"` + strings.Repeat("x", 4097) + `"}`, status: 422, param: "description"},
		{name: "name in use", path: "/collections", body: `{"name":"default"}`, status: 409, typ: "conflict_error", param: "name"},
		{name: "patch a collection with nothing", method: "PATCH", path: "/collections/default", body: `{}`, status: 422},
		{name: "patch a collection's model", method: "PATCH", path: "/collections/default", body: `{"model":"x"}`, status: 422, param: "model"},
	}
}

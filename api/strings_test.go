package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/samber/lo"

	"searchd/api/wire"
)

// TestJSONTestSuite sends every file of the suite, which has JSON that is right (y_), wrong (n_) and open to debate (i_).
func TestJSONTestSuite(t *testing.T) {
	long(t)
	dir := sharedData(t, "adversarial", "JSONTestSuite", "test_parsing")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) < 300 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	s := startWith(t, quick())
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		wrong := strings.HasPrefix(name, "n_")
		for form, body := range map[string]string{
			"body": string(content), "documents": `{"documents":` + string(content) + `}`, "text": `{"text":` + string(content) + `}`,
			"metadata": `{"text":"a","metadata":` + string(content) + `}`, "metadata value": `{"text":"a","metadata":{"k":` + string(content) + `}}`,
			"vector": `{"text":"a","vector":` + string(content) + `}`, "search": string(content),
		} {
			path := "/documents"
			if form == "search" {
				path = "/search"
			}
			// A comma or bracket too many is right where something stands around it.
			stillWrong := wrong && (form == "body" || form == "search" || !jsontext.Value(body).IsValid())
			got := s.post(path, body)
			if got.status >= 500 || stillWrong && (got.status < 400 || got.status >= 500) {
				t.Errorf("%s as %s: %d %.300s", name, form, got.status, got.body)
			}
		}
		got := s.do("POST", "/documents", "application/x-ndjson", string(content))
		if got.status >= 500 || wrong && got.status < 400 {
			t.Errorf("%s as lines: %d %.300s", name, got.status, got.body)
		}
		if !utf8.Valid(content) || strings.TrimSpace(string(content)) == "" || strings.Contains(string(content), "\x00") {
			continue
		}
		// The file as a string in a document: it is only text there, and comes back as it was.
		doc := wireDocument("file-"+name, string(content))
		if len(content) > 10<<10 { // how the model reads it is not the question here
			doc.Vector = make([]float32, 384)
			doc.Vector[0] = 1
		}
		s.add(doc)
		if text := *s.read("file-" + name).Text; text != string(content) {
			t.Errorf("%s as text comes back as %.200q", name, text)
		}
	}
}

// ours are strings that have broken parsers, databases, terminals or templates.
var ours = []string{
	"a", " leading and trailing ", "\ttab\t", "line\nbreak", "carriage\r\nreturn", "\u2028\u2029", "\ufeffbom", "e\u0301 \u00e9", "ﬁ ﬀ", "İıſK",
	"null", "NULL", "undefined", "true", "0", "-0", "1e400", "NaN", "[]", "{}", `"`, `\`, `\u0000`, `\ud800`, `%00`, `%`, `%2F`, `%25`, "'", "''", `";`,
	"'; DROP TABLE documents; --", "1 OR 1=1", "%s%n%d", "${7*7}", "{{7*7}}", "<script>alert(1)</script>", "]]>", "<!--", "&amp;&lt;", "$where", "$ne",
	"a/b", "/a", "a/", "//", "a//b", "../x", "./x", "a/../b", "...", "a?b=c", "a#b", "a+b", "a&b=c", "a;b", "a:b", "a*b", ":collection", "*", "a b", "~", "@", "C:\\x",
	"documents", "delete", "search", "日本語", "العربية", "עברית", "हिन्दी", "ไทย", "한국어", "emoji 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪", "𝕌𝕟𝕚𝕔𝕠𝕕𝕖", "\U0010ffff", "\ufffd", "\uffff", "\ue000", "\u200b",
	"\u202eright to left\u202c", "Z̸̢a̷͙l̶̰g̴̨o̶", "\x7f", "\u0080", "\u009f", "\u00ad", "\x1b[31m", "\x01\x02", "word\u00a0word", strings.Repeat("a", 512), strings.Repeat("長", 170), strings.Repeat("x ", 250),
}

// naughty is ours and, where it is here, the big list of naughty strings.
func naughty(t *testing.T) []string {
	list := slices.Clone(ours)
	t.Run("big list", func(t *testing.T) {
		content, err := os.ReadFile(filepath.Join(sharedData(t, "adversarial", "blns"), "blns.json"))
		if err != nil {
			t.Fatal(err)
		}
		var more []string
		if err := json.Unmarshal(content, &more); err != nil || len(more) < 500 {
			t.Fatalf("%d strings: %v", len(more), err)
		}
		list = append(list, more...)
	})
	return list
}

// TestStringsComeBack stores every odd string in every field and reads it back byte for byte.
func TestStringsComeBack(t *testing.T) {
	long(t)
	s := startWith(t, quick())
	c := check(t, s)
	list := naughty(t)
	s.t, c.t = t, t
	var docs []wire.Document
	for i, text := range list {
		metadata := mustJSON(t, map[string]any{"k": text, "list": []string{text}})
		docs = append(docs, wire.Document{ID: fmt.Sprintf("n%d", i), Title: text, URL: text, Text: "T" + text, Metadata: []byte(metadata)})
	}
	job := s.add(docs...)
	for i, text := range list {
		if storable := !strings.Contains(text, "\x00"); (job.Results[i].Status == "created") != storable {
			t.Errorf("%q: %+v", text, job.Results[i])
			continue
		} else if !storable {
			continue
		}
		got := s.read(fmt.Sprintf("n%d", i))
		var metadata struct {
			K    string   `json:"k"`
			List []string `json:"list"`
		}
		if err := json.Unmarshal(got.Metadata, &metadata); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if *got.Text != "T"+text || got.Title != text || got.URL != text || metadata.K != text || metadata.List[0] != text {
			t.Errorf("%q comes back as %q, %q, %q, %s", text, *got.Text, got.Title, got.URL, got.Metadata)
		}
	}
	for i, text := range list {
		if job.Results[i].Status == "created" {
			findByMetadata(t, s, fmt.Sprintf("n%d", i), text)
		}
	}
}

// findByMetadata finds a document among those that have the same string.
func findByMetadata(t *testing.T, s *server, id, text string) {
	t.Helper()
	for _, key := range []string{"k", "list"} {
		body := mustJSON(t, map[string]any{"query": "T" + text, "limit": 1000, "filter": map[string]any{key: text}})
		if found := as[wire.SearchAnswer](t, s.post("/search", body), 200); !slices.Contains(ids(found), id) {
			t.Errorf("%q is not found by %s: %v", text, key, ids(found))
		}
	}
}

// TestStringsAsText stores every odd string as the whole text, and finds it by the same words.
func TestStringsAsText(t *testing.T) {
	long(t)
	s := start(t)
	list := naughty(t)
	s.t = t
	for i, text := range list {
		blank := strings.TrimSpace(text) == ""
		got := s.post("/documents", mustJSON(t, wireDocument(fmt.Sprintf("n%d", i), text)))
		want := http.StatusOK
		if blank || strings.Contains(text, "\x00") {
			want = http.StatusUnprocessableEntity
		}
		if got.status != want {
			t.Errorf("%q: %d %s", text, got.status, got.body)
			continue
		}
		if want != http.StatusOK {
			continue
		}
		if back := *s.read(fmt.Sprintf("n%d", i)).Text; back != text {
			t.Errorf("%q comes back as %q", text, back)
		}
		// Strings that the model reads as the same tokens tie, so it need not be the first.
		found := as[wire.SearchAnswer](t, s.post("/search", mustJSON(t, map[string]any{"query": text, "limit": 1000, "explain": true})), 200)
		at := slices.Index(ids(found), fmt.Sprintf("n%d", i))
		if at < 0 || slices.Max(ownScores(found))-ownScores(found)[at] > 1e-4 {
			t.Errorf("%q is hit %d for itself", text, at)
		}
	}
}

// ownScores are those of the hits without what the best of them have added, which is not for all that tie.
func ownScores(found wire.SearchAnswer) []float32 {
	return lo.Map(found.Hits, func(h wire.Hit, _ int) float32 {
		if f := h.Explain.Feedback; f != nil {
			return h.Score - 0.4*max(0, f.Evidence)*max(0, f.Evidence)/2
		}
		return h.Score
	})
}

// TestStringsAsID names documents by every odd string, and reads, changes and deletes them by their path.
func TestStringsAsID(t *testing.T) {
	s := startWith(t, quick())
	c := check(t, s)
	list := naughty(t)
	s.t, c.t = t, t
	for _, id := range list {
		c.lenient = true // the document does not say which characters are controls
		got := s.post("/documents", mustJSON(t, map[string]any{"id": id, "text": "The document " + id + "."}))
		storable := id != "" && len(id) <= 512 && id != "." && id != ".." && !strings.ContainsFunc(id, unicode.IsControl)
		if (got.status == 200) != storable || got.status >= 500 || !storable && got.status != 422 {
			t.Errorf("%q: %d %s", id, got.status, got.body)
			continue
		}
		if !storable {
			continue
		}
		c.lenient = false
		if job := as[wire.JobAnswer](t, got, 200).Job; job.Results[0].ID != id {
			t.Errorf("%q is answered as %q", id, job.Results[0].ID)
		}
		byPath(t, s, id, escape(id))
		byPath(t, s, id, url.PathEscape(id))
		if got := s.do("DELETE", "/documents/"+url.PathEscape(id), "", ""); got.status != 200 {
			t.Errorf("delete %q: %d %s", id, got.status, got.body)
		}
		if got := s.get("/documents/" + escape(id)); got.status != 404 {
			t.Errorf("%q is still there: %d", id, got.status)
		}
	}
}

func byPath(t *testing.T, s *server, id, encoded string) {
	t.Helper()
	if got := as[wire.StoredDocument](t, s.get("/documents/"+encoded), 200); got.ID != id || *got.Text != "The document "+id+"." {
		t.Errorf("%q as %s reads %q", id, encoded, got.ID)
	}
	if got := as[wire.StoredDocument](t, s.do("PATCH", "/documents/"+encoded, jsonType, `{"title":"p"}`), 200); got.ID != id || got.Title != "p" {
		t.Errorf("%q as %s patches %+v", id, encoded, got)
	}
	if got := as[wire.StoredDocument](t, s.get("/collections/default/documents/"+encoded), 200); got.ID != id || got.Title != "p" {
		t.Errorf("%q as %s reads %+v in its collection", id, encoded, got)
	}
}

// TestSlashesInIDs reads, changes and deletes documents by paths whose slashes and dots are not encoded.
func TestSlashesInIDs(t *testing.T) {
	s := start(t)
	for _, id := range []string{"a/b", "a/b/c", "/lead", "a//b", "../x", "a/../b", "a/./b", ".hidden", "a/.hidden", "documents/a", "a/documents/b", "delete", "a/delete", "https://example.org/a"} {
		for _, prefix := range []string{"/documents/", "/collections/default/documents/"} {
			s.add(wireDocument(id, "The document "+id))
			if got := as[wire.StoredDocument](t, s.get(prefix+id), 200); got.ID != id {
				t.Errorf("GET %s%s reads %q", prefix, id, got.ID)
			}
			if got := as[wire.StoredDocument](t, s.do("PATCH", prefix+id, jsonType, `{"title":"t"}`), 200); got.ID != id {
				t.Errorf("PATCH %s%s changes %q", prefix, id, got.ID)
			}
			if got := s.do("DELETE", prefix+id, "", ""); got.status != 200 {
				t.Errorf("DELETE %s%s: %d %s", prefix, id, got.status, got.body)
			}
			if got := s.get("/documents/" + escape(id)); got.status != 404 {
				t.Errorf("%s is still there", id)
			}
		}
	}
}

// TestIDsAreNotMixedUp has ids that a careless path or database would take for each other.
func TestIDsAreNotMixedUp(t *testing.T) {
	s := start(t)
	list := []string{"a", "A", "a ", " a", "a/", "/a", "a%2Fb", "a/b", "a+b", "a b", "a%20b", "é", "e\u0301", "1", "01", "1.0", "ß", "ss", "ﬁ", "fi"}
	for _, id := range list {
		s.add(wireDocument(id, "This is "+id))
	}
	for _, id := range list {
		if text := *s.read(id).Text; text != "This is "+id {
			t.Errorf("%q reads %q", id, text)
		}
	}
	if list2 := as[wire.DocumentList](t, s.get("/documents"), 200); list2.Total != len(list) {
		t.Errorf("%d documents, want %d", list2.Total, len(list))
	}
}

// long skips a test that sends many or large bodies, one after the other, where tests are to be short.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("sends many or large bodies, one after the other")
	}
}

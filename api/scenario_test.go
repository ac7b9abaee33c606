package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"searchd/api/wire"
)

func wireDocument(id, text string) wire.Document { return wire.Document{ID: id, Text: text} }

// TestScenario walks through the whole API as a client would, with both sides held to openapi.yaml.
func TestScenario(t *testing.T) {
	long(t)
	s, c := startChecked(t)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *server)
	}{
		{"operations", operations},
		{"collections", collections},
		{"documents", documents},
		{"unprefixed is default", unprefixed},
		{"search", searching},
		{"patch", patching},
		{"paging", paging},
		{"jobs", jobs},
		{"delete", deleting},
		{"another model", anotherModel},
		{"model tasks", modelTasks},
		{"dialects", dialects},
	} {
		t.Run(step.name, func(t *testing.T) {
			s.t, c.t = t, t
			step.run(t, s)
		})
	}
	for path, item := range c.contract.doc.Paths.Map() {
		for method := range item.Operations() {
			if !c.seen[method+" "+path] {
				t.Errorf("%s %s was not tried", method, path)
			}
		}
	}
}

func operations(t *testing.T, s *server) {
	for _, path := range []string{"/healthz", "/readyz", "/openapi.yaml", "/metrics", "/models"} {
		if got := s.get(path); got.status != http.StatusOK || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET %s: %d %v", path, got.status, got.header)
		}
	}
	list := as[wire.ModelList](t, s.get("/models?task=sentence-similarity"), 200)
	if list.Total != len(list.Models) || !list.Models[0].Default || list.Models[0].ID != "sentence-transformers/all-MiniLM-L6-v2" || list.Models[0].Arithmetic == "" {
		t.Errorf("models: %+v", list)
	}
	if none := as[wire.ModelList](t, s.get("/models?task=juggling"), 200); none.Total != 0 || none.Models == nil {
		t.Errorf("models of another task: %+v", none)
	}
	copied := s.post("/backup", "")
	if copied.status != http.StatusOK || !bytes.HasPrefix(copied.body, []byte("SQLite format 3\x00")) || copied.header.Get("Content-Type") != "application/vnd.sqlite3" {
		t.Errorf("POST /backup: %d %v %.20q", copied.status, copied.header, copied.body)
	}
	checked := as[wire.CheckReport](t, s.post("/check", `{}`), 200)
	if checked.Found != 0 || checked.Faults == nil || checked.Quarantine == nil {
		t.Errorf("POST /check: %+v", checked)
	}
	if progress := as[wire.CheckProgress](t, s.get("/check"), 200); progress.Running {
		t.Errorf("GET /check after it: %+v", progress)
	}
	for path, kind := range map[string]string{"/": "text/html", "/docs": "text/html", "/assets/app.js": "text/javascript", "/assets/style.css": "text/css"} {
		got := s.get(path)
		if got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), kind) || !strings.Contains(got.header.Get("Content-Security-Policy"), "default-src 'self'") {
			t.Errorf("GET %s: %d %v", path, got.status, got.header)
		}
	}
}

// dialects tries each route of other people's clients once; what they answer is in dialects_test.go.
func dialects(t *testing.T, s *server) {
	const model = "/models/sentence-transformers/all-MiniLM-L6-v2"
	want := map[string]int{
		"/embed": 200, "/embed_all": 200, "/similarity": 400, "/predict": 424, "/rerank": 424, "/tokenize": 200, "/decode": 200,
		"/": 200, "/v1/embeddings": 200, "/v1/rerank": 404,
	}
	for _, prefix := range []string{"", "/hf-inference"} {
		want[prefix+model], want[prefix+model+"/pipeline/feature-extraction"] = 200, 200
		want[prefix+"/pipeline/summarization/sentence-transformers/all-MiniLM-L6-v2"] = 200
		want[prefix+model+"/v1/chat/completions"], want[prefix+model+"/v1/completions"] = 400, 400
	}
	body := `{"inputs":"a","input":"a","query":"a","texts":["b"],"documents":["b"],"ids":[1],"prompt":"a","messages":[{"role":"user","content":"a"}]}`
	for path, status := range want {
		request := body
		if path == "/similarity" {
			request = `{"inputs":{"source_sentence":"a","sentences":[]}}`
		}
		if got := s.post(path, request); got.status != status {
			t.Errorf("%s: %d %.200s, want %d", path, got.status, got.body, status)
		}
	}
	for _, path := range []string{"/info", "/health", "/v1/models/sentence-transformers%2Fall-MiniLM-L6-v2"} {
		if got := s.get(path); got.status != 200 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// modelTasks does with this process what it can; what needs a provider says so. The rest is in tasks_test.go.
func modelTasks(t *testing.T, s *server) {
	for path, want := range map[string]int{
		"/complete": 422, "/compare": 200, "/sentiment": 200, "/summarize": 200, "/translate": 422, "/embeddings": 200,
		"/v1/chat/completions": 400, "/v1/completions": 400,
	} {
		body := map[string]string{
			"/complete": `{"prompt":"a"}`, "/compare": `{"prompt":"a","models":["a","b"]}`, "/sentiment": `{"text":"I love it."}`,
			"/summarize": `{"text":"One. Two."}`, "/translate": `{"text":"a"}`, "/embeddings": `{"documents":[{"id":"1","content":"a"}]}`,
			"/v1/chat/completions": `{"messages":[{"role":"user","content":"a"}]}`, "/v1/completions": `{"prompt":"a"}`,
		}[path]
		if got := s.post(path, body); got.status != want {
			t.Errorf("%s: %d %s, want %d", path, got.status, got.body, want)
		}
	}
	s.add(wireDocument("fact", "Bread rises because yeast makes gas."))
	for _, path := range []string{"/answer", "/collections/default/answer"} {
		if got := s.post(path, `{"question":"why does bread rise"}`); got.status != 200 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := s.do("DELETE", "/documents/fact", "", ""); got.status != 200 {
		t.Errorf("delete: %d", got.status)
	}
	providers(t, s)
}

func providers(t *testing.T, s *server) {
	made := as[wire.Provider](t, s.post("/providers", `{"name":"Mine","provider_type":"tei","api_endpoint":"http://127.0.0.1:1"}`), 201)
	if made.ProviderID != "mine" {
		t.Errorf("made %+v", made)
	}
	for _, step := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/providers", "", 200}, {"GET", "/providers/mine", "", 200}, {"PATCH", "/providers/mine", `{"name":"My own"}`, 200},
		{"POST", "/providers/mine/test", "", 200}, {"DELETE", "/providers/mine", "", 200}, {"GET", "/providers/mine", "", 404},
		{"GET", "/usage", "", 200}, {"GET", "/usage?group_by=day", "", 200}, {"GET", "/requests?limit=2", "", 200}, {"GET", "/v1/models", "", 200},
	} {
		kind := ""
		if step.body != "" {
			kind = jsonType
		}
		if got := s.do(step.method, step.path, kind, step.body); got.status != step.want {
			t.Errorf("%s %s: %d %s, want %d", step.method, step.path, got.status, got.body, step.want)
		}
	}
}

func collections(t *testing.T, s *server) {
	made := as[wire.Collection](t, s.post("/collections", `{"name":"notes","model":"all-MiniLM-L6-v2","engine":"chromem","dimensions":384}`), 201)
	if made.Model != "sentence-transformers/all-MiniLM-L6-v2" || made.Dimensions != 384 || made.Engine != "chromem" || made.Revision == "" {
		t.Errorf("made %+v", made)
	}
	if got := s.post("/collections", `{"name":"notes"}`); got.status != http.StatusConflict {
		t.Errorf("made twice: %d %s", got.status, got.body)
	}
	changed := as[wire.Collection](t, s.do("PATCH", "/collections/notes", jsonType, `{"description":"my notes"}`), 200)
	if read := as[wire.Collection](t, s.get("/collections/notes"), 200); changed.Description != "my notes" || read.Description != "my notes" {
		t.Errorf("described %q, read %q", changed.Description, read.Description)
	}
	if list := as[wire.CollectionList](t, s.get("/collections?limit=10"), 200); list.Total != 1 || list.Collections[0].Name != "notes" {
		t.Errorf("list %+v", list)
	}
	if got := s.get("/collections/other"); got.status != http.StatusNotFound {
		t.Errorf("read one that is not there: %d", got.status)
	}
}

func documents(t *testing.T, s *server) {
	job := s.add(
		wire.Document{ID: "bread", Title: "Bread", URL: "https://example.org/b", Text: "Yeast lifts the dough.", Metadata: []byte(`{"lang":"en","year":2021}`)},
		wire.Document{ID: "tides", Text: "The moon pulls the sea."},
	)
	if job.Status != "done" || job.Total != 2 || job.Done != 2 || job.Results[0].Status != "created" || job.Results[0].Chunks != 1 || job.Results[0].Tokens == 0 {
		t.Errorf("job %+v", job)
	}
	got := s.read("bread")
	if *got.Text != "Yeast lifts the dough." || got.Title != "Bread" || got.URL != "https://example.org/b" || string(got.Metadata) != `{"lang":"en","year":2021}` || len(got.Chunks) != 1 {
		t.Errorf("read %+v", got)
	}
	again := s.add(wireDocument("tides", "The moon pulls the sea."), wire.Document{ID: "bread", Text: "Yeast makes bread rise."})
	if again.Results[0].Status != "unchanged" || again.Results[1].Status != "updated" {
		t.Errorf("sent again: %+v", again.Results)
	}
	one := as[wire.JobAnswer](t, s.post("/collections/notes/documents", `{"text":"A note without an id."}`), 200).Job
	if one.Results[0].ID == "" || one.Collection != "notes" {
		t.Errorf("id made: %+v", one)
	}
	if got := s.get("/collections/notes/documents/" + escape(one.Results[0].ID)); got.status != 200 {
		t.Errorf("read by the id that was made: %d", got.status)
	}
	for _, kind := range []string{"application/x-ndjson", "application/jsonl", "application/x-jsonlines"} {
		lines := as[wire.JobAnswer](t, s.do("POST", "/documents", kind, "{\"id\":\"n1\",\"text\":\"Bees make honey.\"}\n"), 200).Job
		if lines.Total != 1 {
			t.Errorf("%s: %+v", kind, lines)
		}
	}
}

func unprefixed(t *testing.T, s *server) {
	for _, path := range []string{"/documents/tides", "/documents", "/search?q=moon", "/documents?filter=%7B%7D"} {
		a, b := s.get(path), s.get("/collections/default"+path)
		if a.status != 200 || b.status != 200 || a.status == 200 && withoutTime(t, a.body) != withoutTime(t, b.body) {
			t.Errorf("GET %s: %d %s\nwith prefix: %d %s", path, a.status, a.body, b.status, b.body)
		}
	}
	if got := s.do("PATCH", "/collections/default/documents/tides", jsonType, `{"title":"Tides"}`); got.status != 200 || s.read("tides").Title != "Tides" {
		t.Errorf("patched with prefix: %d %s", got.status, got.body)
	}
	if got := s.post("/collections/default/search", `{"query":"moon"}`); got.status != 200 {
		t.Errorf("searched with prefix: %d %s", got.status, got.body)
	}
}

// withoutTime drops the one field that differs between two equal answers.
func withoutTime(t *testing.T, body []byte) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "took_ms")
	b, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func searching(t *testing.T, s *server) {
	found := as[wire.SearchAnswer](t, s.post("/search", `{"query":"baking a loaf","limit":2}`), 200)
	if len(found.Hits) != 2 || found.Hits[0].DocumentID != "bread" || found.Total != 3 || found.Mode != "hybrid" || found.TotalRelation != "exact" {
		t.Errorf("found %+v", found)
	}
	for _, mode := range []string{"hybrid", "semantic"} {
		if got := as[wire.SearchAnswer](t, s.get("/search?q=ocean&mode="+mode), 200); got.Mode != mode || got.Hits[0].DocumentID != "tides" {
			t.Errorf("mode %s: %+v", mode, got)
		}
	}
	words := as[wire.SearchAnswer](t, s.post("/search", `{"query":"\"make bread\"","mode":"lexical","explain":true,"facets":["lang"]}`), 200)
	if words.Mode != "lexical" || words.Total != 1 || words.Hits[0].DocumentID != "bread" || words.Hits[0].Explain.Lexical.Evidence <= 0 || words.Hits[0].Explain.Semantic != nil {
		t.Errorf("mode lexical: %+v", words)
	}
	vector := make([]float32, 384)
	vector[7] = 1
	s.add(wire.Document{ID: "mine", Text: "Placed by hand.", Vector: vector})
	got := as[wire.SearchAnswer](t, s.post("/search", mustJSON(t, wire.SearchRequest{Vector: vector})), 200)
	if got.Hits[0].DocumentID != "mine" || got.Hits[0].Score < 0.999 || got.Hits[0].Chunk.End != len("Placed by hand.") {
		t.Errorf("by vector: %+v", got.Hits[0])
	}
	chunks := as[wire.SearchAnswer](t, s.post("/search", `{"query":"bread","group_by":"chunk","highlight":true,"exact":true,"like":[],"unlike":[],"facets":[],"cursor":null,"diversity":0,"rerank":false,"explain":false,"vector":null,"filter":null}`), 200)
	if chunks.Total != 4 {
		t.Errorf("by chunk: %+v", chunks)
	}
	reading(t, s)
	if got := as[wire.SearchAnswer](t, s.get("/collections/notes/search?q=note&min_relevance=1"), 200); got.Hits == nil {
		t.Error("no hits is null, not []")
	}
	as[wire.SearchAnswer](t, s.post("/collections/notes/search", `{"query":"note"}`), 200)
	for _, path := range []string{"/map?q=bread", "/collections/notes/map?sample=1&by=lang"} {
		as[wire.Map](t, s.get(path), 200)
	}
	for _, path := range []string{"/fields", "/collections/notes/fields?limit=2"} {
		as[wire.FieldList](t, s.get(path), 200)
	}
	for _, path := range []string{"/recall", "/collections/notes/recall?sample=2"} {
		if r := as[wire.Recall](t, s.get(path), 200); r.Recall != 1 {
			t.Errorf("%s of few documents: %+v", path, r)
		}
	}
	if long := as[wire.SearchAnswer](t, s.post("/search", `{"query":"`+strings.Repeat("word ", 400)+`"}`), 200); !long.QueryTruncated {
		t.Error("a long query is not said to be cut")
	}
}

// reading tries what helps to read an answer.
func reading(t *testing.T, s *server) {
	const text = "Bread rises because yeast makes gas. "
	s.add(
		wire.Document{ID: "r1", Text: strings.Repeat(text, 80), Metadata: []byte(`{"kind":["x","y"],"n":1}`)},
		wire.Document{ID: "r2", Text: text, Metadata: []byte(`{"kind":"x","n":2.5,"when":"2024-05-01T01:00:00+01:00"}`)},
		wire.Document{ID: "r3", Text: text, Metadata: []byte(`{"kind":"x","ok":true}`)},
	)
	got := as[wire.SearchAnswer](t, s.post("/search",
		`{"query":"why does bread rise","filter":{"kind":{"$exists":true}},"facets":["kind","n","when","ok","none"],"neighbours":1,"explain":true,"group_by":"chunk"}`), 200)
	want := map[string]wire.Counts{
		"kind": {{Value: "x", Documents: 3}, {Value: "y", Documents: 1}}, "n": {{Value: "1", Documents: 1}, {Value: "2.5", Documents: 1}},
		"when": {{Value: "2024-05-01T00:00:00Z", Documents: 1}}, "ok": {{Value: "true", Documents: 1}}, "none": {},
	}
	if d := cmp.Diff(want, got.Facets); d != "" || got.TimingsMS["semantic"] <= 0 || got.TimingsMS["fusion"] <= 0 {
		t.Errorf("timings %v, facets (-want +got):\n%s", got.TimingsMS, d)
	}
	neighbours := 0
	for i, h := range got.Hits {
		if h.Explain == nil || h.Explain.Place != i+1 || h.Explain.Semantic.Score >= h.Score || h.Explain.Lexical.Score <= 0 {
			t.Errorf("hit %d: %+v", i, h.Explain)
		}
		for _, n := range []*wire.Span{h.Before, h.After} {
			if n != nil {
				neighbours++
				if n.Text != strings.Repeat(text, 80)[n.Start:n.End] {
					t.Errorf("neighbour %+v", n)
				}
			}
		}
	}
	if neighbours < 2 {
		t.Errorf("%d neighbours", neighbours)
	}
	marked := as[wire.SearchAnswer](t, s.get("/search?q=why+does+bread+rise&filter=%7B%22n%22:2.5%7D&highlight=true"), 200)
	if sentence := strings.TrimSpace(text); len(marked.Hits) != 1 || !slices.Equal(marked.Hits[0].Highlights, []wire.Span{{Start: 0, End: len(sentence), Text: sentence}}) {
		t.Errorf("highlights: %+v", marked.Hits)
	}
	sections := []wire.Section{{Heading: "Bread", Level: 1}, {Start: 5, Page: 3}, {Start: 9, Heading: "Yeast", Level: 2}}
	s.add(wire.Document{ID: "r4", Text: text, Sections: sections, Metadata: []byte(`{"kind":"z"}`)})
	placed := as[wire.SearchAnswer](t, s.post("/search", `{"query":"why does bread rise","filter":{"kind":"z"}}`), 200)
	if d := cmp.Diff(&wire.Location{Page: 3, Headings: []string{"Bread", "Yeast"}}, placed.Hits[0].Location); d != "" || !slices.Equal(s.read("r4").Sections, sections) {
		t.Errorf("location (-want +got):\n%s", d)
	}
	one := as[wire.SearchAnswer](t, s.post("/search", `{"query":"why does bread rise","filter":{"n":{"$exists":false}},"collapse_duplicates":true,"diversity":0.5}`), 200)
	if len(one.Hits) == 0 || one.Total != len(one.Hits) {
		t.Errorf("collapsed: %+v", one)
	}
	alike := as[wire.SearchAnswer](t, s.post("/search", `{"like":["r2"],"unlike":["tides"],"limit":2}`), 200)
	if ids(alike)[0] != "r3" && ids(alike)[0] != "r1" {
		t.Errorf("like r2 is %v", ids(alike))
	}
	byQuery := as[wire.SearchAnswer](t, s.get("/search?q=bread&facets=kind,n&explain=1"), 200)
	if byQuery.Facets["kind"][0] != (wire.Count{Value: "x", Documents: 3}) || byQuery.Hits[0].Explain == nil {
		t.Errorf("GET: %+v", byQuery)
	}
	for _, id := range []string{"r1", "r2", "r3", "r4"} {
		s.do("DELETE", "/documents/"+id, "", "")
	}
}

func patching(t *testing.T, s *server) {
	before := s.read("tides")
	s.do("PATCH", "/documents/tides", jsonType, `{"title":"Ebb and flow","url":"u","metadata":{"lang":"de","when":"2024-05-01T00:00:00Z"}}`)
	after := s.read("tides")
	if after.Title != "Ebb and flow" || after.URL != "u" || string(after.Metadata) != `{"lang":"de","when":"2024-05-01T00:00:00Z"}` {
		t.Errorf("patched %+v", after)
	}
	if d := cmp.Diff(before.Chunks, after.Chunks); d != "" || before.Tokens != after.Tokens || *before.Text != *after.Text {
		t.Errorf("the content changed: %s", d)
	}
	for filter, want := range map[string]string{`{"lang":"de"}`: "tides", `{"when":{"$gt":"2024-04-30T23:00:00-01:00"}}`: "", `{"when":{"$gte":"2024-04-30T23:00:00-01:00"}}`: "tides"} {
		found := as[wire.SearchAnswer](t, s.get("/search?q=bread&filter="+escape(filter)), 200)
		if got := strings.Join(ids(found), " "); got != want || found.Total != len(found.Hits) {
			t.Errorf("filter %s finds %q of %d, want %q", filter, got, found.Total, want)
		}
		if list := as[wire.DocumentList](t, s.get("/documents?filter="+escape(filter)), 200); len(list.Documents) != len(found.Hits) || list.Total != found.Total {
			t.Errorf("filter %s lists %+v", filter, list)
		}
	}
	if got := s.do("PATCH", "/documents/tides", jsonType, `{"metadata":null}`); got.status != 422 && string(s.read("tides").Metadata) != `{}` {
		t.Errorf("metadata null: %d %s, then %s", got.status, got.body, s.read("tides").Metadata)
	}
	id := as[wire.DocumentList](t, s.get("/collections/notes/documents"), 200).Documents[0].ID
	if got := s.do("PATCH", "/collections/notes/documents/"+escape(id), jsonType, `{"title":"T"}`); got.status != 200 {
		t.Errorf("patch with prefix: %d %s", got.status, got.body)
	}
}

func ids(a wire.SearchAnswer) []string {
	list := make([]string, len(a.Hits))
	for i, h := range a.Hits {
		list[i] = h.DocumentID
	}
	return list
}

func paging(t *testing.T, s *server) {
	whole := ids(as[wire.SearchAnswer](t, s.get("/search?q=sea&limit=100"), 200))
	var parts []string
	for offset := 0; offset < len(whole)+2; offset += 2 {
		parts = append(parts, ids(as[wire.SearchAnswer](t, s.get(fmt.Sprintf("/search?q=sea&limit=2&offset=%d", offset)), 200))...)
	}
	if d := cmp.Diff(whole, parts); d != "" {
		t.Errorf("pages of a search: %s", d)
	}
	var listed []string
	for cursor := ""; ; {
		list := as[wire.DocumentList](t, s.get("/documents?limit=1&cursor="+cursor), 200)
		for _, doc := range list.Documents {
			listed = append(listed, doc.ID)
		}
		if list.NextCursor == nil {
			break
		}
		cursor = *list.NextCursor
	}
	if d := cmp.Diff([]string{"bread", "mine", "n1", "tides"}, listed); d != "" {
		t.Errorf("pages of a list: %s", d)
	}
	first := as[wire.JobList](t, s.get("/jobs?limit=2"), 200)
	next := as[wire.JobList](t, s.get("/jobs?limit=2&cursor="+*first.NextCursor), 200)
	if first.Jobs[1].ID == next.Jobs[0].ID || first.Jobs[1].CreatedAt.Before(next.Jobs[0].CreatedAt) {
		t.Errorf("jobs are not newest first: %+v %+v", first.Jobs, next.Jobs)
	}
	names := as[wire.CollectionList](t, s.get("/collections?limit=1"), 200)
	if rest := as[wire.CollectionList](t, s.get("/collections?limit=1&cursor="+*names.NextCursor), 200); names.Collections[0].Name != "default" || rest.Collections[0].Name != "notes" {
		t.Errorf("collections: %+v %+v", names, rest)
	}
}

func jobs(t *testing.T, s *server) {
	var body strings.Builder
	for i := range 300 {
		fmt.Fprintf(&body, "{\"id\":\"job-%d\",\"text\":\"%s\"}\n", i, strings.Repeat(fmt.Sprintf("Sentence %d of many. ", i), 30))
	}
	started := time.Now()
	job := as[wire.JobAnswer](t, s.do("POST", "/documents?wait=0", "application/x-ndjson", body.String()), 202).Job
	if job.Total != 300 || len(job.Results) != 300 || time.Since(started) > 5*time.Second {
		t.Errorf("not waited for: %d of %d results after %v", len(job.Results), job.Total, time.Since(started))
	}
	cancelled := as[wire.JobAnswer](t, s.do("DELETE", "/jobs/"+job.ID, "", ""), 200).Job
	if cancelled.Status != "cancelled" || cancelled.FinishedAt == nil || cancelled.Failed+cancelled.Done != 300 {
		t.Errorf("cancelled: %s, %d done, %d failed", cancelled.Status, cancelled.Done, cancelled.Failed)
	}
	if last := cancelled.Results[299]; last.Status != "failed" || last.Error == nil || last.Error.Code != "conflict" {
		t.Errorf("what was waiting: %+v", last)
	}
	second := as[wire.JobAnswer](t, s.post("/documents?wait=0", `{"id":"watched","text":"Watched from the first to the last."}`), 202).Job
	if second.Status == "done" && second.Done == 0 {
		t.Errorf("%+v", second)
	}
	stream := s.get("/jobs/" + second.ID + "?watch=1")
	events := strings.Split(strings.TrimSpace(string(stream.body)), "\n\n")
	data, ok := strings.CutPrefix(events[len(events)-1], "event: job\ndata: ")
	var last wire.Job
	if err := json.Unmarshal([]byte(data), &last); err != nil || !ok || last.Status != "done" || last.ID != second.ID || last.Done != 1 {
		t.Errorf("the stream ends with %q (%v)", events[len(events)-1], err)
	}
	if kind := stream.header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("stream is %q", kind)
	}
	if read := as[wire.JobAnswer](t, s.get("/jobs/"+second.ID), 200).Job; read.Results[0].ID != "watched" || read.Results[0].Status != "created" {
		t.Errorf("read %+v", read)
	}
	if again := as[wire.JobAnswer](t, s.do("DELETE", "/jobs/"+second.ID, "", ""), 200).Job; again.Status != "done" {
		t.Errorf("a finished job was cancelled: %+v", again)
	}
}

// anotherModel is refused where there is one model alone; how it goes where there are two is in reembed_test.go.
func anotherModel(t *testing.T, s *server) {
	for _, path := range []string{"", "/collections/default"} {
		if e := as[wire.ErrorAnswer](t, s.post(path+"/reembed", `{"model":"all-MiniLM-L6-v2"}`), 422).Error; e.Param != "model" {
			t.Errorf("its own model: %+v", e)
		}
		as[wire.ErrorAnswer](t, s.do("DELETE", path+"/previous", "", ""), 404)
	}
	done := as[wire.JobAnswer](t, s.post("/documents", `{"text":"A document that is taken in."}`), 200).Job
	if e := as[wire.ErrorAnswer](t, s.post("/jobs/"+done.ID+"/retry", ""), 422).Error; e.Param != "id" {
		t.Errorf("nothing has failed: %+v", e)
	}
}

func deleting(t *testing.T, s *server) {
	deleted := func(a answer) int { t.Helper(); return as[wire.Deleted](t, a, 200).Deleted }
	s.add(wire.Document{ID: "x1", Text: "One.", Metadata: []byte(`{"kind":"x"}`)}, wire.Document{ID: "x2", Text: "Two.", Metadata: []byte(`{"kind":"x"}`)}, wireDocument("x3", "Three."))
	if n := deleted(s.post("/documents/delete", `{"filter":{"kind":"x"}}`)); n != 2 {
		t.Errorf("by filter: %d", n)
	}
	if n := deleted(s.post("/documents/delete", `{"ids":["x3","not there"]}`)); n != 1 {
		t.Errorf("by ids: %d", n)
	}
	if n := deleted(s.post("/collections/default/documents/delete", `{"ids":[]}`)); n != 0 {
		t.Errorf("by no ids: %d", n)
	}
	if n := deleted(s.do("DELETE", "/documents/bread", "", "")); n != 1 {
		t.Errorf("one: %d", n)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if got := s.do(method, "/documents/bread", "", ""); got.status != 404 {
			t.Errorf("%s after deleting: %d", method, got.status)
		}
	}
	if n := deleted(s.do("DELETE", "/collections/default/documents/tides", "", "")); n != 1 {
		t.Errorf("with prefix: %d", n)
	}
	for _, id := range ids(as[wire.SearchAnswer](t, s.get("/search?q=bread&limit=1000"), 200)) {
		if id == "bread" || id == "tides" || id[0] == 'x' {
			t.Errorf("%s is still found", id)
		}
	}
	id := as[wire.DocumentList](t, s.get("/collections/notes/documents"), 200).Documents[0].ID
	if n := deleted(s.do("DELETE", "/collections/notes/documents/"+escape(id), "", "")); n != 1 {
		t.Errorf("with prefix: %d", n)
	}
	if n := deleted(s.do("DELETE", "/collections/notes", "", "")); n != 0 {
		t.Errorf("an empty collection had %d", n)
	}
	if got := s.do("DELETE", "/collections/notes", "", ""); got.status != 404 {
		t.Errorf("deleted twice: %d", got.status)
	}
}

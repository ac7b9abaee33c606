package api_test

import (
	"net/http"
	"strings"
	"testing"

	"searchd/api/wire"
)

// TestNullIsNothingOnlyInPlaceOfAField refuses it as a body and as an element of a list, where it was an empty string or a
// nought.
func TestNullIsNothingOnlyInPlaceOfAField(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	s.add(wireDocument("bread", "Yeast lifts the dough."))
	s.provide("hf", "huggingface", "https://example.org", "", "")
	for _, c := range []struct {
		method, path, body string
		status             int
		in                 string // the answer
	}{
		{http.MethodPost, "/check", `null`, 422, `is null; it must be an object`},
		{http.MethodPatch, "/providers/hf", " null\n", 422, `is null; it must be an object`},
		{http.MethodPost, "/embed", `null`, 422, `is null; it must be an object`},
		{http.MethodPost, "/documents", `{"text":"A text.","vector":[0.5,null]}`, 422, `"param":"vector[1]"`},
		{http.MethodPost, "/documents", `{"text":"A text.","sections":[{"start":0},null]}`, 422, `"param":"sections[1]"`},
		{http.MethodPost, "/documents/delete", `{"ids":["bread",null]}`, 422, `"param":"ids[1]"`},
		{http.MethodPost, "/search", `{"vector":[1,null]}`, 422, `"param":"vector[1]"`},
		{http.MethodPost, "/search", `{"query":"dough","facets":[null]}`, 422, `"param":"facets[0]"`},
		{http.MethodPost, "/rerank", `{"query":"dough","texts":["dough",null]}`, 422, `texts[1]: is null`},
		{http.MethodPost, "/decode", `{"ids":[[1,null]]}`, 422, `ids[0][1]: is null`},
		{http.MethodPost, "/similarity", `{"inputs":{"source_sentence":"dough","sentences":[null]}}`, 422, `inputs.sentences[0]: is null`},
		{http.MethodPost, "/v1/completions", `{"prompt":"dough","stop":[null]}`, 400, `stop`},
	} {
		got := s.do(c.method, c.path, jsonType, c.body)
		if got.status != c.status || !strings.Contains(string(got.body), c.in) {
			t.Errorf("%s %s with %s: %d %s; want %d with %s", c.method, c.path, c.body, got.status, got.body, c.status, c.in)
		}
	}
	if got := s.post("/search", `{"query":"dough","vector":null,"facets":null,"filter":{"tags":null}}`); got.status != http.StatusOK {
		t.Errorf("null in place of fields: %d %s", got.status, got.body)
	}
}

// TestAMistakeIsOneWhereNothingLooksAtIt refuses what would have no effect, as the same is refused elsewhere.
func TestAMistakeIsOneWhereNothingLooksAtIt(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	for _, c := range []struct{ path, body, in string }{
		{"/embed_all", `{"inputs":"dough","encoding_format":"AAA"}`, "encoding_format"},
		{"/", `{"inputs":"dough","parameters":{"top_k":1},"truncation_direction":"AAA"}`, "truncation_direction"},
	} {
		if got := s.post(c.path, c.body); got.status != http.StatusUnprocessableEntity || !strings.Contains(string(got.body), c.in) {
			t.Errorf("POST %s with %s: %d %s", c.path, c.body, got.status, got.body)
		}
	}
	for _, path := range []string{"/usage?from=", "/usage?to=", "/usage?group_by=", "/jobs?limit=", "/recall?sample=", "/search?q=dough&min_relevance=", "/search?q=dough&explain=", "/search?q=dough&mode=", "/search?q=dough&group_by="} {
		if got := s.get(path); got.status != http.StatusUnprocessableEntity {
			t.Errorf("GET %s: %d %s", path, got.status, got.body)
		}
	}
	r := s.request(http.MethodPost, "/documents?dry_run=true", jsonType, strings.NewReader(`{"text":"A text."}`))
	r.Header.Set("Idempotency-Key", strings.Repeat("k", 256))
	if got := s.send(r); got.status != http.StatusUnprocessableEntity {
		t.Errorf("a key that is too long, with dry_run: %d %s", got.status, got.body)
	}
}

// TestAnEmptyWordIsNoChoice refuses an empty string where one of a few words belongs; null is as if it were left out.
func TestAnEmptyWordIsNoChoice(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	for _, c := range []struct{ path, body, field string }{
		{"/search", `{"query":"dough","mode":""}`, "mode"},
		{"/search", `{"query":"dough","group_by":""}`, "group_by"},
		{"/answer", `{"question":"What rises?","mode":""}`, "mode"},
		{"/collections", `{"name":"notes","engine":""}`, "engine"},
		{"/complete", `{"prompt":"dough","task_type":""}`, "task_type"},
		{"/complete", `{"prompt":"dough","quality":""}`, "quality"},
		{"/complete", `{"prompt":"dough","style":""}`, "style"},
		{"/compare", `{"prompt":"dough","models":["a/b"],"task_type":""}`, "task_type"},
		{"/sentiment", `{"text":"dough","style":""}`, "style"},
		{"/summarize", `{"text":"dough","style":""}`, "style"},
	} {
		if e := as[wire.ErrorAnswer](t, s.post(c.path, c.body), 422).Error; e.Param != c.field || !strings.HasPrefix(e.Message, "is empty") {
			t.Errorf("POST %s with %s: %+v", c.path, c.body, e)
		}
	}
	if got := s.post("/search", `{"query":"dough","mode":null,"group_by":null}`); got.status != http.StatusOK {
		t.Errorf("null in place of a choice: %d %s", got.status, got.body)
	}
	if e := as[wire.ErrorAnswer](t, s.post("/search", `{"query":"dough","mode":1}`), 422).Error; e.Param != "mode" || e.Message != "is a number; it must be a string" {
		t.Errorf("a number in place of a choice: %+v", e)
	}
}

// TestAMethodThatHTTPDoesNotName is answered as any other that a path does not take, in our words.
func TestAMethodThatHTTPDoesNotName(t *testing.T) {
	s := startWith(t, quick())
	for path, want := range map[string]int{"/documents": http.StatusMethodNotAllowed, "/nowhere": http.StatusNotFound} {
		for _, method := range []string{"QUERY", "get"} {
			got := s.do(method, path, "", "")
			if got.status != want || !strings.Contains(string(got.body), `"request_id":"req_`) || !strings.Contains(string(got.body), " "+method) {
				t.Errorf("%s %s: %d %s", method, path, got.status, got.body)
			}
			if allow := got.header.Get("Allow"); (allow == "GET, HEAD, POST") != (want == http.StatusMethodNotAllowed) {
				t.Errorf("%s %s: Allow is %q", method, path, allow)
			}
		}
	}
}

package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"searchd/api/wire"
	"searchd/hf/hftest"
)

// sent is one server-sent event.
type sent struct {
	name string
	data string
}

// events reads a stream that was answered whole.
func events(t *testing.T, a answer) []sent {
	t.Helper()
	if kind := a.header.Get("Content-Type"); a.status != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("no stream but %d, %q: %s", a.status, kind, a.body)
	}
	var list []sent
	for text := range strings.SplitSeq(strings.TrimSuffix(string(a.body), "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(text, "\ndata: ")
		if !ok || !strings.HasPrefix(name, "event: ") {
			t.Fatalf("%q is no event", text)
		}
		list = append(list, sent{strings.TrimPrefix(name, "event: "), data})
	}
	return list
}

func inEvent[T any](t *testing.T, e sent) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(e.data), &v); err != nil {
		t.Fatalf("event %s: %v in %s", e.name, err, e.data)
	}
	return v
}

// bakery has three documents, of which the first is of two passages.
func bakery(t *testing.T) *server {
	s := start(t)
	check(t, s)
	for id, text := range map[string]string{
		"bread": article,
		"yeast": "Yeast is sold dry or fresh. Fresh yeast lifts the dough faster than dry yeast.",
		"tides": "The moon pulls the sea, and so the water rises on the side that faces it.",
	} {
		s.add(wire.Document{ID: id, Text: text, Metadata: []byte(`{"wet":` + map[bool]string{true: "true", false: "false"}[id == "tides"] + `}`)})
	}
	return s
}

func TestAnswerTakesTheSearchFields(t *testing.T) {
	s := bakery(t)
	ask := func(fields string) wire.Answer {
		t.Helper()
		return as[wire.Answer](t, s.post("/answer", `{"question":"What does yeast do to the dough?"`+fields+`}`), http.StatusOK)
	}
	all := ask("")
	if len(all.Hits) < 3 || all.Answer == "" || all.Usage.CompletionCharacters != len([]rune(all.Answer)) || all.ExecutionTimeMS == 0 {
		t.Fatalf("%+v", all)
	}
	if got := ask(`,"filter":{"wet":true}`); len(got.Hits) != 1 || got.Hits[0].DocumentID != "tides" {
		t.Errorf("filter: %+v", got.Hits)
	}
	if got := ask(`,"limit":1,"offset":1`); len(got.Hits) != 1 || got.Hits[0].DocumentID != all.Hits[1].DocumentID || got.Hits[0].Chunk.Index != all.Hits[1].Chunk.Index {
		t.Errorf("offset: %+v", got.Hits)
	}
	if got := ask(`,"group_by":"document","mode":"semantic","exact":true,"highlight":false`); len(got.Hits) != 3 {
		t.Errorf("by document: %d hits", len(got.Hits))
	}
	least := all.Hits[0].Relevance
	if got := ask(`,"min_relevance":` + mustJSON(t, least)); len(got.Hits) != 1 || got.Hits[0].Relevance < least {
		t.Errorf("min_relevance %v: %+v", least, got.Hits)
	}
	none := ask(`,"min_relevance":1`)
	if len(none.Hits) != 0 || none.Answer != "" || none.Provider != "local" {
		t.Errorf("no question is its own answer: %+v", none)
	}
	same := as[wire.SearchAnswer](t, s.post("/search", `{"query":"The moon pulls the sea, and so the water rises on the side that faces it.","min_relevance":1}`), http.StatusOK)
	if same.Total != 1 || same.Hits[0].DocumentID != "tides" || same.Hits[0].Relevance != 1 {
		t.Errorf("a text itself: %+v", same.Hits)
	}
	for _, b := range []bad{
		{name: "a query", body: `{"question":"a","query":"b"}`, param: "query"},
		{name: "a vector", body: `{"question":"a","vector":[1]}`, param: "vector"},
		{name: "a mode", body: `{"question":"a","mode":"fuzzy"}`, param: "mode"},
		{name: "offset", body: `{"question":"a","offset":-1}`, param: "offset"},
		{name: "relevance", body: `{"question":"a","min_relevance":2}`, param: "min_relevance"},
		{name: "group", body: `{"question":"a","group_by":"page"}`, param: "group_by"},
		{name: "rerank without a cross-encoder", body: `{"question":"a","rerank":true}`, param: "rerank"},
		{name: "streamed, no question", body: `{"question":" ","stream":true}`, param: "question"},
		{name: "streamed, timeout", body: `{"question":"a","timeout_ms":0,"stream":true}`, param: "timeout_ms"},
	} {
		b.path, b.status = "/answer", http.StatusUnprocessableEntity
		b.try(t, s)
	}
}

// TestAnswerStream compares the streamed answer with the one that comes at once, extracted and written.
func TestAnswerStream(t *testing.T) {
	s := bakery(t)
	router := hftest.NewServer(t, hftest.ServerOptions{})
	s.provide("hf", "huggingface", router.URL, testKey, hftest.ChatModel)
	for _, provider := range []string{"local", "hf"} {
		for _, prefix := range []string{"", "/collections/default"} {
			body := `{"provider":"` + provider + `","question":"What does yeast do to the dough?","limit":2`
			whole := as[wire.Answer](t, s.post(prefix+"/answer", body+`}`), http.StatusOK)
			got := events(t, s.post(prefix+"/answer", body+`,"stream":true}`))
			first := inEvent[map[string][]wire.Hit](t, got[0])["hits"]
			if got[0].name != "hits" || mustJSON(t, first) != mustJSON(t, whole.Hits) || len(first) != 2 {
				t.Errorf("%s: it begins with %+v", provider, got[0])
			}
			var text strings.Builder
			for _, e := range got[1 : len(got)-1] {
				if e.name != "delta" {
					t.Errorf("%s: event %q among the pieces", provider, e.name)
				}
				text.WriteString(inEvent[map[string]string](t, e)["text"])
			}
			last := got[len(got)-1]
			done := inEvent[wire.Answer](t, last)
			if last.name != "done" || done.Answer != whole.Answer || strings.TrimSpace(text.String()) != whole.Answer || whole.Answer == "" {
				t.Errorf("%s: %q in pieces, %q at the end, %q at once", provider, text.String(), done.Answer, whole.Answer)
			}
			if mustJSON(t, done.Citations) != mustJSON(t, whole.Citations) || len(done.Citations) == 0 || done.Provider != provider || done.Usage.CompletionCharacters == 0 {
				t.Errorf("%s: %s; at once it cites %+v", provider, last.data, whole.Citations)
			}
		}
	}
	if n := len(logged(t, s, 8)); n != 8 {
		t.Errorf("the log has %d requests, want 8", n)
	}
	nothing := events(t, s.post("/answer", `{"question":"What does yeast do?","filter":{"wet":"no"},"stream":true}`))
	if len(nothing) != 2 || nothing[0].data != `{"hits":[]}` || inEvent[wire.Answer](t, nothing[1]).Answer != "" {
		t.Errorf("nothing found: %+v", nothing)
	}
}

// TestAnswerStreamFails is about what comes of failures before the passages are found, after that, and among the pieces.
func TestAnswerStreamFails(t *testing.T) {
	s := bakery(t)
	router := hftest.NewServer(t, hftest.ServerOptions{})
	s.provide("hf", "huggingface", router.URL, testKey, hftest.ChatModel)
	s.provide("vague", "huggingface", router.URL, testKey, "")
	for body, param := range map[string]string{`"provider":"nobody"`: "provider", `"provider":"vague"`: "model"} {
		got := s.post("/answer", `{"question":"What does yeast do?","stream":true,`+body+`}`)
		var e wire.ErrorAnswer
		if err := json.Unmarshal(got.body, &e); err != nil || got.status == http.StatusOK || e.Error.Param != param {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	for _, trouble := range []hftest.Trouble{hftest.NoCredits(), hftest.HalfStream(2, true)} {
		router.Next(1, trouble)
		got := events(t, s.post("/answer", `{"question":"What does yeast do?","provider":"hf","stream":true}`))
		last := got[len(got)-1]
		if e := inEvent[wire.ErrorAnswer](t, last).Error; got[0].name != "hits" || last.name != "error" || e.Type != "provider_error" || e.RequestID == "" || len(e.Attempts) != 1 {
			t.Errorf("%+v", got)
		}
	}
}

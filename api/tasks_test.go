package api_test

import (
	"math"
	"strings"
	"testing"

	"searchd/api/wire"
	"searchd/hf/gateway"
	"searchd/hf/hftest"
)

// article is long enough to be shortened.
const article = `Bread is made of flour, water, salt and yeast. Yeast is a living thing: it eats the sugar in the flour and gives off gas.
The gas is caught in the dough, which stretches and rises. A baker kneads the dough so that it becomes elastic and holds the gas.
The dough then rests in a warm place until it has doubled. My neighbour bought a red bicycle last week. In the oven the gas
expands once more, the water turns into steam and the starch sets. When the crust is brown and the loaf sounds hollow, the bread is done.
It should cool on a rack, because steam inside would make the crust soft.`

func TestLocalSentiment(t *testing.T) {
	s := start(t)
	check(t, s)
	plain := map[string]string{
		"What a wonderful loaf, I love it!":                   "positive",
		"This is the best bakery in town, truly excellent.":   "positive",
		"The crust was burnt and it tasted awful.":            "negative",
		"I hate this terrible bread; it made me sick.":        "negative",
		"The shop opens at nine.":                             "neutral",
		"It is not good, and the service was not nice at all": "negative",
	}
	var texts []string
	for text, want := range plain {
		texts = append(texts, text)
		got := as[wire.OneSentiment](t, s.post("/sentiment", mustJSON(t, map[string]any{"text": text})), 200)
		if got.Sentiment.Sentiment != want || got.Confidence != got.Scores[want] || got.Provider != "local" || got.Attempts != 1 || len(got.RawResponse) != 3 {
			t.Errorf("%q: %+v, want %s", text, got, want)
		}
		if sum := got.Scores["positive"] + got.Scores["negative"] + got.Scores["neutral"]; math.Abs(sum-1) > 1e-9 {
			t.Errorf("%q: scores add up to %v", text, sum)
		}
	}
	list := as[wire.Sentiments](t, s.post("/sentiment", mustJSON(t, map[string]any{"texts": texts})), 200)
	for i, text := range texts {
		if got := list.Results[i].Sentiment; got != plain[text] {
			t.Errorf("%q among others: %s, want %s", text, got, plain[text])
		}
	}
}

func TestLocalSummary(t *testing.T) {
	s := start(t)
	check(t, s)
	words := len(strings.Fields(article))
	for _, most := range []int{25, 50, 80} {
		got := as[wire.Summary](t, s.post("/summarize", mustJSON(t, map[string]any{"text": article, "max_length": most})), 200)
		n := len(strings.Fields(got.Summary))
		if got.OriginalLength != words || got.SummaryLength != n || n == 0 || n > most {
			t.Errorf("at most %d words: %d of %d, and it says %d of %d", most, n, words, got.SummaryLength, got.OriginalLength)
		}
		if want := math.Round(100*float64(n)/float64(words)) / 100; got.CompressionRatio != want {
			t.Errorf("ratio %v, want %v", got.CompressionRatio, want)
		}
		if strings.Contains(got.Summary, "bicycle") {
			t.Errorf("what is off the subject is in the summary: %s", got.Summary)
		}
	}
	short := as[wire.Summary](t, s.post("/summarize", `{"text":"Yeast lifts the dough."}`), 200)
	if short.Summary != "Yeast lifts the dough." || short.CompressionRatio != 1 {
		t.Errorf("a short text: %+v", short)
	}
}

func TestLocalEmbeddings(t *testing.T) {
	s := start(t)
	check(t, s)
	got := as[wire.Embeddings](t, s.post("/embeddings", `{"documents":[{"id":"a","content":"Yeast lifts the dough."},{"id":"b","content":" "},{"id":"c","content":"Baking bread needs yeast."},{"id":"d","content":"The moon pulls the sea."}]}`), 200)
	if got.ProcessedDocuments != 4 || got.SuccessfulEmbeddings != 3 || got.EmbeddingDimensions != 384 || got.EmbeddingModel != "sentence-transformers/all-MiniLM-L6-v2" || got.Usage.PromptTokens == 0 {
		t.Errorf("%+v", got.Done)
	}
	bad := got.Results[1]
	if bad.Status != "failed" || bad.Error == nil || bad.Error.Param != "documents[1].content" || bad.DocumentID != "b" {
		t.Errorf("the empty one: %+v", bad)
	}
	cosine := func(i, j int) (sum float64) {
		for k, x := range got.Results[i].Embedding {
			sum += float64(x) * float64(got.Results[j].Embedding[k])
		}
		return sum
	}
	if near, far := cosine(0, 2), cosine(0, 3); near < far+0.2 || math.Abs(cosine(0, 0)-1) > 1e-3 {
		t.Errorf("yeast is %.2f from baking and %.2f from the moon", near, far)
	}
	// They are what documents are embedded with: the text's own vector finds it with a score of 1.
	s.add(wireDocument("a", "Yeast lifts the dough."))
	found := as[wire.SearchAnswer](t, s.post("/search", mustJSON(t, wire.SearchRequest{Vector: got.Results[0].Embedding})), 200)
	if found.Hits[0].Score < 0.9999 {
		t.Errorf("score %v", found.Hits[0].Score)
	}
}

func TestLocalAnswer(t *testing.T) {
	s := start(t)
	check(t, s)
	texts := map[string]string{
		"bread": article,
		"tides": "The tides come twice a day – everybody at the coast knows it. The moon pulls the sea, and so the water rises on the side that faces it. Sailors keep a table of the hours.",
	}
	for id, text := range texts {
		s.add(wireDocument(id, text))
		s.post("/collections", `{"name":"other"}`)
		s.post("/collections/other/documents", mustJSON(t, wireDocument(id, text)))
	}
	for _, prefix := range []string{"", "/collections/other"} {
		for question, want := range map[string][2]string{
			"What does the moon do to the sea?":          {"tides", "The moon pulls the sea"},
			"Why should bread cool on a rack?":           {"bread", "cool on a rack"},
			"What does yeast eat, and what is given off": {"bread", "eats the sugar"},
		} {
			got := as[wire.Answer](t, s.post(prefix+"/answer", mustJSON(t, map[string]any{"question": question})), 200)
			if !strings.Contains(got.Answer, want[1]) || len(got.Citations) == 0 || len(got.Hits) == 0 || got.Provider != "local" {
				t.Errorf("%q: %q, %+v", question, got.Answer, got.Citations)
				continue
			}
			var cited strings.Builder
			for _, c := range got.Citations {
				cited.WriteString(texts[c.DocumentID][c.Start:c.End] + " ")
			}
			// The answer is the cited bytes, but for the white space.
			if words := strings.Join(strings.Fields(cited.String()), " "); words != got.Answer {
				t.Errorf("%q: the answer is %q, and the citations %q", question, got.Answer, words)
			}
			if !strings.Contains(cited.String(), want[1]) {
				t.Errorf("%q cites %q", question, cited.String())
			}
		}
		none := as[wire.Answer](t, s.post(prefix+"/answer", `{"question":"What is the capital of Mongolia?"}`), 200)
		if none.Answer != "" || none.Citations == nil || len(none.Citations) != 0 {
			t.Errorf("what no document says: %q %+v", none.Answer, none.Citations)
		}
	}
}

// TestWhatNeedsAProvider is what this process does not do: it says so in one sentence, and what to configure.
func TestWhatNeedsAProvider(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	for body, path := range map[string]string{
		`{"prompt":"Why does bread rise?"}`:               "/complete",
		`{"prompt":"Why does bread rise?","stream":true}`: "/complete",
		`{"text":"The bread is fresh."}`:                  "/translate",
	} {
		e := as[wire.ErrorAnswer](t, s.post(path, body), 422).Error
		if e.Param != "provider" || e.Code != "invalid" || !strings.Contains(e.Message, "searchd provider add") || strings.Contains(e.Message, ". ") {
			t.Errorf("%s: %+v", path, e)
		}
	}
	compared := as[wire.Comparison](t, s.post("/compare", `{"prompt":"Why?","models":["a","b"]}`), 200)
	if r := compared.ModelResults["a"]; compared.SuccessfulResponses != 0 || r.Error == nil || r.Error.Param != "provider" {
		t.Errorf("compared: %+v", compared)
	}
}

func TestBadTasks(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	long := `"` + strings.Repeat("word ", 210<<10) + `"`
	for _, b := range []bad{
		{name: "empty prompt", path: "/complete", body: `{"prompt":""}`, status: 422, param: "prompt"},
		{name: "blank prompt", path: "/complete", body: `{"prompt":" \n"}`, status: 422, param: "prompt"},
		{name: "prompt over 1 MiB", path: "/complete", body: `{"prompt":` + long + `}`, status: 422, param: "prompt"},
		{name: "prompt of 10 MB", path: "/complete", body: `{"prompt":"` + strings.Repeat("a", 10<<20) + `"}`, status: 422, param: "prompt"},
		{name: "temperature 7", path: "/complete", body: `{"prompt":"a","temperature":7}`, status: 422, param: "temperature"},
		{name: "temperature 7 streamed", path: "/complete", body: `{"prompt":"a","temperature":7,"stream":true}`, status: 422, param: "temperature"},
		{name: "top_p 2", path: "/complete", body: `{"prompt":"a","top_p":2}`, status: 422, param: "top_p"},
		{name: "max_tokens 0", path: "/complete", body: `{"prompt":"a","max_tokens":0}`, status: 422, param: "max_tokens"},
		{name: "two lengths", path: "/complete", body: `{"prompt":"a","max_tokens":1,"max_new_tokens":2}`, status: 422, param: "max_new_tokens"},
		{name: "unknown parameter of a task", path: "/complete", body: `{"prompt":"a","tempreature":1}`, status: 422, param: "tempreature"},
		{name: "unknown task type", path: "/complete", body: `{"prompt":"a","task_type":"poetry"}`, status: 422, param: "task_type"},
		{name: "unknown quality", path: "/complete", body: `{"prompt":"a","quality":"best"}`, status: 422, param: "quality"},
		{name: "unknown provider", path: "/complete", body: `{"prompt":"a","provider":"nobody"}`, status: 404, typ: "not_found_error", param: "provider"},
		{name: "timeout 0", path: "/complete", body: `{"prompt":"a","timeout_ms":0}`, status: 422, param: "timeout_ms"},
		{name: "timeout too long", path: "/complete", body: `{"prompt":"a","timeout_ms":600001}`, status: 422, param: "timeout_ms"},
		{name: "six fallbacks", path: "/complete", body: `{"prompt":"a","fallback_models":["a","b","c","d","e","f"]}`, status: 422, param: "fallback_models"},
		{name: "empty fallback", path: "/sentiment", body: `{"text":"a","fallback_models":[""]}`, status: 422, param: "fallback_models[0]"},
		{name: "six fallback providers", path: "/complete", body: `{"prompt":"a","fallback_providers":["a","b","c","d","e","f"]}`, status: 422, param: "fallback_providers"},
		{name: "unknown fallback provider", path: "/sentiment", body: `{"text":"a","fallback_providers":["local","nobody"]}`, status: 404, typ: "not_found_error", param: "fallback_providers[1]"},
		{name: "empty fallback provider", path: "/sentiment", body: `{"text":"a","fallback_providers":[""]}`, status: 422, param: "fallback_providers[0]"},
		{name: "fallback provider that cannot", path: "/complete", body: `{"prompt":"a","fallback_providers":["local"]}`, status: 422, param: "fallback_providers[0]"},
		{name: "unknown style of code", path: "/complete", body: `{"prompt":"a","task_type":"code","style":"poetry"}`, status: 422, param: "style"},
		{name: "unknown style of a sentiment", path: "/sentiment", body: `{"text":"a","style":"news"}`, status: 422, param: "style"},
		{name: "unknown style of a summary", path: "/summarize", body: `{"text":"a","style":"social"}`, status: 422, param: "style"},
		{name: "compare with a fallback", path: "/compare", body: `{"prompt":"a","models":["a"],"fallback_models":["b"]}`, status: 422, param: "fallback_models"},
		{name: "compare with a model beside the models", path: "/compare", body: `{"prompt":"a","models":["a"],"model":"b"}`, status: 422, param: "model"},
		{name: "unknown field of a sentiment", path: "/sentiment", body: `{"text":"a","mood":1}`, status: 422, param: "mood"},
		{name: "unknown field of a summary", path: "/summarize", body: `{"text":"a","words":1}`, status: 422, param: "words"},
		{name: "unknown field of a translation", path: "/translate", body: `{"text":"a","to":"fr"}`, status: 422, param: "to"},
		{name: "unknown field of embeddings", path: "/embeddings", body: `{"documents":[{"id":"a","content":"a","title":"b"}]}`, status: 422, param: "documents[0].title"},
		{name: "text of 10 MB", path: "/summarize", body: `{"text":"` + strings.Repeat("a", 10<<20) + `"}`, status: 422, param: "text"},
		{name: "compare nothing", path: "/compare", body: `{"prompt":"a","models":[]}`, status: 422, param: "models"},
		{name: "compare eleven", path: "/compare", body: `{"prompt":"a","models":["a","b","c","d","e","f","g","h","i","j","k"]}`, status: 422, param: "models"},
		{name: "compare an empty model", path: "/compare", body: `{"prompt":"a","models":["a",""]}`, status: 422, param: "models[1]"},
		{name: "compare with an empty prompt", path: "/compare", body: `{"prompt":"","models":["a"]}`, status: 422, param: "prompt"},
		{name: "compare with temperature 7", path: "/compare", body: `{"prompt":"a","models":["a"],"temperature":7}`, status: 422, param: "temperature"},
		{name: "compare at an unknown provider", path: "/compare", body: `{"prompt":"a","models":["a"],"provider":"nobody"}`, status: 404, typ: "not_found_error", param: "provider"},
		{name: "sentiment of nothing", path: "/sentiment", body: `{}`, status: 422, param: "text"},
		{name: "sentiment of both", path: "/sentiment", body: `{"text":"a","texts":["b"]}`, status: 422, param: "text"},
		{name: "sentiment of an empty text", path: "/sentiment", body: `{"text":""}`, status: 422, param: "text"},
		{name: "sentiment of no texts", path: "/sentiment", body: `{"texts":[]}`, status: 422, param: "texts"},
		{name: "sentiment of an empty one", path: "/sentiment", body: `{"texts":["a"," "]}`, status: 422, param: "texts[1]"},
		{name: "sentiment by a model that is not here", path: "/sentiment", body: `{"text":"a","model":"some/model"}`, status: 404, typ: "not_found_error", param: "model"},
		{name: "summary of nothing", path: "/summarize", body: `{"text":""}`, status: 422, param: "text"},
		{name: "summary of 0 words", path: "/summarize", body: `{"text":"a","max_length":0}`, status: 422, param: "max_length"},
		{name: "summary of 5,001 words", path: "/summarize", body: `{"text":"a","max_length":5001}`, status: 422, param: "max_length"},
		{name: "min over max", path: "/summarize", body: `{"text":"a","max_length":5,"min_length":6}`, status: 422, param: "min_length"},
		{name: "translate nothing", path: "/translate", body: `{"text":""}`, status: 422, param: "text"},
		{name: "embed nothing", path: "/embeddings", body: `{"documents":[]}`, status: 422, param: "documents"},
		{name: "embed only empty texts", path: "/embeddings", body: `{"documents":[{"id":"a","content":""}]}`, status: 422, param: "documents"},
		{name: "embed text of another kind", path: "/embeddings", body: `{"documents":[{"id":"a","content":1}]}`, status: 422, param: "documents[0].content"},
		{name: "no question", path: "/answer", body: `{"question":""}`, status: 422, param: "question"},
		{name: "question, bad limit", path: "/answer", body: `{"question":"a","limit":0}`, status: 422, param: "limit"},
		{name: "question, bad filter", path: "/answer", body: `{"question":"a","filter":{"$gt":1}}`, status: 422, param: "filter.$gt"},
		{name: "question in an unknown collection", path: "/collections/nothing/answer", body: `{"question":"a"}`, status: 404, typ: "not_found_error", param: "collection"},
		{name: "task without content type", path: "/sentiment", kind: "-", body: `{"text":"a"}`, status: 415},
		{name: "usage, bad time", method: "GET", path: "/usage?from=yesterday", status: 422, param: "from"},
		{name: "usage by mood", method: "GET", path: "/usage?group_by=mood", status: 422, param: "group_by"},
		{name: "usage, unknown parameter", method: "GET", path: "/usage?since=1", status: 422, param: "since"},
		{name: "requests, bad limit", method: "GET", path: "/requests?limit=0", status: 422, param: "limit"},
		{name: "requests, bad cursor", method: "GET", path: "/requests?cursor=YWJj", status: 422, param: "cursor"},
	} {
		t.Run(b.name, func(t *testing.T) {
			s.t = t
			b.try(t, s)
		})
	}
	s.t = t
}

// TestFallbackProviders keeps fallbacks with a provider, and sees them used, replaced and shown.
func TestFallbackProviders(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	first := hftest.NewServer(t, hftest.ServerOptions{Dialect: hftest.OpenAI, Key: testKey})
	second := hftest.NewServer(t, hftest.ServerOptions{Dialect: hftest.TGI, Key: testKey})
	s.provide("second", "tgi", second.URL, testKey, "")
	key := testKey
	made := as[wire.Provider](t, s.post("/providers", mustJSON(t, wire.NewProvider{
		ProviderID: "first", Name: "first", ProviderType: "openai", APIEndpoint: first.URL,
		Configuration: wire.ProviderConfig{APIKey: &key, DefaultModel: hftest.ChatModel, FallbackProviders: []string{"second", "local"}},
	})), 201)
	if list := made.Configuration.FallbackProviders; len(list) != 2 || list[0] != "second" {
		t.Errorf("kept %q", list)
	}
	first.Next(3, hftest.Broken(500))
	got := as[wire.Completion](t, s.post("/complete", `{"provider":"first","prompt":"Hello"}`), 200)
	if got.Provider != "second" || got.Attempts != 4 || got.Text != "You said: Hello" || *got.ConfigUsed.Temperature != 0.8 {
		t.Errorf("%+v", got)
	}
	first.Next(3, hftest.Broken(500))
	e := as[wire.ErrorAnswer](t, s.post("/complete", `{"provider":"first","prompt":"Hello","fallback_providers":[],"use_cache":false}`), 502).Error
	if len(e.Attempts) != 3 || e.UpstreamStatus != 500 {
		t.Errorf("%+v", e)
	}
	first.Next(3, hftest.Broken(500))
	second.Next(3, hftest.Broken(500))
	summary := as[wire.Summary](t, s.post("/summarize", mustJSON(t, map[string]any{"provider": "first", "text": article, "max_length": 30})), 200)
	if summary.Provider != "local" || summary.Attempts != 7 || summary.SummaryLength > 30 {
		t.Errorf("%+v", summary)
	}
	e = as[wire.ErrorAnswer](t, s.do("PATCH", "/providers/first", jsonType, `{"configuration":{"fallback_providers":["nobody"]}}`), 422).Error
	if e.Param != "configuration.fallback_providers[0]" {
		t.Errorf("%+v", e)
	}
}

// TestWhatIsServed is what the catalogue says of hosted Hugging Face, in the list of models and in an error.
func TestWhatIsServed(t *testing.T) {
	s := startWired(t, hftest.Set{quick()}, wiring{tier: gateway.Tiers()[2]})
	check(t, s)
	listed := map[string]wire.Model{}
	for _, m := range as[wire.ModelList](t, s.get("/models"), 200).Models {
		listed[m.ID] = m
	}
	if m := listed["facebook/bart-large-cnn"]; m.Hosted != "hosted Hugging Face serves it" || m.Price != 0.6 {
		t.Errorf("%+v", m)
	}
	const generator = "microsoft/DialoGPT-medium"
	if m := listed[generator]; !strings.Contains(m.Hosted, "does not serve it: it runs on your own text-generation-inference") || m.Price != 0 {
		t.Errorf("%+v", m)
	}
	s.provide("hf", "huggingface", hftest.NewServer(t, hftest.ServerOptions{Key: testKey}).URL, testKey, "")
	for _, stream := range []string{"false", "true"} {
		e := as[wire.ErrorAnswer](t, s.post("/complete", `{"provider":"hf","prompt":"Hello","stream":`+stream+`}`), 404).Error
		if e.Param != "model" || e.Fault != "not_served" || !strings.Contains(e.Message, "does not serve "+generator) || !strings.Contains(e.Message, "chat model") {
			t.Errorf("%+v", e)
		}
	}
	compared := as[wire.Comparison](t, s.post("/compare", `{"provider":"hf","prompt":"Hello","models":["`+generator+`","`+hftest.ChatModel+`"]}`), 200)
	if r := compared.ModelResults[generator]; compared.SuccessfulResponses != 1 || r.Error == nil || r.Error.Param != "model" || compared.Attempts != 2 || compared.Provider != "hf" {
		t.Errorf("%+v", compared)
	}
	if r := compared.ModelResults[hftest.ChatModel]; r.Attempts != 1 || r.Usage.PromptCharacters != 5 || r.EstimatedCost == 0 || compared.EstimatedCostUSD != r.EstimatedCost {
		t.Errorf("%+v of %+v", r, compared.Done)
	}
}

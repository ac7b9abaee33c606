package api_test

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"searchd/api"
	"searchd/api/wire"
	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/models"
)

// TestBadDialects sends what cannot be answered: each dialect says so in its own shape, and names the field.
func TestBadDialects(t *testing.T) {
	s := startWired(t, zoo(oneModel()), wiring{})
	check(t, s)
	many := `["` + strings.Repeat(`x","`, 9_999) + `x"]`
	inputs := func(v string) string { return `{"inputs":` + v + `}` }
	for _, test := range []struct {
		path, body string
		status     int
		says       string
	}{
		{"/embed", inputs(`""`), 400, "inputs: cannot be empty"},
		{"/embed", inputs(`[]`), 400, "inputs: cannot be empty"},
		{"/embed", inputs(`["a",""]`), 400, "inputs[1]: cannot be empty"},
		{"/embed", inputs(`[[]]`), 400, "inputs[0]: cannot be empty"},
		{"/embed", inputs(many), 422, "more than 2048"},
		{"/embed", inputs(`5`), 422, "inputs: must be a string or a list of strings"},
		{"/embed", inputs(`["a",5]`), 422, "inputs[1]: must be a string"},
		{"/embed", inputs(`["a",[5]]`), 422, "inputs[1]: must be a string"},
		{"/embed", inputs(`[[5],"a"]`), 422, "inputs[1]"},
		{"/embed", inputs(`[5,"a"]`), 422, "inputs[1]: is a string; it must be a number"},
		{"/embed", inputs(`[5]`), 422, "token ids"},
		{"/embed", inputs(`[1e99]`), 422, "inputs[0]"},
		{"/embed", inputs(`[{}]`), 422, "inputs[0]: must be a string"},
		{"/embed", `{}`, 422, "inputs: is missing"},
		{"/embed", `{"inputs":"a"`, 400, "not JSON"},
		{"/embed", `{"inputs":"a","dimensions":3}`, 422, "dimensions: is 3"},
		{"/embed", `{"inputs":"a","prompt_name":"poem"}`, 422, "prompt_name"},
		{"/embed", `{"inputs":"a","truncation_direction":"up"}`, 422, "truncation_direction"},
		{"/embed", `{"inputs":"a","prompt_name":""}`, 422, "prompt_name: is empty; leave it out"},
		{"/embed", `{"inputs":"a","truncation_direction":""}`, 422, "truncation_direction: is empty"},
		{"/embed", `{"inputs":"a","encoding_format":""}`, 422, "encoding_format: is empty"},
		{"/similarity", `{"inputs":{"source_sentence":"a","sentences":["b"]},"parameters":{"prompt_name":""}}`, 422, "parameters.prompt_name: is empty"},
		{"/v1/embeddings", `{"input":"a","encoding_format":""}`, 400, "encoding_format: is empty"},
		{"/embed", `{"inputs":"a","truncate":"yes"}`, 422, "truncate: is a string; it must be a boolean"},
		{"/embed_all", inputs(`"a"`), 424, "embed_all"},
		{"/similarity", `{"inputs":{"source_sentence":"a","sentences":[]}}`, 400, "inputs.sentences: cannot be empty"},
		{"/similarity", `{"inputs":{"source_sentence":"","sentences":["a"]}}`, 400, "inputs.source_sentence"},
		{"/similarity", `{"inputs":"a"}`, 422, "inputs: is a string; it must be an object"},
		{"/predict", inputs(`["a","b"]`), 422, "a list of two strings is a pair"},
		{"/predict", inputs(`[["a","b"]]`), 422, "inputs[0]"},
		{"/predict", inputs(`[[""]]`), 400, "inputs[0]"},
		{"/predict", `{"inputs":"a","raw_scores":true}`, 422, "raw_scores"},
		{"/rerank", `{"query":"","texts":["a"]}`, 400, "query"},
		{"/rerank", `{"query":"a","texts":[]}`, 400, "texts"},
		{"/rerank", `{"query":"a","texts":` + many + `}`, 422, "texts: has 10000"},
		{"/tokenize", `{"inputs":"a","add_special_tokens":true}`, 422, "add_special_tokens"},
		{"/tokenize", inputs(`"` + strings.Repeat("a ", 1<<19) + `b"`), 422, "at most 1048576"},
		{"/decode", `{"ids":[1]}`, 424, "does not decode"},
		{"/decode", `{"ids":"one"}`, 422, "ids: must be a list"},
		{"/", `{"inputs":"a","parameters":{}}`, 422, "which task"},
		{"/", `{"inputs":"a","parameters":{"candidate_labels":["b"]}}`, 422, "zero-shot-classification"},
		{"/", `{"inputs":"a","parameters":5}`, 422, "parameters"},
		{"/", `{"inputs":"a","stream":true}`, 422, "provider"},
		{hubPath, inputs(`[]`), 400, "inputs"},
		{hubPath, inputs(`7`), 400, "inputs"},
		{hubPath, `{"inputs":"a","encoding_format":"base64"}`, 400, "encoding_format"},
		{hubPath, `[1]`, 400, "must be an object"},
		{hubPath + "/pipeline/text-to-image", inputs(`"a"`), 400, "text-to-image"},
		{hubPath + "/pipeline/text-classification", inputs(`"a"`), 404, "there is no classifier"},
		{"/models/no/body/pipeline/feature-extraction", inputs(`"a"`), 404, "no/body"},
		{"/models/no/body", inputs(`"a"`), 404, "/pipeline/TASK"},
		{"/models/test/shouting", `{"inputs":"a","parameters":{"top_k":0}}`, 400, "parameters.top_k"},
		{"/models/test/shouting", `{"inputs":"a","parameters":{"function_to_apply":"none"}}`, 400, "function_to_apply"},
		{"/models/test/shouting", `{"inputs":"a","parameters":{"function_to_apply":""}}`, 400, "function_to_apply: is empty"},
		{"/models/test/shouting", `{"inputs":"a","parameters":{"function_to_apply":"relu"}}`, 400, "softmax, sigmoid or none"},
		{"/models/test/hash/pipeline/summarization", inputs(`" "`), 400, "inputs: is empty"},
		{"/models/test/hash/pipeline/summarization", `{"inputs":"a","parameters":{"max_length":0}}`, 400, "max_length"},
		{"/models/test/hash/pipeline/translation", inputs(`"a"`), 400, "provider"},
		{"/models/test/hash/pipeline/text-generation", inputs(`["a","b"]`), 400, "inputs: has 2 prompts"},
		{"/models/test/hash/v1/chat/completions", `{"messages":[]}`, 400, "messages"},
		{"/v1/embeddings", `{"input":""}`, 400, "cannot be empty"},
		{"/v1/embeddings", `{"input":[]}`, 400, "cannot be empty"},
		{"/v1/embeddings", `{"input":` + many + `}`, 400, "more than 2048"},
		{"/v1/embeddings", `{"input":[[9906,1917]]}`, 400, "check_embedding_ctx_length=False"},
		{"/v1/embeddings", `{"input":"a","encoding_format":"int8"}`, 400, "encoding_format"},
		{"/v1/embeddings", `{"input":"a","dimensions":256}`, 400, "dimensions"},
		{"/v1/embeddings", `{"input":"a","model":"text-embedding-3-large"}`, 404, "model_not_found"},
		{"/v1/rerank", `{"query":"a","documents":[]}`, 400, "documents"},
		{"/v1/rerank", `{"query":"a","documents":["a",5]}`, 400, "documents[1]"},
		{"/v1/rerank", `{"query":"a","documents":["a"],"top_n":0}`, 400, "top_n"},
		{"/v1/rerank", `{"query":"a","documents":["a"],"model":"rerank-9"}`, 404, "rerank-9"},
	} {
		got := s.post(test.path, test.body)
		if got.status != test.status || !strings.Contains(string(got.body), test.says) {
			t.Errorf("POST %s %.80s: %d %s, want %d and %q", test.path, test.body, got.status, got.body, test.status, test.says)
		}
		checkShape(t, test.path, got)
	}
}

// checkShape holds an error to its dialect's shape.
func checkShape(t *testing.T, path string, got answer) {
	t.Helper()
	var e struct {
		Error     any
		ErrorType string `json:"error_type"`
		Message   string
		Detail    string
	}
	if err := json.Unmarshal(got.body, &e); err != nil {
		t.Fatalf("%s: %v in %s", path, err, got.body)
	}
	_, flat := e.Error.(string)
	hub := strings.HasPrefix(path, "/models/") || strings.HasPrefix(path, "/hf-inference/")
	ok := flat && e.ErrorType != ""
	switch {
	case hub:
		ok = flat && e.ErrorType == ""
	case path == "/v1/rerank":
		ok = !flat && e.Error != nil && e.Message != "" && e.Detail == e.Message
	case strings.HasPrefix(path, "/v1/"):
		ok = !flat && e.Error != nil
	}
	if !ok {
		t.Errorf("%s: not this dialect's error: %s", path, got.body)
	}
}

// broken is a model whose vectors are not of numbers.
type broken struct{ hf.Model }

func (b broken) Embed(ctx context.Context, role hf.Role, texts []string) ([]hf.Embedding, error) {
	list, err := b.Model.Embed(ctx, role, texts)
	for i := range list {
		list[i].Vector[0] = float32(math.NaN())
	}
	return list, err
}

func TestBrokenModel(t *testing.T) {
	m := hftest.NewModel(hftest.Options{})
	s := startWith(t, broken{m})
	check(t, s)
	for path, status := range map[string]int{"/embed": 424, "/v1/embeddings": 500, hubPath: 500} {
		got := s.post(path, `{"input":"a","inputs":"a"}`)
		if got.status != status || !strings.Contains(string(got.body), "not of numbers") {
			t.Errorf("%s: %d %s, want %d", path, got.status, got.body, status)
		}
	}
	// What may be there later is never 503: one client would repeat it at once and for ever.
	m.Fail(models.Errorf(models.Unavailable, "", "the model is being opened"))
	for _, path := range []string{"/embed", "/v1/embeddings", hubPath, "/"} {
		if got := s.post(path, `{"input":"a","inputs":"a"}`); got.status != 429 {
			t.Errorf("%s: %d %s, want 429", path, got.status, got.body)
		}
	}
}

// TestWrongKind asks a server that has a model for embeddings alone for what it does not do.
func TestWrongKind(t *testing.T) {
	s := startWith(t, oneModel())
	check(t, s)
	for path, body := range map[string]string{"/predict": `{"inputs":"a"}`, "/rerank": `{"query":"a","texts":["b"]}`} {
		if e := as[wire.TEIError](t, s.post(path, body), 424); e.ErrorType != "Backend" {
			t.Errorf("%s: %+v", path, e)
		}
	}
	if got := s.post("/v1/rerank", `{"query":"a","documents":["b"]}`); got.status != 404 || !strings.Contains(string(got.body), "model_not_found") {
		t.Errorf("rerank: %d %s", got.status, got.body)
	}
}

// FuzzInput finds no input that panics or comes through with an empty text, too many or none at all.
func FuzzInput(f *testing.F) {
	for _, seed := range []string{`"a"`, `""`, `[]`, `["a","b"]`, `[1,2]`, `[[1],[2]]`, `[["a"]]`, `[1,"a"]`, `["a",1]`, `{}`, `null`, `[ ]`, `["\ud800"]`, `[1e400]`, `[[[1]]]`, `[`, `[1,`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		texts, ids, err := api.ParseInput(raw)
		if err != nil {
			if code := models.CodeOf(err); code != models.Invalid && code != models.Malformed {
				t.Fatalf("%s: %v is %s", raw, err, code)
			}
			return
		}
		if n := len(texts) + len(ids); n == 0 || n > 2048 || len(texts) > 0 && len(ids) > 0 {
			t.Fatalf("%s: %d texts and %d lists of ids", raw, len(texts), len(ids))
		}
		for _, text := range texts {
			if text == "" {
				t.Fatalf("%s: an empty text", raw)
			}
		}
		for _, list := range ids {
			if len(list) == 0 {
				t.Fatalf("%s: an empty list of ids", raw)
			}
		}
	})
}

package api_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"searchd/api"
	"searchd/api/wire"
	"searchd/hf"
	"searchd/hf/hftest"
)

// decoding is a model whose tokenizer knows some words by their ids.
type decoding struct {
	hf.Model
	words map[int32]string
}

func (d decoding) Decode(ids []int32, _ bool) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = d.words[id]
	}
	return strings.Join(words, " ")
}

// zoo has a model of each kind.
func zoo(m hf.Model) hf.Models {
	return hftest.Zoo{Set: hftest.Set{m}, Classifiers: []hf.Classifier{hftest.Shouting{}}, Rerankers: []hf.Reranker{hftest.Overlap{}}}
}

const hubPath = "/hf-inference/models/test/hash"

// oneModel has limits that are easily reached: 8 tokens, 6 of them the text's.
func oneModel() hf.Model { return hftest.NewModel(hftest.Options{Dimensions: 4, MaxTokens: 8}) }

// vectorsOf embeds texts without any server.
func vectorsOf(t *testing.T, m hf.Model, role hf.Role, texts ...string) [][]float32 {
	t.Helper()
	list, err := m.Embed(t.Context(), role, texts)
	if err != nil {
		t.Fatal(err)
	}
	rows := make([][]float32, len(list))
	for i, e := range list {
		rows[i] = e.Vector
	}
	return rows
}

// TestDialectsEmbedAlike asks for the same vectors in all the ways that clients do.
func TestDialectsEmbedAlike(t *testing.T) {
	m := oneModel()
	s := startWith(t, m)
	check(t, s)
	want := vectorsOf(t, m, hf.Document, "one text", "another")
	both := `{"inputs":["one text","another"]}`
	for _, path := range []string{"/embed", "/", hubPath, hubPath + "/pipeline/feature-extraction", "/models/test/hash", "/pipeline/feature-extraction/test/hash",
		"/models/test/hash/pipeline/sentence-similarity", "/embed/", "/models/test/hash/"} {
		if got := as[[][]float32](t, s.post(path, both), 200); !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	one := `{"inputs":"one text","parameters":null,"options":{"wait_for_model":true},"truncate":null}`
	for path, want := range map[string]any{"/embed": want[:1], "/": want[:1], hubPath: want[0], "/pipeline/feature-extraction/test/hash": want[0]} {
		if got := string(s.post(path, one).body); got != mustJSON(t, want) {
			t.Errorf("%s of one text: %s, want %v", path, got, want)
		}
	}
	for _, model := range []string{"", "dummy", "tei", "text-embedding-ada-002", "test/hash", s.url} {
		got := as[wire.EmbeddingList](t, s.post("/v1/embeddings", mustJSON(t, map[string]any{"model": model, "input": []string{"one text", "another"}, "user": "ignored"})), 200)
		packed := as[wire.EmbeddingList](t, s.post("/v1/embeddings", mustJSON(t, map[string]any{"model": model, "input": []string{"one text", "another"}, "encoding_format": "base64"})), 200)
		for i := range want {
			if mustJSON(t, got.Data[i].Embedding) != mustJSON(t, want[i]) || got.Data[i].Index != i {
				t.Errorf("model %q: %v, want %v", model, got.Data[i], want[i])
			}
			if v := unpack(t, packed.Data[i].Embedding); !slices.Equal(v, want[i]) {
				t.Errorf("model %q: base64 of %v, want %v", model, v, want[i])
			}
		}
		if got.Model != "test/hash" || got.Usage.PromptTokens != 7 || got.Usage.TotalTokens != 7 {
			t.Errorf("model %q: %s, %+v", model, got.Model, got.Usage)
		}
	}
}

func unpack(t *testing.T, v any) []float32 {
	t.Helper()
	text, _ := v.(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	floats := make([]float32, len(raw)/4)
	for i := range floats {
		floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return floats
}

// TestLongInput is over the limit of six tokens: it is refused, cut at its end or at its beginning, and the answer tells.
func TestLongInput(t *testing.T) {
	m := oneModel()
	s := startWith(t, m)
	check(t, s)
	const long = "a b c d e f g h"
	want := vectorsOf(t, m, hf.Document, "a b c d e f", "c d e f g h")
	for body, v := range map[string][]float32{
		`{"inputs":["` + long + `"]}`:                                   want[0],
		`{"inputs":["` + long + `"],"truncate":true}`:                   want[0],
		`{"inputs":["` + long + `"],"truncation_direction":"Left"}`:     want[1],
		`{"inputs":["` + long + `"],"parameters":{"truncate":true}}`:    want[0],
		`{"inputs":["` + long + `","x"],"truncation_direction":"left"}`: want[1],
	} {
		answer := s.post("/models/test/hash", body)
		if got := as[[][]float32](t, answer, 200); !slices.Equal(got[0], v) || answer.header.Get("X-Truncated-Inputs") != "1" {
			t.Errorf("%s: %v, want %v; cut: %s", body, got, v, answer.header.Get("X-Truncated-Inputs"))
		}
	}
	refused := as[wire.TEIError](t, s.post("/embed", `{"inputs":["x","`+long+`"],"truncate":false}`), 422)
	if refused.ErrorType != "Validation" || !strings.Contains(refused.Error, "inputs[1]: must have at most 8 tokens. Given: 8") {
		t.Errorf("refused: %+v", refused)
	}
	list := as[wire.EmbeddingList](t, s.post("/v1/embeddings", `{"input":["x","`+long+`"]}`), 200)
	if list.Data[0].Truncated || !list.Data[1].Truncated {
		t.Errorf("OpenAI: %+v", list.Data)
	}
}

func TestSimilarity(t *testing.T) {
	s := start(t)
	check(t, s)
	body := `{"inputs":{"source_sentence":"Yeast lifts the dough.","sentences":["Baking bread needs yeast.","The moon pulls the sea.","Yeast lifts the dough."]},"parameters":{}}`
	for _, path := range []string{"/similarity", "/", "/models/sentence-transformers/all-MiniLM-L6-v2", "/models/sentence-transformers/all-MiniLM-L6-v2/pipeline/sentence-similarity"} {
		got := as[[]float64](t, s.post(path, body), 200)
		if len(got) != 3 || got[0] < got[1]+0.2 || math.Abs(got[2]-1) > 1e-5 {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestClassifyAndRerank(t *testing.T) {
	s := startWired(t, zoo(oneModel()), wiring{})
	check(t, s)
	one := as[[]wire.Label](t, s.post("/predict", `{"inputs":"ABC"}`), 200)
	many := as[[][]wire.Label](t, s.post("/predict", `{"inputs":[["ABC"],["abc"]]}`), 200)
	hub := as[[][]wire.Label](t, s.post("/models/test/shouting", `{"inputs":["ABC","abc"],"parameters":{"top_k":1,"function_to_apply":"softmax"}}`), 200)
	if one[0].Label != "loud" || len(one) != 2 || many[1][0].Label != "quiet" || len(hub[0]) != 1 || hub[1][0] != many[1][0] {
		t.Errorf("classes: %v, %v, %v", one, many, hub)
	}
	// Clients take the first element of the answer to one text, so it is a list of lists.
	if by := as[[][]wire.Label](t, s.post("/", `{"inputs":"ABC","parameters":{"top_k":5}}`), 200); by[0][0].Label != "loud" {
		t.Errorf("by body: %v", by)
	}
	ranks := as[[]wire.TEIRank](t, s.post("/rerank", `{"query":"b c","texts":["a","b c","c"],"return_text":true}`), 200)
	if ranks[0].Index != 1 || *ranks[0].Text != "b c" || ranks[0].Score != 1/(1+math.Exp(-1)) || ranks[2].Index != 0 {
		t.Errorf("ranks: %+v", ranks)
	}
	if raw := as[[]wire.TEIRank](t, s.post("/rerank", `{"query":"b c","texts":["a","b c"],"raw_scores":true}`), 200); raw[0].Score != 1 || raw[1].Score != -1 || raw[0].Text != nil {
		t.Errorf("raw: %+v", raw)
	}
	cohere := as[wire.Reranked](t, s.post("/v1/rerank", `{"model":"test/overlap","query":"b c","documents":["a",{"text":"b c"}],"top_n":1,"return_documents":true}`), 200)
	if len(cohere.Results) != 1 || cohere.Results[0].Index != 1 || cohere.Results[0].Document.Text != "b c" || cohere.Model != "test/overlap" {
		t.Errorf("cohere: %+v", cohere)
	}
}

func TestTokens(t *testing.T) {
	m := decoding{oneModel(), map[int32]string{1: "one", 2: "text"}}
	s := startWith(t, m)
	check(t, s)
	tokens := as[[][]wire.TEIToken](t, s.post("/tokenize", `{"inputs":["zwölf Äpfel!"],"add_special_tokens":false}`), 200)
	var texts []string
	for _, token := range tokens[0] {
		texts = append(texts, fmt.Sprint(token.Text, *token.Start, *token.Stop))
	}
	if got := strings.Join(texts, " "); got != "zwölf0 5 Äpfel6 11 !11 12" {
		t.Errorf("tokens: %s", got)
	}
	if got := as[[]string](t, s.post("/decode", `{"ids":[[1,2],[2]]}`), 200); !slices.Equal(got, []string{"one text", "text"}) {
		t.Errorf("decoded: %q", got)
	}
	want := vectorsOf(t, m, hf.Document, "one text")
	if got := as[[][]float32](t, s.post("/embed", `{"inputs":[1,2]}`), 200); !slices.Equal(got[0], want[0]) {
		t.Errorf("ids: %v, want %v", got, want)
	}
	info := as[wire.TEIInfo](t, s.get("/info"), 200)
	if info.ModelID != "test/hash" || info.MaxInputLength != 8 || info.MaxClientBatchSize != 2048 || info.ModelDtype != "float32" || info.ModelType.Embedding.Pooling != "mean" {
		t.Errorf("info: %+v", info)
	}
	for arithmetic, want := range map[string]string{"bfloat16": "bfloat16", "int16": "float32", "int8": "float32", "float32": "float32"} {
		if got := api.TEIDtype(arithmetic); got != want {
			t.Errorf("%s: the type is %s, want %s", arithmetic, got, want)
		}
	}
	if health := s.get("/health"); health.status != 200 || len(health.body) != 0 {
		t.Errorf("health: %+v", health)
	}
}

// TestHubTasks asks for what makes text: here where it can be, at the provider otherwise.
func TestHubTasks(t *testing.T) {
	s := start(t)
	check(t, s)
	long := mustJSON(t, map[string]any{"inputs": article, "parameters": map[string]any{"generate_parameters": map[string]int{"max_length": 30}}})
	for _, path := range []string{"/", "/models/sentence-transformers/all-MiniLM-L6-v2/pipeline/summarization"} {
		got := as[[]wire.HubSummary](t, s.post(path, long), 200)
		if n := len(strings.Fields(got[0].SummaryText)); len(got) != 1 || n == 0 || n > 30 {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := as[[][]wire.Label](t, s.post("/", `{"inputs":"I love this wonderful loaf","parameters":{"top_k":1}}`), 200); len(got[0]) != 1 || got[0][0].Label != "positive" {
		t.Errorf("mood: %v", got)
	}
	router := hftest.NewServer(t, hftest.ServerOptions{Key: testKey})
	s.provide("p", "huggingface", router.URL, testKey, hftest.ChatModel)
	s.preset("p")
	if got := as[[]wire.HubSummary](t, s.post("/hf-inference/models/"+hftest.SummaryModel, long), 200); got[0].SummaryText == "" {
		t.Errorf("summary: %v", got)
	}
	if got := as[[]wire.HubTranslation](t, s.post("/models/"+hftest.TranslationModel, `{"inputs":["a loaf","a roll"]}`), 200); len(got) != 2 || got[1].TranslationText == "" {
		t.Errorf("translation: %v", got)
	}
	if got := as[[][]wire.Label](t, s.post("/models/"+hftest.ClassifierModel+"/pipeline/text-classification", `{"inputs":"a good loaf","parameters":{}}`), 200); len(got[0]) == 0 {
		t.Errorf("classes: %v", got)
	}
	generate := "/models/" + hftest.ChatModel + "/pipeline/text-generation"
	whole := as[[]wire.Generated](t, s.post(generate, `{"inputs":"Hello","parameters":{"max_new_tokens":5,"return_full_text":true,"details":true,"watermark":false}}`), 200)[0]
	if !strings.HasPrefix(whole.GeneratedText, "Hello") || whole.Details.GeneratedTokens == 0 {
		t.Errorf("generated: %+v", whole)
	}
	events := strings.Split(strings.TrimSpace(string(s.post(generate, `{"inputs":"Hello","stream":true}`).body)), "\n\n")
	var streamed string
	var piece wire.GeneratedPiece
	for _, event := range events {
		piece = wire.GeneratedPiece{}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(event, "data: ")), &piece); err != nil {
			t.Fatal(err)
		}
		streamed += piece.Token.Text
	}
	if len(events) < 3 || piece.GeneratedText == nil || *piece.GeneratedText != streamed || piece.Details == nil {
		t.Errorf("events: %s", events)
	}
	for _, path := range []string{"/models/" + hftest.ChatModel, "/hf-inference/models/" + hftest.ChatModel} {
		chat := as[wire.OpenAIAnswer](t, s.post(path+"/v1/chat/completions", `{"model":"dummy","messages":[{"role":"user","content":"Hi"}]}`), 200)
		older := as[wire.OpenAIAnswer](t, s.post(path+"/v1/completions", `{"model":"`+s.url+`","prompt":"Hi"}`), 200)
		if chat.Model != hftest.ChatModel || *older.Choices[0].Text == "" {
			t.Errorf("%s: %+v, %+v", path, chat, older)
		}
	}
}

package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/hf/library"
	"searchd/hf/local"
	"searchd/hf/safetensors"
)

const tinyModels = "../fixtures/encoder/models"

// tolerance is for the arithmetic of float32 in another order, and for logits that are told from probabilities near 1.
const tolerance = 5e-4

// startFolder starts a server on a folder of small models of all kinds, as `searchd serve --models` does. They are called
// tiny/bert, tiny/bert-classifier and so on, and tiny/bert is the default too.
func startFolder(t *testing.T) *server {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(filepath.Join(folder, "tiny"), os.DirFS(tinyModels)); err != nil {
		t.Fatal(err)
	}
	preset, err := local.Open(os.DirFS(tinyModels+"/bert"), local.Options{ID: "tiny/preset"})
	if err != nil {
		t.Fatal(err)
	}
	return startWired(t, library.New(library.Options{
		Default: preset, Folder: folder,
		Kind:           func(f fs.FS) (library.Kind, error) { k, err := local.Kind(f); return library.Kind(k), err },
		OpenModel:      func(f fs.FS, o local.Options) (hf.Model, error) { return local.Open(f, o) },
		OpenClassifier: func(f fs.FS, o local.Options) (hf.Classifier, error) { return local.OpenClassifier(f, o) },
		OpenReranker:   func(f fs.FS, o local.Options) (hf.Reranker, error) { return local.OpenReranker(f, o) },
		MeasureNull:    func(context.Context, hf.Embedder) (hf.Null, error) { return hf.Null{}, nil },
	}), wiring{})
}

// sample is what the reference was given, and what it made of it.
type sample struct {
	Role, Text, Query string

	ids  []int32
	want []float32
}

// samples are those of one small model whose texts are neither empty nor longer than it reads.
func samples(t *testing.T, name string) []sample {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(tinyModels, name, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all, list []sample
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Open(filepath.Join(tinyModels, name, "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range all {
		for _, id := range goldenOf(t, file, fmt.Sprintf("ids.%d", i)) {
			one.ids = append(one.ids, int32(id))
		}
		one.want = goldenOf(t, file, fmt.Sprintf("out.%d", i))
		if one.Text != "" && one.Role != "query" && len(one.ids) < 32 {
			list = append(list, one)
		}
	}
	return list
}

func goldenOf(t *testing.T, file *safetensors.File, name string) []float32 {
	t.Helper()
	tensor, err := file.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	values, err := tensor.Float32s(nil)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// checkClasses expects the classes with these scores, best first.
func checkClasses(t *testing.T, what string, got []wire.Label, classes []string, want []float64) {
	t.Helper()
	if !slices.IsSortedFunc(got, func(a, b wire.Label) int { return int(math.Copysign(1, b.Score-a.Score)) }) || len(got) != len(classes) {
		t.Errorf("%s: %v", what, got)
	}
	for _, label := range got {
		if i := slices.Index(classes, label.Label); i < 0 || math.Abs(label.Score-want[i]) > tolerance {
			t.Errorf("%s: %v; want %v for %q", what, got, want, classes)
		}
	}
}

func near(a, b float32) bool { return math.Abs(float64(a-b)) < tolerance }

func wide(v []float32) []float64 {
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}

// through applies f to each value, and divides by the sum if they are to be shares.
func through(v []float64, f func(float64) float64, shares bool) []float64 {
	w, sum := make([]float64, len(v)), 1.0
	for i, x := range v {
		w[i] = f(x)
	}
	if shares {
		sum = 0
		for _, x := range w {
			sum += x
		}
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// TestClassifiersOfAFolder asks real models over HTTP, and compares with what the reference makes of the same weights.
func TestClassifiersOfAFolder(t *testing.T) {
	s := startFolder(t)
	check(t, s)
	calm := []string{"calm", "neutral", "rough"}
	for _, one := range samples(t, "bert-classifier") {
		body := mustJSON(t, map[string]any{"inputs": one.Text})
		checkClasses(t, one.Text, as[[]wire.Label](t, s.post("/predict", body), 200), calm, wide(one.want))
		checkClasses(t, one.Text, as[[][]wire.Label](t, s.post("/models/tiny/bert-classifier", body), 200)[0], calm, wide(one.want))
		raw := as[[]wire.Label](t, s.post("/predict", mustJSON(t, map[string]any{"inputs": one.Text, "raw_scores": true})), 200)
		logits := make([]float64, len(calm))
		for _, label := range raw {
			logits[slices.Index(calm, label.Label)] = label.Score
		}
		checkClasses(t, one.Text, raw, calm, logits)
		if shares := through(logits, math.Exp, true); math.Abs(shares[0]-float64(one.want[0])) > tolerance || math.Abs(shares[1]-float64(one.want[1])) > tolerance {
			t.Errorf("%q: raw %v makes %v, not %v", one.Text, logits, shares, one.want)
		}
	}
	land := []string{"sea", "land"}
	for _, one := range samples(t, "distilbert-classifier") { // judges each class on its own
		logits := through(wide(one.want), func(p float64) float64 { return math.Log(p / (1 - p)) }, false)
		for function, want := range map[string][]float64{
			"default": wide(one.want), "sigmoid": wide(one.want), "none": logits, "softmax": through(logits, math.Exp, true),
		} {
			parameters := map[string]any{"function_to_apply": function}
			if function == "default" {
				parameters = nil
			}
			body := mustJSON(t, map[string]any{"inputs": []string{one.Text}, "parameters": parameters})
			got := as[[][]wire.Label](t, s.post("/models/tiny/distilbert-classifier/pipeline/text-classification", body), 200)
			checkClasses(t, one.Text+" "+function, got[0], land, want)
		}
	}
	felt := samples(t, "roberta-classifier")[0] // whose LABEL_0 and LABEL_1 are the worse and the better
	got := as[wire.OneSentiment](t, s.post("/sentiment", mustJSON(t, map[string]any{"text": felt.Text, "model": "tiny/roberta-classifier"})), 200)
	if math.Abs(got.Scores["negative"]-float64(felt.want[0])) > tolerance || math.Abs(got.Scores["positive"]-float64(felt.want[1])) > tolerance || got.Model != "tiny/roberta-classifier" {
		t.Errorf("%q: %+v, want %v", felt.Text, got, felt.want)
	}
}

// TestRerankersOfAFolder gives each reranker the texts of all samples for the query of one.
func TestRerankersOfAFolder(t *testing.T) {
	s := startFolder(t)
	check(t, s)
	for _, one := range samples(t, "bert-reranker") {
		if one.Query == "" {
			continue
		}
		want := float64(one.want[0])
		body := map[string]any{"query": one.Query, "texts": []string{"bread", one.Text}, "raw_scores": true}
		checkPlaces(t, as[[]wire.TEIRank](t, s.post("/rerank", mustJSON(t, body)), 200), want)
		body["raw_scores"] = false
		checkPlaces(t, as[[]wire.TEIRank](t, s.post("/rerank", mustJSON(t, body)), 200), logistic(want))
	}
	for _, name := range []string{"bert-reranker", "xlm-roberta-reranker"} {
		one := samples(t, name)[0]
		body := map[string]any{"query": one.Query, "documents": []any{"bread", map[string]string{"text": one.Text}}, "model": "tiny/" + name}
		got := as[wire.Reranked](t, s.post("/v1/rerank", mustJSON(t, body)), 200)
		var places []wire.TEIRank
		for _, r := range got.Results {
			places = append(places, wire.TEIRank{Index: r.Index, Score: r.RelevanceScore})
		}
		checkPlaces(t, places, logistic(float64(one.want[0])))
		if got.Model != "tiny/"+name {
			t.Errorf("%s, not %s", got.Model, name)
		}
	}
}

// checkPlaces expects two texts, best first, and the score of the second.
func checkPlaces(t *testing.T, got []wire.TEIRank, second float64) {
	t.Helper()
	if len(got) != 2 || got[0].Score < got[1].Score {
		t.Fatalf("%+v", got)
	}
	at := slices.IndexFunc(got, func(r wire.TEIRank) bool { return r.Index == 1 })
	if at < 0 || math.Abs(got[at].Score-second) > tolerance {
		t.Errorf("%+v; want %v for the second text", got, second)
	}
}

// TestTokensOfAFolder splits texts as the reference does, special tokens included, and makes texts of tokens again: with
// the default model and with one that the library has opened.
func TestTokensOfAFolder(t *testing.T) {
	s := startFolder(t)
	check(t, s)
	for _, one := range samples(t, "bert") {
		tokens := as[[][]wire.TEIToken](t, s.post("/tokenize", mustJSON(t, map[string]any{"inputs": one.Text})), 200)[0]
		var ids []int32
		for i, token := range tokens {
			ids = append(ids, token.ID)
			if edge := i == 0 || i == len(tokens)-1; token.Special != edge || (token.Start == nil) != edge || (token.Stop == nil) != edge {
				t.Errorf("%q: token %d is %+v", one.Text, i, token)
			}
		}
		if !slices.Equal(ids, one.ids) || tokens[0].Text != "[CLS]" || tokens[len(tokens)-1].Text != "[SEP]" {
			t.Errorf("%q: %v, want %v", one.Text, tokens, one.ids)
		}
	}
	for _, one := range samples(t, "bert") { // which takes the first token's vector for that of the text
		rows := as[[][][]float32](t, s.post("/embed_all", mustJSON(t, map[string]any{"inputs": one.Text})), 200)
		if len(rows) != 1 || len(rows[0]) != len(one.ids) || !slices.EqualFunc(rows[0][0], one.want, near) {
			t.Errorf("%q: %v; want %d vectors, the first %v", one.Text, rows, len(one.ids), one.want)
		}
	}
	long := strings.Repeat("bread ", 50)
	for body, says := range map[string]string{
		mustJSON(t, map[string]any{"inputs": []string{"sea", long}, "truncate": false}): "inputs[1]: must have at most 40 tokens. Given: 50",
		mustJSON(t, map[string]any{"inputs": slices.Repeat([]string{long}, 110)}):       "more than 4096 tokens",
		mustJSON(t, map[string]any{"inputs": "sea", "truncation_direction": "left"}):    "truncation_direction: can only be right",
	} {
		if got := s.post("/embed_all", body); got.status != 422 || !strings.Contains(string(got.body), says) {
			t.Errorf("%.60s: %d %s, want %q", body, got.status, got.body, says)
		}
	}
	const text = "the sea is rough"
	for _, path := range []string{"/embed", "/models/tiny/roberta", "/models/tiny/xlm-roberta"} {
		want := as[json.RawMessage](t, s.post(path, mustJSON(t, map[string]any{"inputs": []string{text}})), 200)
		ids := idsOf(t, path, text)
		if got := as[json.RawMessage](t, s.post(path, mustJSON(t, map[string]any{"inputs": [][]int32{ids}})), 200); string(got) != string(want) {
			t.Errorf("%s: %v stand for another text than %q", path, ids, text)
		}
	}
	ids := idsOf(t, "/embed", text)
	for skip, want := range map[bool]string{true: text, false: "[CLS] " + text + " [SEP]"} {
		if got := as[[]string](t, s.post("/decode", mustJSON(t, map[string]any{"ids": ids, "skip_special_tokens": skip})), 200); len(got) != 1 || got[0] != want {
			t.Errorf("decoded: %q, want %q", got, want)
		}
	}
}

// idsOf are the tokens of a text for the model behind a path.
func idsOf(t *testing.T, path, text string) []int32 {
	t.Helper()
	name := filepath.Base(path)
	if path == "/embed" {
		name = "bert"
	}
	m, err := local.Open(os.DirFS(filepath.Join(tinyModels, name)), local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	before, after := m.SpecialTokens()
	ids := before
	for _, token := range m.Tokenize(text) {
		ids = append(ids, token.ID)
	}
	return append(ids, after...)
}

package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/hf/local"
	"searchd/hf/safetensors"
	"searchd/internal/simd"
	"searchd/models"

	"github.com/google/go-cmp/cmp"
)

// tolerance is for the arithmetic of float32 in another order.
const tolerance = 2e-5

// input is what a small model was given, and what the reference made of it.
type input struct {
	Role, Text, Prompt, Query string

	tokens int
	want   []float32
}

// modelFolder is one of the small models of all architectures.
func modelFolder(name string) fs.FS { return os.DirFS(fixtures + "models/" + name) }

func inputs(t *testing.T, name string) []input {
	t.Helper()
	b, err := fs.ReadFile(modelFolder(name), "golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []input
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	file, err := safetensors.Open(fixtures + "models/" + name + "/golden.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for n := range list {
		list[n].tokens = len(floats(t, file, fmt.Sprintf("ids.%d", n)))
		list[n].want = floats(t, file, fmt.Sprintf("out.%d", n))
	}
	return list
}

func floats(t *testing.T, file *safetensors.File, name string) []float32 {
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

func near(got, want []float32) bool {
	return slices.EqualFunc(got, want, func(a, b float32) bool { return math.Abs(float64(a-b)) < tolerance })
}

// Folders of every architecture, pooling and layout embed as the reference does, and say what they are.
func TestEmbedders(t *testing.T) {
	tests := []struct {
		name string
		want hf.Card
	}{
		{"bert", hf.Card{Architecture: "bert", Dimensions: 32, MaxTokens: 40, Pooling: "cls", Prompts: map[hf.Role]string{hf.Query: "twice: "}}},
		{"bert-plain", hf.Card{Architecture: "bert", Dimensions: 32, MaxTokens: 44, Pooling: "mean"}},
		{"mpnet", hf.Card{Architecture: "mpnet", Dimensions: 48, MaxTokens: 40, Pooling: "mean", Normalized: true}},
		{"roberta", hf.Card{Architecture: "roberta", Dimensions: 40, MaxTokens: 120, Pooling: "lasttoken",
			Prompts: map[hf.Role]string{hf.Query: "out: ", hf.Document: "out: "}}},
		{"xlm-roberta", hf.Card{Architecture: "xlm-roberta", Dimensions: 36, MaxTokens: 120, Pooling: "mean", Normalized: true}},
		{"distilbert", hf.Card{Architecture: "distilbert", Dimensions: 20, MaxTokens: 40, Pooling: "max", Normalized: true,
			Prompts: map[hf.Role]string{hf.Query: "sea: ", hf.Document: "day: "}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := local.Open(modelFolder(test.name), local.Options{Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			card := e.Card()
			test.want.ID, test.want.Task, test.want.Source, test.want.Precision = "local", "sentence-similarity", "folder", "float16"
			test.want.Revision, test.want.Parameters, test.want.Arithmetic = card.Revision, card.Parameters, "float32"
			if simd.Tiles() {
				test.want.Arithmetic = "bfloat16"
			}
			if len(test.want.Prompts) == 0 {
				test.want.Prompts = map[hf.Role]string{}
			}
			if diff := cmp.Diff(test.want, card); diff != "" || len(card.Revision) != len("sha256:")+64 || card.Parameters < 10_000 {
				t.Error(card.Revision, card.Parameters, diff)
			}
			checkEmbeddings(t, e, inputs(t, test.name))
			hftest.RunEmbedder(t, func() hf.Model { return e })
		})
	}
}

func checkEmbeddings(t *testing.T, e *local.Embedder, list []input) {
	t.Helper()
	for role, name := range map[hf.Role]string{hf.Document: "document", hf.Query: "query"} {
		var texts []string
		of := slices.DeleteFunc(slices.Clone(list), func(in input) bool { return in.Role != name })
		for _, in := range of {
			texts = append(texts, in.Text)
		}
		got, err := e.Embed(t.Context(), role, texts)
		if err != nil {
			t.Fatal(err)
		}
		for i, in := range of {
			if !near(got[i].Vector, in.want) || got[i].Tokens != in.tokens {
				t.Errorf("%s %.40q: with %d tokens %v, not with %d %v", name, in.Text, got[i].Tokens, got[i].Vector, in.tokens, in.want)
			}
		}
	}
}

// The vectors of tokens make up that of the text, as the model's pooling has it.
func TestEmbedTokens(t *testing.T) {
	first := func(rows [][]float32) []float32 { return rows[0] }
	last := func(rows [][]float32) []float32 { return rows[len(rows)-1] }
	for name, pool := range map[string]func([][]float32) []float32{"bert": first, "bert-plain": average, "roberta": last} {
		t.Run(name, func(t *testing.T) {
			e, err := local.Open(modelFolder(name), local.Options{Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			list := slices.DeleteFunc(inputs(t, name), func(in input) bool { return in.Role != "document" })
			var texts []string
			for _, in := range list {
				texts = append(texts, in.Text)
			}
			got, err := e.EmbedTokens(t.Context(), hf.Document, texts)
			if err != nil {
				t.Fatal(err)
			}
			for i, in := range list {
				rows := got[i].Vectors
				if len(rows) != in.tokens || !near(pool(rows), in.want) || got[i].Truncated != (in.tokens == e.Card().MaxTokens) {
					t.Errorf("%.40q: %d vectors, truncated %v, make %v; want %d, and %v", in.Text, len(rows), got[i].Truncated, pool(rows), in.tokens, in.want)
				}
			}
		})
	}
}

func average(rows [][]float32) []float32 {
	sum := make([]float32, len(rows[0]))
	for _, row := range rows {
		for i, x := range row {
			sum[i] += x / float32(len(rows))
		}
	}
	return sum
}

func TestClassifiers(t *testing.T) {
	tests := []struct {
		name    string
		classes []string
	}{
		{"bert-classifier", []string{"calm", "neutral", "rough"}},
		{"distilbert-classifier", []string{"sea", "land"}},
		{"roberta-classifier", []string{"LABEL_0", "LABEL_1"}},
		{"mpnet-classifier", []string{"LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := local.OpenClassifier(modelFolder(test.name), local.Options{ID: "x", Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			if card := c.Card(); card.ID != "x" || card.Task != "text-classification" || card.Dimensions != 0 || card.Pooling != "" {
				t.Errorf("%+v", card)
			}
			var texts []string
			list := inputs(t, test.name)
			for _, in := range list {
				texts = append(texts, in.Text)
			}
			got, err := c.Classify(t.Context(), texts)
			if err != nil {
				t.Fatal(err)
			}
			for i, labels := range got {
				checkLabels(t, texts[i], labels, test.classes, list[i].want)
			}
		})
	}
}

// checkLabels expects the classes with these scores, best first.
func checkLabels(t *testing.T, text string, labels []hf.Label, classes []string, want []float32) {
	t.Helper()
	if !slices.IsSortedFunc(labels, func(a, b hf.Label) int { return int(math.Copysign(1, b.Score-a.Score)) }) {
		t.Errorf("%.40q: %v is not best first", text, labels)
	}
	got := make([]float32, len(classes))
	for _, label := range labels {
		if i := slices.Index(classes, label.Name); i >= 0 {
			got[i] = float32(label.Score)
		}
	}
	if len(labels) != len(classes) || !near(got, want) {
		t.Errorf("%.40q: %v, not %v for %q", text, labels, want, classes)
	}
}

func TestRerankers(t *testing.T) {
	for _, name := range []string{"bert-reranker", "xlm-roberta-reranker"} {
		t.Run(name, func(t *testing.T) { testReranker(t, name) })
	}
}

func testReranker(t *testing.T, name string) {
	r, err := local.OpenReranker(modelFolder(name), local.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if card := r.Card(); card.Task != "text-ranking" || card.MaxTokens != 32 {
		t.Errorf("%+v", card)
	}
	list := inputs(t, name)
	for _, in := range list {
		got, err := r.Rerank(t.Context(), in.Query, []string{"something else", in.Text, ""})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 3 || !near(got[1:2], in.want) {
			t.Errorf("%.40q, %.40q: %v, not %v", in.Query, in.Text, got, in.want)
		}
		alone, err := r.Rerank(t.Context(), in.Query, []string{in.Text})
		if err != nil || alone[0] != got[1] {
			t.Errorf("%.40q: %v alone, %v in company, %v", in.Text, alone, got[1], err)
		}
	}
	if got, err := r.Rerank(t.Context(), "sea", nil); err != nil || len(got) != 0 {
		t.Error("no texts:", got, err)
	}
}

func TestKind(t *testing.T) {
	for name, want := range map[string]local.ModelKind{
		"bert": local.KindEmbedder, "bert-plain": local.KindEmbedder, "roberta": local.KindEmbedder, "xlm-roberta": local.KindEmbedder,
		"bert-classifier": local.KindClassifier, "roberta-classifier": local.KindClassifier,
		"bert-reranker": local.KindReranker, "xlm-roberta-reranker": local.KindReranker,
	} {
		if got, err := local.Kind(modelFolder(name)); got != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	_, asClassifier := local.OpenClassifier(modelFolder("bert-reranker"), local.Options{})
	_, asReranker := local.OpenReranker(modelFolder("bert-classifier"), local.Options{})
	_, asEmbedder := local.Open(modelFolder("bert-classifier"), local.Options{})
	for want, err := range map[string]error{
		"this is no classifier but a reranker":      asClassifier,
		"this is no reranker but a classifier":      asReranker,
		"this is no embedding model but a classifi": asEmbedder,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one with %q", err, want)
		}
	}
}

// changed is a small model with files changed; an empty one is taken away.
func changed(t testing.TB, name string, changes map[string]string) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	folder := modelFolder(name)
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(folder, name)
		m[name] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range changes {
		if m[name] = (&fstest.MapFile{Data: []byte(content)}); content == "" {
			delete(m, name)
		}
	}
	return m
}

func TestModelFolderRefuses(t *testing.T) {
	const ffn = `"in_features":64,"out_features":20`
	tests := []struct{ model, file, content, want string }{
		{"distilbert", "2_Dense/config.json", "", "2_Dense/config.json"},
		{"distilbert", "2_Dense/model.safetensors", "", "2_Dense/model.safetensors"},
		{"distilbert", "2_Dense/model.safetensors", "x", "2_Dense/model.safetensors: safetensors"},
		{"distilbert", "2_Dense/config.json", `{}`, "2_Dense/config.json: in_features 0"},
		{"distilbert", "2_Dense/config.json", `{"in_features":20,"out_features":64}`, `"linear.weight" has shape [20 64]`},
		{"distilbert", "2_Dense/config.json", `{` + ffn + `,"use_residual":true}`, "use_residual"},
		{"distilbert", "2_Dense/config.json", `{` + ffn + `,"module_input_name":"token_embeddings"}`, "module_input_name"},
		{"distilbert", "2_Dense/config.json", `{` + ffn + `,"activation_function":"torch.nn.modules.activation.Softplus"}`, `"softplus" is not supported`},
		{"distilbert", "1_Pooling/config.json", `{"pooling_mode":"mean","include_prompt":false}`, "include_prompt"},
		{"mpnet", "config.json", `{"model_type":"t5"}`, `model_type "t5" is not supported`},
		{"roberta", "config.json", `{"model_type":"roberta","vocab_size":400,"max_position_embeddings":130,"hidden_size":40,"num_attention_heads":4,"num_hidden_layers":2,"intermediate_size":40,"pad_token_id":199}`, "pad_token_id is 199"},
		{"roberta", "tokenizer.json", withoutProcessor(t, "roberta"), "post_processor"},
		{"bert", "tokenizer_config.json", `{"model_max_length":-1}`, "model_max_length is -1"},
		{"bert", "sentence_bert_config.json", `{"max_seq_length":0}`, "max_seq_length is 0"},
	}
	for _, test := range tests {
		t.Run(test.file+test.content, func(t *testing.T) {
			_, err := local.Open(changed(t, test.model, map[string]string{test.file: test.content}), local.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want one with %q", err, test.want)
			}
		})
	}
	_, err := local.OpenClassifier(changed(t, "bert-classifier", map[string]string{
		"config.json": edit(t, "bert-classifier", "config.json", map[string]any{"problem_type": "regression"}),
	}), local.Options{})
	if err == nil || !strings.Contains(err.Error(), "regression") {
		t.Error("regression:", err)
	}
}

// A folder of older make, with a vocabulary in place of tokenizer.json, embeds as the newer one does.
func TestVocabularyFiles(t *testing.T) {
	for _, test := range []struct{ model, class string }{{"bert", "BertTokenizer"}, {"roberta", "RobertaTokenizer"}} {
		t.Run(test.model, func(t *testing.T) {
			var c struct {
				Model struct {
					Vocab  map[string]int
					Merges [][]string
				}
			}
			b, err := fs.ReadFile(modelFolder(test.model), "tokenizer.json")
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &c); err != nil {
				t.Fatal(err)
			}
			changes := map[string]string{
				"tokenizer.json":        "",
				"tokenizer_config.json": edit(t, test.model, "tokenizer_config.json", map[string]any{"tokenizer_class": test.class}),
			}
			if c.Model.Merges == nil {
				pieces := slices.SortedFunc(maps.Keys(c.Model.Vocab), func(a, b string) int { return c.Model.Vocab[a] - c.Model.Vocab[b] })
				changes["vocab.txt"] = strings.Join(pieces, "\n") + "\n"
			} else {
				vocab, err := json.Marshal(c.Model.Vocab)
				if err != nil {
					t.Fatal(err)
				}
				changes["vocab.json"], changes["merges.txt"] = string(vocab), "#version: 0.2\n"
				for _, m := range c.Model.Merges {
					changes["merges.txt"] += strings.Join(m, " ") + "\n"
				}
			}
			e, err := local.Open(changed(t, test.model, changes), local.Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkEmbeddings(t, e, inputs(t, test.model))
		})
	}
}

// withoutProcessor is a model's tokenizer.json without what puts special tokens around a text.
func withoutProcessor(t *testing.T, name string) string {
	return edit(t, name, "tokenizer.json", map[string]any{"post_processor": nil})
}

// edit is a JSON file of a model with fields changed.
func edit(t *testing.T, name, file string, fields map[string]any) string {
	t.Helper()
	b, err := fs.ReadFile(modelFolder(name), file)
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]any{}
	if err := json.Unmarshal(b, &config); err != nil {
		t.Fatal(err)
	}
	maps.Copy(config, fields)
	if b, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The limit of a text is what the folder says in either of its places, and never more than the model has positions.
func TestLimit(t *testing.T) {
	tests := []struct {
		name, old, newer string
		want             int
	}{
		{"none", "", `{}`, 60},
		{"no bound", "", `{"model_max_length":1000000000000000019884624838656}`, 60},
		{"the tokenizer's", "", `{"model_max_length":20}`, 20},
		{"the older file's", `{"max_seq_length":11}`, `{"model_max_length":20}`, 11},
		{"the older file is silent", `{"max_seq_length":null}`, `{"model_max_length":20}`, 20},
		{"more than positions", `{"max_seq_length":512}`, `{}`, 60},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e, err := local.Open(changed(t, "bert-plain", map[string]string{
				"sentence_distilbert_config.json": test.old, "tokenizer_config.json": test.newer,
			}), local.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := e.Card().MaxTokens; got != test.want {
				t.Errorf("%d, not %d", got, test.want)
			}
		})
	}
}

// A model whose arithmetic breaks answers an error that names it, and no vector.
func TestDamagedWeights(t *testing.T) {
	file, err := safetensors.Open(fixtures + "models/bert/model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	var tensors []safetensors.Tensor
	for _, name := range file.Names() {
		tensor, err := file.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "embeddings.LayerNorm.weight" {
			tensor = safetensors.NewFloat32(name, tensor.Shape, slices.Repeat([]float32{float32(math.NaN())}, 32))
		}
		tensors = append(tensors, tensor)
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, nil, tensors); err != nil {
		t.Fatal(err)
	}
	e, err := local.Open(changed(t, "bert", map[string]string{"model.safetensors": b.String()}), local.Options{ID: "some/model"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.Embed(t.Context(), hf.Document, []string{"sea"}); models.CodeOf(err) != models.Unavailable || got != nil || !strings.Contains(err.Error(), "some/model") {
		t.Errorf("%v, %v", got, err)
	}
}

// A converted folder of any architecture is whole: it opens as what it was, and answers nearly the same.
func TestConvertArchitectures(t *testing.T) {
	for _, name := range []string{"mpnet", "distilbert", "bert-classifier", "bert-reranker"} {
		t.Run(name, func(t *testing.T) {
			dst := t.TempDir()
			if err := local.Convert(fixtures+"models/"+name, dst); err != nil {
				t.Fatal(err)
			}
			got, want := outcome(t, os.DirFS(dst)), outcome(t, modelFolder(name))
			for i, v := range got {
				if math.Abs(float64(v-want[i])) > 0.2 {
					t.Errorf("%v became %v", want, got)
					break
				}
			}
			if slices.Equal(got, want) {
				t.Error("nothing was quantised")
			}
		})
	}
}

// outcome is what a model of any kind makes of a text.
func outcome(t *testing.T, fsys fs.FS) []float32 {
	t.Helper()
	kind, err := local.Kind(fsys)
	if err != nil {
		t.Fatal(err)
	}
	var out []float32
	switch kind {
	case local.KindEmbedder:
		e, err := local.Open(fsys, local.Options{})
		if err != nil {
			t.Fatal(err)
		}
		out = embed(t, e, "the sea is rough")[0].Vector
	case local.KindClassifier:
		c, err := local.OpenClassifier(fsys, local.Options{})
		if err != nil {
			t.Fatal(err)
		}
		labels, err := c.Classify(t.Context(), []string{"the sea is rough"})
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(labels[0], func(a, b hf.Label) int { return strings.Compare(a.Name, b.Name) })
		for _, label := range labels[0] {
			out = append(out, float32(label.Score))
		}
	case local.KindReranker:
		r, err := local.OpenReranker(fsys, local.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if out, err = r.Rerank(t.Context(), "sea", []string{"the sea is rough", "bread"}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// Whatever the small files say, a folder opens or is refused, and nothing panics.
func FuzzLayout(f *testing.F) {
	whole := changed(f, "distilbert", nil)
	names := []string{"modules.json", "1_Pooling/config.json", "2_Dense/config.json", "config_sentence_transformers.json", "sentence_bert_config.json", "tokenizer_config.json", "config.json"}
	for i, name := range names {
		f.Add(i, whole[name].Data)
	}
	f.Add(0, []byte(`[{"type":"Transformer","path":"0_T"},{"type":"Pooling","path":"1_Pooling"},{"type":"Normalize"},{"type":"Dense","path":"../x"}]`))
	f.Add(1, []byte(`{"pooling_mode":[["mean"],null]}`))
	f.Fuzz(func(t *testing.T, which int, b []byte) {
		fsys := maps.Clone(whole)
		fsys[names[uint(which)%uint(len(names))]] = &fstest.MapFile{Data: b}
		e, err := local.Open(fsys, local.Options{Workers: 1})
		if err != nil {
			return
		}
		if got, err := e.Embed(t.Context(), hf.Query, []string{"sea"}); err == nil && len(got[0].Vector) != e.Card().Dimensions {
			t.Errorf("%d values; the card says %d", len(got[0].Vector), e.Card().Dimensions)
		}
	})
}

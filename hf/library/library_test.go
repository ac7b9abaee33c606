package library_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/hf/hub"
	"searchd/hf/library"
	"searchd/hf/local"
	"searchd/hf/safetensors"
	"searchd/models"
)

const commit = "0123456789012345678901234567890123456789"

// write makes the files of a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// pull puts a model into a cache, as Python leaves it where there are no links.
func pull(t *testing.T, cache hub.Cache, folder string, files map[string]string) {
	t.Helper()
	dir := filepath.Join(string(cache), "models--"+folder)
	write(t, filepath.Join(dir, "snapshots", commit), files)
	write(t, filepath.Join(dir, "snapshots", commit), map[string]string{"model.safetensors": ""})
	write(t, dir, map[string]string{"refs/main": commit})
}

// opener opens models of any folder, and counts.
type opener struct {
	opened atomic.Int32
	fail   error
}

func (o *opener) model(_ fs.FS, l local.Options) (hf.Model, error) {
	o.opened.Add(1)
	if o.fail != nil {
		return nil, o.fail
	}
	return hftest.NewModel(hftest.Options{ID: l.ID, Revision: "sha256:" + l.ID}), nil
}

// kind goes by a file, so that tests can have any.
func kind(fsys fs.FS) (library.Kind, error) {
	b, err := fs.ReadFile(fsys, "config.json")
	if strings.Contains(string(b), "gpt2") {
		return "", errors.New(`model_type is "gpt2"`)
	}
	if strings.Contains(string(b), "classifier") {
		return library.Classifier, err
	}
	return library.Embedder, err
}

type classifier struct{ hf.Classifier }

func (classifier) Card() hf.Card { return hf.Card{ID: "acme/judge"} }

// shelf is a library with a default, and models in a cache and in a folder.
func shelf(t *testing.T, change ...func(*library.Options)) (*library.Library, *opener) {
	t.Helper()
	cache, folder := hub.Cache(t.TempDir()), t.TempDir()
	pull(t, cache, "acme--tiny", map[string]string{"config.json": `{"model_type":"bert","hidden_size":8}`})
	pull(t, cache, "acme--judge", map[string]string{"config.json": `{"model_type":"classifier"}`})
	pull(t, cache, "openai--gpt2", map[string]string{"config.json": `{"model_type":"gpt2"}`})
	pull(t, cache, "test--hash", map[string]string{"config.json": `{}`}) // as the default is called
	write(t, folder, map[string]string{
		"mine/config.json": `{}`, "mine/1_Pooling/config.json": `{}`, "lab/other/config.json": `{}`, "acme/tiny/config.json": `{}`, "empty/readme": "",
	})
	made := &opener{}
	o := library.Options{Default: hftest.NewModel(hftest.Options{}), Cache: cache, Folder: folder, State: filepath.Join(t.TempDir(), "data"), Kind: kind, OpenModel: made.model,
		OpenClassifier: func(fs.FS, local.Options) (hf.Classifier, error) { return classifier{}, nil }}
	for _, f := range change {
		f(&o)
	}
	return library.New(o), made
}

func TestList(t *testing.T) {
	l, made := shelf(t)
	var got []string
	for _, f := range l.List() {
		got = append(got, fmt.Sprint(f.Card.ID, ", ", f.Kind, ", ", f.Card.Source, ", ", f.Err))
	}
	want := []string{
		"test/hash, embedding model, test, <nil>",
		"acme/judge, classifier, pulled, <nil>",
		"acme/tiny, embedding model, pulled, <nil>",
		`openai/gpt2, , pulled, model_type is "gpt2"`,
		"test/hash@pulled, embedding model, pulled, <nil>",
		"acme/tiny@folder, embedding model, folder, <nil>",
		"lab/other, embedding model, folder, <nil>",
		"mine, embedding model, folder, <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if cards := l.Cards(); len(cards) != len(want)-1 || cards[0].ID != "test/hash" || made.opened.Load() != 0 {
		t.Errorf("%d cards, %d models opened for them", len(cards), made.opened.Load())
	}
}

func TestFind(t *testing.T) {
	l, _ := shelf(t)
	tests := []struct {
		id   string
		want string
		code models.Code
	}{
		{"", "test/hash", ""}, {"hash", "test/hash", ""}, {"test/hash", "test/hash", ""},
		{"acme/tiny", "acme/tiny", ""}, {"tiny", "acme/tiny", ""}, {"mine", "mine", ""}, {"acme/tiny@folder", "acme/tiny@folder", ""},
		{"acme/none", "", models.NotFound}, {"acme/judge", "", models.NotFound}, {"../mine", "", models.NotFound},
		{"openai/gpt2", "", models.Unavailable}, {"gpt2", "", models.Unavailable},
	}
	for _, test := range tests {
		m, err := l.Model(test.id)
		if test.code != "" {
			if models.CodeOf(err) != test.code {
				t.Errorf("%q: %v", test.id, err)
			}
			continue
		}
		if err != nil || m.Card().ID != test.want {
			t.Errorf("%q: %v", test.id, err)
		}
	}
	if _, err := l.Model("gpt2"); !strings.Contains(err.Error(), `cannot be run: model_type is "gpt2"`) {
		t.Error("without the reason:", err)
	}
	if c, err := l.Classifier(""); err != nil || c.Card().ID != "acme/judge" {
		t.Error("the first classifier:", err)
	}
	if _, err := l.Reranker(""); models.CodeOf(err) != models.NotFound || !strings.Contains(err.Error(), "there is no reranker here") {
		t.Error("a reranker:", err)
	}
}

// A model is opened once, however many ask, and stays open while it is among the last used.
func TestOpenedOnce(t *testing.T) {
	l, made := shelf(t, func(o *library.Options) { o.Keep = 2 })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := l.Model("tiny"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	steps := []struct {
		id     string
		opened int32
	}{{"tiny", 1}, {"mine", 2}, {"tiny", 2}, {"lab/other", 3}, {"tiny", 3}, {"mine", 4}, {"tiny", 4}, {"lab/other", 5}}
	for i, step := range steps {
		if _, err := l.Model(step.id); err != nil || made.opened.Load() != step.opened {
			t.Errorf("step %d, %s: %d opened, %v", i, step.id, made.opened.Load(), err)
		}
	}
}

// What fails to open is tried again: somebody may have repaired it.
func TestOpenFails(t *testing.T) {
	l, made := shelf(t)
	made.fail = errors.New("tensor is missing")
	if _, err := l.Model("tiny"); models.CodeOf(err) != models.Unavailable || !strings.Contains(err.Error(), "acme/tiny is here, in ") || !strings.Contains(err.Error(), "tensor is missing") {
		t.Error(err)
	}
	made.fail = nil
	if _, err := l.Model("tiny"); err != nil {
		t.Error(err)
	}
}

func TestPulledMeanwhile(t *testing.T) {
	var cache hub.Cache
	l, _ := shelf(t, func(o *library.Options) { cache = o.Cache })
	if _, err := l.Model("acme/new"); models.CodeOf(err) != models.NotFound {
		t.Error(err)
	}
	pull(t, cache, "acme--new", map[string]string{"config.json": "{}"})
	if m, err := l.Model("acme/new"); err != nil || m.Card().ID != "acme/new" {
		t.Error(err)
	}
}

func TestMeasuredOnce(t *testing.T) {
	var measured int
	var state string
	want := hf.Null{Mean: 0.25, StdDev: 0.05}
	options := func(o *library.Options) {
		if state == "" {
			state = o.State
		}
		o.State = state
		o.MeasureNull = func(_ context.Context, e hf.Embedder) (hf.Null, error) {
			measured++
			_, err := e.Embed(t.Context(), hf.Query, []string{"x"})
			return want, err
		}
	}
	for i := range 3 {
		l, _ := shelf(t, options)
		if i == 2 {
			write(t, state, map[string]string{"models.json": "broken"})
		}
		m, err := l.Model("tiny")
		if err != nil || m.Card().Null != want || measured != 1+i/2 {
			t.Errorf("run %d: %v, measured %d times, %v", i, m.Card().Null, measured, err)
		}
	}
}

const (
	tiny    = "../../fixtures/encoder/"
	bundled = "../bundled/"
)

// tokenizer knows two words.
const tokenizer = `{"version":"1.0","added_tokens":[],"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"TemplateProcessing",
"single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],
"pair":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}},{"Sequence":{"id":"B","type_id":1}},{"SpecialToken":{"id":"[SEP]","type_id":1}}],
"special_tokens":{"[CLS]":{"id":"[CLS]","ids":[2],"tokens":["[CLS]"]},"[SEP]":{"id":"[SEP]","ids":[3],"tokens":["[SEP]"]}}},
"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},"model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
"max_input_chars_per_word":100,"vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"light":4,"##house":5,"bread":6}}}`

func content(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// real is a folder with a small model, without its weights.
func real(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"small/config.json": content(t, tiny+"tiny.json"), "small/tokenizer.json": tokenizer,
		"small/modules.json": content(t, bundled+"modules.json"), "small/1_Pooling/config.json": content(t, bundled+"1_Pooling/config.json"),
		"small/README.md": "---\nlanguage: en\nlicense: \"mit\"\n---\n# Small\n",
	})
	write(t, filepath.Join(dir, "small"), files)
	return dir
}

// realLibrary opens models as searchd does.
func realLibrary(dir string) *library.Library {
	return library.New(library.Options{
		Folder:    dir,
		Kind:      func(fsys fs.FS) (library.Kind, error) { k, err := local.Kind(fsys); return library.Kind(k), err },
		OpenModel: func(fsys fs.FS, o local.Options) (hf.Model, error) { return local.Open(fsys, o) },
		OpenClassifier: func(fsys fs.FS, o local.Options) (hf.Classifier, error) {
			return local.OpenClassifier(fsys, o)
		},
		OpenReranker: func(fsys fs.FS, o local.Options) (hf.Reranker, error) { return local.OpenReranker(fsys, o) },
	})
}

// What the small files say of a model is what the open model says.
func TestDescription(t *testing.T) {
	l := realLibrary(real(t, map[string]string{"model.safetensors": content(t, tiny+"tiny.safetensors")}))
	before := l.Cards()
	m, err := l.Model("small")
	if err != nil {
		t.Fatal(err)
	}
	after := m.Card()
	if before[0].Licence != "mit" || before[0].Parameters == 0 {
		t.Errorf("%+v", before[0])
	}
	// Not known before the weights are read.
	before[0].Revision, before[0].Prompts, before[0].Arithmetic = after.Revision, after.Prompts, after.Arithmetic
	before[0].Parameters = after.Parameters // the file has the states of a reference run as well
	if diff := cmp.Diff(after, before[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]hf.Card{after}, l.Cards()); diff != "" {
		t.Error("after it was opened:", diff)
	}
}

// The same for every architecture and kind.
func TestDescriptions(t *testing.T) {
	l := realLibrary("../../fixtures/encoder/models")
	for _, f := range l.List() {
		if f.Err != nil {
			t.Fatalf("%s: %v", f.Card.ID, f.Err)
		}
		after, err := openedCard(l, f)
		if err != nil {
			t.Fatal(err)
		}
		after.Revision, after.Arithmetic, after.Prompts, after.Parameters, after.Normalized = "", "", nil, f.Card.Parameters, f.Card.Normalized
		if diff := cmp.Diff(after, f.Card); diff != "" {
			t.Errorf("%s: %s", f.Card.ID, diff)
		}
	}
}

func openedCard(l *library.Library, f library.Found) (card hf.Card, err error) {
	var m interface{ Card() hf.Card }
	switch f.Kind {
	case library.Classifier:
		m, err = l.Classifier(f.Card.ID)
	case library.Reranker:
		m, err = l.Reranker(f.Card.ID)
	default:
		m, err = l.Model(f.Card.ID)
	}
	if err != nil {
		return card, err
	}
	return m.Card(), nil
}

// Weights in parts are the same weights.
func TestParts(t *testing.T) {
	whole := content(t, tiny+"tiny.safetensors")
	file, err := safetensors.Parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	parts := [2][]safetensors.Tensor{}
	index := map[string]string{}
	for i, name := range file.Names() {
		tensor, _ := file.Tensor(name)
		parts[i%2] = append(parts[i%2], tensor)
		index[name] = fmt.Sprintf("model-%05d-of-00002.safetensors", i%2+1)
	}
	files := map[string]string{"model.safetensors.index.json": indexOf(index)}
	for i, part := range parts {
		var b bytes.Buffer
		if err := safetensors.Write(&b, nil, part); err != nil {
			t.Fatal(err)
		}
		files[fmt.Sprintf("model-%05d-of-00002.safetensors", i+1)] = b.String()
	}
	want := embed(t, realLibrary(real(t, map[string]string{"model.safetensors": whole})))
	if diff := cmp.Diff(want, embed(t, realLibrary(real(t, files)))); diff != "" {
		t.Error(diff)
	}
	files["model.safetensors.index.json"] = indexOf(map[string]string{"a": "../../secret"})
	if _, err := realLibrary(real(t, files)).Model("small"); err == nil || !strings.Contains(err.Error(), `"../../secret" is no name of a part`) {
		t.Error(err)
	}
}

func indexOf(parts map[string]string) string {
	var pairs []string
	for name, file := range parts {
		pairs = append(pairs, fmt.Sprintf("%q:%q", name, file))
	}
	return `{"weight_map":{` + strings.Join(pairs, ",") + `}}`
}

func embed(t *testing.T, l *library.Library) []hf.Embedding {
	t.Helper()
	m, err := l.Model("small")
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.Embed(t.Context(), hf.Query, []string{"a lighthouse", "bread"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Weights of torch are seen as safetensors, and what is dangerous in them is an error.
func TestPickledWeights(t *testing.T) {
	for name, want := range map[string]string{"module": `tensor "embeddings`, "evil": "it is not run", "legacy": "before 1.6"} {
		l := realLibrary(real(t, map[string]string{"pytorch_model.bin": content(t, "../../fixtures/pickle/"+name+".bin")}))
		if _, err := l.Model("small"); models.CodeOf(err) != models.Unavailable || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

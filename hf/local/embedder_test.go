package local_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"searchd/hf"
	"searchd/hf/bundled"
	"searchd/hf/encoder"
	"searchd/hf/local"

	"github.com/google/go-cmp/cmp"
)

// The vectors are the same, bit for bit, with any number of workers, any batch size and any order of the texts, in every arithmetic of integers.
func TestSameVectorsEveryWay(t *testing.T) {
	list, _ := loadGoldens(t)
	_, some := quick(list)
	var texts []string
	for i := 0; i < len(some); i += 5 {
		texts = append(texts, some[i])
	}
	for _, arithmetic := range []string{encoder.Int16, encoder.Int8} {
		one := openBundled(t, local.Options{Workers: 1, Arithmetic: arithmetic})
		var want []hf.Embedding
		for _, text := range texts {
			want = append(want, embed(t, one, text)...)
		}
		for _, workers := range []int{1, 2, 4} {
			for _, budget := range []int{1, 512} {
				e := openBundled(t, local.Options{Workers: workers, BatchTokens: budget, Arithmetic: arithmetic})
				order := rand.New(rand.NewPCG(1, uint64(budget))).Perm(len(texts))
				shuffled := make([]string, len(texts))
				for i, from := range order {
					shuffled[i] = texts[from]
				}
				for i, got := range embed(t, e, shuffled...) {
					if !cmp.Equal(want[order[i]], got) {
						t.Fatalf("%d workers, batches of %d, %s: %.60q differs", workers, budget, arithmetic, shuffled[i])
					}
				}
			}
		}
	}
}

// Callers with texts of all lengths, some of whom leave at any moment, share batches; who stays gets the vectors that the
// texts have alone.
func TestConcurrentCalls(t *testing.T) {
	texts := []string{"a lighthouse", "", "a longer text about the keeper of the lighthouse, who rows out before dawn", strings.Repeat("bread ", 20)}
	e := openBundled(t, local.Options{Workers: 2, BatchTokens: 40})
	var alone []hf.Embedding
	for _, text := range texts {
		alone = append(alone, embed(t, e, text)...)
	}
	var wg sync.WaitGroup
	for caller := range 64 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(caller)))
			order := random.Perm(len(texts))[:1+random.IntN(len(texts))]
			mine, want := make([]string, len(order)), make([]hf.Embedding, len(order))
			for i, k := range order {
				mine[i], want[i] = texts[k], alone[k]
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			leaves := caller%2 == 1
			if leaves {
				go func() {
					for range random.IntN(2000) {
						runtime.Gosched()
					}
					cancel()
				}()
			}
			got, err := e.Embed(ctx, hf.Query, mine)
			switch {
			case leaves && errors.Is(err, context.Canceled) && got == nil:
			case err != nil || !cmp.Equal(want, got):
				t.Errorf("caller %d: differs, or %v", caller, err)
			}
		})
	}
	wg.Wait()
	if got := embed(t, e, texts...); !cmp.Equal(alone, got) {
		t.Error("after the storm: differs")
	}
}

func TestTruncation(t *testing.T) {
	e := openBundled(t, local.Options{})
	tests := []struct {
		name, text string
		tokens     int
		truncated  bool
	}{
		{"empty", "", 2, false},
		{"spaces", " \n\t ", 2, false},
		{"one word", "bread", 3, false},
		{"just fits", strings.Repeat("bread ", 254), 256, false},
		{"one too many", strings.Repeat("bread ", 255), 256, true},
		{"long", strings.Repeat("bread ", 100_000), 256, true},
		{"long after spaces", strings.Repeat(" ", 1_000_000) + "bread", 3, false},
		{"long word", strings.Repeat("x", 1_000_000), 3, false},
		{"long word, then another", strings.Repeat("x", 1_000_000) + " bread", 4, false},
		{"not UTF-8", "\xff\xfe bread \x00", 3, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := embed(t, e, test.text)[0]
			if test.name == "not UTF-8" {
				got.Tokens = test.tokens // what the tokenizer makes of it is its own affair
			}
			if got.Tokens != test.tokens || got.Truncated != test.truncated || len(got.Vector) != e.Card().Dimensions {
				t.Errorf("%d tokens, truncated %v", got.Tokens, got.Truncated)
			}
			if length := cosine(got.Vector, got.Vector); !(length > 0.999999) {
				t.Errorf("length² %v", length)
			}
		})
	}
	long := embed(t, e, strings.Repeat("bread ", 255))[0].Vector
	if !slices.Equal(long, embed(t, e, strings.Repeat("bread ", 254))[0].Vector) {
		t.Error("what was cut off made a difference")
	}
}

func TestNoTexts(t *testing.T) {
	if got := embed(t, openBundled(t, local.Options{})); len(got) != 0 {
		t.Error(got)
	}
}

func TestContext(t *testing.T) {
	e := openBundled(t, local.Options{Workers: 2, BatchTokens: 64})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, n := range []int{1, 100} {
		if got, err := e.Embed(ctx, hf.Document, make([]string, n)); !errors.Is(err, context.Canceled) || got != nil {
			t.Errorf("%d texts: %v", n, err)
		}
	}
	// A context that ends midway stops the work, and the workers are free afterwards.
	ctx, cancel = context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := e.Embed(ctx, hf.Document, slices.Repeat([]string{strings.Repeat("bread ", 60)}, 5000)); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("midway:", err)
	}
	embed(t, e, slices.Repeat([]string{"bread"}, 200)...)
}

// folder is the bundled model with files changed; a nil value takes a file away.
func folder(t *testing.T, changes map[string][]byte) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	err := fs.WalkDir(bundled.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := bundled.FS().(local.Viewer).View(name)
		m[name] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range changes {
		if m[name] = (&fstest.MapFile{Data: b}); b == nil {
			delete(m, name)
		}
	}
	return m
}

func TestOpenFolder(t *testing.T) {
	o := local.Options{Arithmetic: encoder.Int16}
	e, err := local.Open(folder(t, nil), o)
	if err != nil {
		t.Fatal(err)
	}
	want := openBundled(t, o).Card()
	want.ID, want.Source, want.Licence, want.Null = "local", "folder", "", hf.Null{}
	if diff := cmp.Diff(want, e.Card()); diff != "" {
		t.Error(diff)
	}
}

func TestPrompts(t *testing.T) {
	o := local.Options{Arithmetic: encoder.Int16}
	e, err := local.Open(folder(t, map[string][]byte{
		"config_sentence_transformers.json": []byte(`{"prompts":{"query":"query: ","passage":"passage: "}}`),
	}), o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[hf.Role]string{hf.Query: "query: ", hf.Document: "passage: "}, e.Card().Prompts); diff != "" {
		t.Error(diff)
	}
	plain := openBundled(t, o)
	for role, text := range map[hf.Role]string{hf.Query: "query: bread", hf.Document: "passage: bread"} {
		got, err := e.Embed(t.Context(), role, []string{"bread"})
		if err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(got, embed(t, plain, text)) {
			t.Errorf("role %d: the prompt was not put before the text", role)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		file, content, want string // empty content: no such file
	}{
		{"config.json", "", "config.json"},
		{"config.json", "{", "config.json"},
		{"config.json", `{"vocab_size":30522,"max_position_embeddings":512,"hidden_size":384,"intermediate_size":1536,"num_attention_heads":12,"num_hidden_layers":7}`,
			`tensor "encoder.layer.6.attention.self.query.weight" is missing`},
		{"tokenizer.json", "", "tokenizer.json"},
		{"tokenizer.json", "{}", "tokenizer.json"},
		{"model.safetensors", "", "model.safetensors"},
		{"model.safetensors", "PK\x03\x04", "model.safetensors: safetensors: not a sound"},
		{"modules.json", "{}", "modules.json"},
		{"modules.json", `[{"type":"sentence_transformers.models.Transformer","path":"../x"}]`, "leads out of the folder"},
		{"modules.json", `[{"type":"sentence_transformers.models.Transformer"},{"type":"x.Pooling","path":"1_Pooling"},{"type":"x.LSTM","path":"2_LSTM"}]`, `module 2 is "x.LSTM"`},
		{"modules.json", `[{"type":"x.Transformer"},{"type":"x.Pooling","path":"1_Pooling"},{"type":"x.Dense","path":"2_Dense"}]`, "2_Dense/config.json: file does not exist"},
		{"modules.json", `[{"type":"x.Transformer"},{"type":"x.Dense","path":"2_Dense"}]`, `module 1 is "x.Dense"`},
		{"1_Pooling/config.json", "", "1_Pooling/config.json"},
		{"1_Pooling/config.json", `{"pooling_mode_mean_sqrt_len_tokens":true}`, `pooling is "mean_sqrt_len"`},
		{"1_Pooling/config.json", `{"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":true}`, `["cls" "mean"]; one mode is supported`},
		{"1_Pooling/config.json", `{"pooling_mode":["max","mean"]}`, `["max" "mean"]; one mode is supported`},
		{"1_Pooling/config.json", `{"pooling_mode":7}`, `pooling is "7"`},
		{"sentence_bert_config.json", `{"max_seq_length":1}`, "max_seq_length is 1"},
		{"sentence_bert_config.json", `{"max_seq_length":"x"}`, "sentence_bert_config.json"},
		{"config_sentence_transformers.json", `{"prompts":[]}`, "config_sentence_transformers.json"},
	}
	for i, test := range tests {
		t.Run(fmt.Sprint(i, test.file), func(t *testing.T) {
			var content []byte
			if test.content != "" {
				content = []byte(test.content)
			}
			_, err := local.Open(folder(t, map[string][]byte{test.file: content}), local.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	e, err := local.Open(folder(t, map[string][]byte{"modules.json": nil, "sentence_bert_config.json": nil}), local.Options{Workers: -1, BatchTokens: -1})
	if err != nil {
		t.Fatal(err)
	}
	if c := e.Card(); c.MaxTokens != 512 || c.Normalized || c.Pooling != "mean" {
		t.Errorf("%+v", c)
	}
}

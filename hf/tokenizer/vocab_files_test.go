package tokenizer

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestParseVocab takes the vocabulary out of the bundled tokenizer.json: the tokenizers of both are to be the same.
func TestParseVocab(t *testing.T) {
	vocab := strings.Join(tokensInOrder(t, edited(t, func(map[string]any) {})), "\n")
	for _, c := range []struct {
		name, config string
		patch        map[string]any
	}{
		{"alone", "", nil},
		{"uncased", `{"do_lower_case": true, "cls_token": "[CLS]", "unk_token": {"content": "[UNK]"}}`, nil},
		{"cased", `{"do_lower_case": false}`, map[string]any{"normalizer": map[string]any{"lowercase": false}}},
		{"accented", `{"strip_accents": false}`, map[string]any{"normalizer": map[string]any{"strip_accents": false}}},
		{"ideographs joined", `{"tokenize_chinese_chars": false}`, map[string]any{"normalizer": map[string]any{"handle_chinese_chars": false}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var config []byte
			if c.config != "" {
				config = []byte(c.config)
			}
			got, err := ParseVocab([]byte(vocab), config)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, got, loadPatched(t, c.patch))
		})
	}
}

// TestParseMerges takes the files out of the byte-level model's tokenizer.json.
func TestParseMerges(t *testing.T) {
	config := readConfig(t, "byte-level")
	model := config["model"].(map[string]any)
	vocab := model["vocab"].(map[string]any)
	vocab["<mask>"] = float64(len(vocab))
	merges := "#version: 0.2\n"
	for _, m := range model["merges"].([]any) {
		parts := m.([]any)
		merges += fmt.Sprintf("%s %s\n", parts[0], parts[1])
	}
	file, err := json.Marshal(vocab)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseMerges(file, []byte(merges), nil)
	if err != nil {
		t.Fatal(err)
	}
	checkSame(t, got, parseConfig(t, config))
}

// TestMPNet has RoBERTa's special tokens in a vocab.txt.
func TestMPNet(t *testing.T) {
	tok, err := ParseVocab([]byte("<s>\n<pad>\n</s>\n[UNK]\na\nb\n<mask>\n"), []byte(`{"tokenizer_class": "MPNetTokenizer"}`))
	if err != nil {
		t.Fatal(err)
	}
	ids, types, _ := tok.EncodePair("a <mask>", "B", 0)
	if want := []int32{0, 4, 6, 2, 2, 5, 2}; !slices.Equal(ids, want) || !slices.Equal(types, []int32{0, 0, 0, 0, 0, 1, 1}) {
		t.Errorf("ids %v, want %v; types %v", ids, want, types)
	}
}

func TestVocabFilesRefuse(t *testing.T) {
	for _, c := range []struct{ vocab, merges, config, want string }{
		{"a\nb\n", "", "{}", `vocab.txt: no token "[UNK]"`},
		{"a\n", "", "[", "tokenizer_config.json: "},
		{"a\n", "", `{"do_basic_tokenize": false}`, "do_basic_tokenize"},
		{"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n[PAD]\n", "", "{}", "given twice"},
		{`{"a": 0}`, "a b\n", "{}", `no token "<s>"`},
		{`{"a": 0}`, "a\n", "{}", `merges[0]: "a" is not two tokens`},
		{`{"a": 0} 1`, "a a\n", "{}", "more than one JSON value"},
		{`["a"]`, "a a\n", "{}", "not a JSON object"},
	} {
		_, err := ParseVocab([]byte(c.vocab), []byte(c.config))
		if c.merges != "" {
			_, err = ParseMerges([]byte(c.vocab), []byte(c.merges), []byte(c.config))
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %q, %q: error %v, want one with %q", c.vocab, c.merges, c.config, err, c.want)
		}
	}
}

func checkSame(t *testing.T, got, want *Tokenizer) {
	t.Helper()
	for i, s := range readSamples(t, "generated.jsonl")[:400] {
		x, y := tokensOf(got, s.text()), tokensOf(want, s.text())
		if !slices.Equal(x, y) || string(decodedOf(got, s.text())) != string(decodedOf(want, s.text())) {
			t.Errorf("generated.jsonl:%d: other tokens than those of the tokenizer.json: %v, %v", i+1, got.Tokenize(s.text()), want.Tokenize(s.text()))
		}
	}
	if !slices.Equal(pairOf(got, english, "b", 9), pairOf(want, english, "b", 9)) {
		t.Error("a pair differs from that of the tokenizer.json")
	}
}

// tokensInOrder is the tokens of a tokenizer.json in order.
func tokensInOrder(t *testing.T, file []byte) []string {
	t.Helper()
	var config struct {
		Model struct {
			Vocab map[string]int `json:"vocab"`
		} `json:"model"`
	}
	if err := json.Unmarshal(file, &config); err != nil {
		t.Fatal(err)
	}
	var list []string
	for token := range config.Model.Vocab {
		list = append(list, token)
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Compare(config.Model.Vocab[a], config.Model.Vocab[b]) })
	return list
}

func FuzzVocabFiles(f *testing.F) {
	f.Add([]byte("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b"), []byte(""), []byte(`{"do_lower_case": false}`))
	f.Add([]byte(`{"<s>": 0, "</s>": 1, "<unk>": 2, "<pad>": 3, "<mask>": 4, "a": 5, "aa": 6}`), []byte("a a"), []byte(`{}`))
	f.Fuzz(func(t *testing.T, vocab, merges, config []byte) {
		a, errA := ParseVocab(vocab, config)
		b, errB := ParseMerges(vocab, merges, config)
		if (a == nil) == (errA == nil) || (b == nil) == (errB == nil) {
			t.Fatal("a tokenizer and an error, or neither")
		}
		for _, tok := range []*Tokenizer{a, b} {
			if tok == nil {
				continue
			}
			ids, _ := tok.Encode(fuzzText, 0)
			for _, id := range ids {
				if id < 0 || int(id) >= tok.VocabSize() {
					t.Errorf("id %d of %d", id, tok.VocabSize())
				}
			}
		}
	})
}

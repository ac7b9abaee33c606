package tokenizer

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// trained are the models of fixtures/tokenizer/make_models.py.
var trained = []string{"byte-level", "characters", "suffixed", "unigram"}

// modelGolden is what the reference answers with a model whose tokenizer.json has been changed.
type modelGolden struct {
	Variant string         `json:"variant"`
	Patch   map[string]any `json:"patch"`
	Tokens  []byte         `json:"tokens"`
	Decoded []byte         `json:"decoded"`
	Pairs   []byte         `json:"pairs"`
}

type modelGoldens struct {
	Goldens []modelGolden `json:"goldens"`
	Corpora []struct {
		corpus
		Hash string `json:"hash"`
	} `json:"corpora"`
}

// shortHash is the size of a hash of one answer.
const shortHash = 4

// pairLimits are the limits of pairs, in turn.
var pairLimits = []int{7, 8, 16, 33, 64, 512}

// TestModels compares the tokens of the generated texts with the reference's, what their ids are decoded to, and pairs
// of texts, for every model and every change of it.
func TestModels(t *testing.T) {
	samples := readSamples(t, "generated.jsonl")
	for _, name := range trained {
		config := readConfig(t, name)
		var want modelGoldens
		readJSON(t, name+".goldens.json", &want)
		for i, g := range want.Goldens {
			if raceEnabled && i > 0 {
				break
			}
			t.Run(name+"/"+cmp.Or(g.Variant, "itself"), func(t *testing.T) {
				tok := parseConfig(t, changedConfig(config, g.Patch))
				checkAnswers(t, "tokens", samples, g.Tokens, func(i int) []byte { return tokensOf(tok, samples[i].text()) })
				checkAnswers(t, "decoded", samples, g.Decoded, func(i int) []byte { return decodedOf(tok, samples[i].text()) })
				checkAnswers(t, "pair", samples, g.Pairs, func(i int) []byte {
					return pairOf(tok, samples[i].text(), samples[i+1].text(), pairLimits[i%len(pairLimits)])
				})
			})
		}
	}
}

// TestModelsCorpora compares the tokens of the corpora with the reference's.
func TestModelsCorpora(t *testing.T) {
	if testing.Short() {
		t.Skip("measures much, and alone")
	}
	shared := os.Getenv("SEARCHD_SHARED_DATA")
	if shared == "" {
		t.Skip("SEARCHD_SHARED_DATA does not say where the shared corpora are")
	}
	for _, name := range trained {
		tok := parseConfig(t, readConfig(t, name))
		var want modelGoldens
		readJSON(t, name+".goldens.json", &want)
		for _, c := range want.Corpora {
			whole := sha256.New()
			for _, text := range c.read(t, shared) {
				whole.Write(tokensOf(tok, text))
			}
			if got := hex.EncodeToString(whole.Sum(nil)[:hashSize]); got != c.Hash {
				t.Errorf("%s: the tokens of %s differ from the reference's", name, c.Path)
			}
		}
	}
}

func checkAnswers(t *testing.T, what string, samples []sample, want []byte, answer func(i int) []byte) {
	t.Helper()
	bad := 0
	for i := range len(want) / shortHash {
		sum := sha256.Sum256(answer(i))
		if bytes.Equal(sum[:shortHash], want[i*shortHash:][:shortHash]) {
			continue
		}
		if bad++; bad <= 3 {
			t.Errorf("generated.jsonl:%d: %s differ from the reference's for %.120q", i+1, what, samples[i].text())
		}
	}
	if bad > 3 {
		t.Errorf("%d more %s differ", bad-3, what)
	}
	if len(want) == 0 {
		t.Errorf("no goldens of %s", what)
	}
}

func tokensOf(tok *Tokenizer, text string) []byte { return appendTokens(nil, tok.Tokenize(text)) }

func decodedOf(tok *Tokenizer, text string) []byte {
	ids, _ := tok.Encode(text, 0)
	return []byte(tok.Decode(ids, false) + "\x00" + tok.Decode(ids, true))
}

func pairOf(tok *Tokenizer, a, b string, limit int) []byte {
	ids, types, _ := tok.EncodePair(a, b, limit)
	var out []byte
	for _, x := range append(ids, types...) {
		out = binary.LittleEndian.AppendUint32(out, uint32(x))
	}
	return out
}

func readConfig(tb testing.TB, name string) map[string]any {
	tb.Helper()
	f, err := os.Open(filepath.Join(goldens, name+".json.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(data, &config); err != nil {
		tb.Fatal(err)
	}
	return config
}

func parseConfig(tb testing.TB, config map[string]any) *Tokenizer {
	tb.Helper()
	data, err := json.Marshal(config)
	if err != nil {
		tb.Fatal(err)
	}
	tok, err := Parse(data)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

// changedConfig is a copy with sections replaced, members of the model replaced, and added tokens added.
func changedConfig(config, patch map[string]any) map[string]any {
	out := maps.Clone(config)
	for section, value := range patch {
		switch section {
		case "model":
			m := maps.Clone(config[section].(map[string]any))
			maps.Copy(m, value.(map[string]any))
			out[section] = m
		case "added_tokens":
			out[section] = slices.Concat(config[section].([]any), value.([]any))
		default:
			out[section] = filled(value, config["normalizer"])
		}
	}
	return out
}

// filled is a section with the charsmap of the model's own normalizer in the place of an empty one.
func filled(section, own any) any {
	s, ok := section.(map[string]any)
	if !ok {
		return section
	}
	if s["type"] == "Precompiled" {
		return own.(map[string]any)["normalizers"].([]any)[0]
	}
	parts, ok := s["normalizers"].([]any)
	if !ok {
		return section
	}
	out := maps.Clone(s)
	var list []any
	for _, p := range parts {
		list = append(list, filled(p, own))
	}
	out["normalizers"] = list
	return out
}

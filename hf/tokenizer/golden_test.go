package tokenizer

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
)

// The goldens are what the reference answers; fixtures/tokenizer/make_goldens.py makes them.
const goldens = "../../fixtures/tokenizer"

const hashSize = 8

// sample is one text of the goldens, in base64 where it is not valid UTF-8.
type sample struct {
	Text    string   `json:"text"`
	Base64  []byte   `json:"base64"`
	Hash    string   `json:"hash"`
	Tokens  []string `json:"tokens"`
	IDs     []int32  `json:"ids"`
	Offsets [][2]int `json:"offsets"`
}

func (s sample) text() string {
	if s.Base64 != nil {
		return string(s.Base64)
	}
	return s.Text
}

func TestSource(t *testing.T) {
	var want struct {
		SHA256 string `json:"tokenizer_sha256"`
	}
	readJSON(t, "source.json", &want)
	file, err := os.ReadFile(bundled)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(file); hex.EncodeToString(sum[:]) != want.SHA256 {
		t.Errorf("%s has SHA-256 %x, the goldens are of %s: make them again", bundled, sum, want.SHA256)
	}
}

func TestReadable(t *testing.T) {
	tok := load(t)
	for _, s := range readSamples(t, "readable.jsonl") {
		var want []hf.Token
		for i, id := range s.IDs {
			want = append(want, hf.Token{ID: id, Start: s.Offsets[i][0], End: s.Offsets[i][1]})
		}
		if diff := cmp.Diff(want, tok.Tokenize(s.text())); diff != "" {
			t.Errorf("%.60q (%q), -reference +ours:\n%s", s.text(), s.Tokens, diff)
		}
	}
}

func TestGenerated(t *testing.T) {
	tok := load(t)
	samples := readSamples(t, "generated.jsonl")
	if len(samples) < 2000 {
		t.Errorf("only %d samples", len(samples))
	}
	for i, s := range samples {
		checkHash(t, tok, fmt.Sprintf("generated.jsonl:%d", i+1), s.text(), unhex(t, s.Hash))
	}
}

// TestVariants reads the generated texts with changed copies of the tokenizer.json: every flag of the normalizer and
// of added tokens, and the model's settings.
func TestVariants(t *testing.T) {
	var variants []struct {
		Name   string         `json:"name"`
		Patch  map[string]any `json:"patch"`
		Hashes string         `json:"hashes"`
	}
	readJSON(t, "variants.json", &variants)
	samples := readSamples(t, "generated.jsonl")
	for _, v := range variants {
		t.Run(v.Name, func(t *testing.T) {
			tok := loadPatched(t, v.Patch)
			hashes := splitHashes(t, v.Hashes, len(samples))
			for i, s := range samples {
				checkHash(t, tok, fmt.Sprintf("generated.jsonl:%d", i+1), s.text(), hashes[i])
			}
		})
	}
}

// TestRepeated reads 10 MB of one thing.
func TestRepeated(t *testing.T) {
	var list []struct {
		Unit  string `json:"unit"`
		Bytes int    `json:"bytes"`
		Hash  string `json:"hash"`
	}
	readJSON(t, "repeated.json", &list)
	tok := load(t)
	for _, g := range list {
		text := strings.Repeat(g.Unit, g.Bytes/len(g.Unit))
		checkHash(t, tok, fmt.Sprintf("%d bytes of %q", g.Bytes, g.Unit), text, unhex(t, g.Hash))
	}
}

// checkHash compares the tokens of text with a hash of the reference's.
func checkHash(t *testing.T, tok *Tokenizer, where, text string, want []byte) {
	t.Helper()
	got := tok.Tokenize(text)
	if bytes.Equal(hashTokens(got), want) {
		return
	}
	t.Errorf("%s: tokens differ from the reference's; %d of ours, first %v, for %.80q", where, len(got), got[:min(len(got), 12)], text)
}

func hashTokens(tokens []hf.Token) []byte {
	return hashBytes(appendTokens(make([]byte, 0, 12*len(tokens)), tokens))
}

func appendTokens(b []byte, tokens []hf.Token) []byte {
	for _, x := range tokens {
		b = appendTriple(b, x.ID, x.Start, x.End)
	}
	return b
}

func appendTriple(b []byte, id int32, start, end int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(id))
	b = binary.LittleEndian.AppendUint32(b, uint32(start))
	return binary.LittleEndian.AppendUint32(b, uint32(end))
}

func hashBytes(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:hashSize]
}

func readSamples(t *testing.T, name string) []sample {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(goldens, name))
	if err != nil {
		t.Fatal(err)
	}
	var list []sample
	for line := range bytes.Lines(data) {
		var s sample
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatalf("%s:%d: %v", name, len(list)+1, err)
		}
		list = append(list, s)
	}
	return list
}

func readJSON(t *testing.T, name string, dst any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(goldens, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, dst); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// splitHashes decodes n hashes.
func splitHashes(t *testing.T, b64 string, n int) [][]byte {
	t.Helper()
	all, err := base64.StdEncoding.DecodeString(b64)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != n*hashSize {
		t.Fatalf("%d bytes of hashes for %d texts", len(all), n)
	}
	var list [][]byte
	for len(all) > 0 {
		list, all = append(list, all[:hashSize]), all[hashSize:]
	}
	return list
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

package tokenizer

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus is a file of the shared data; its texts are never committed.
type corpus struct {
	Path   string   `json:"path"`
	Fields []string `json:"fields"`
	Texts  int      `json:"texts"`
	Hashes string   `json:"hashes"`
}

// TestCorpora compares every text of the corpora with the reference.
func TestCorpora(t *testing.T) {
	if testing.Short() {
		t.Skip("measures much, and alone")
	}
	shared := cmp.Or(os.Getenv("SEARCHD_SHARED_DATA"), "../../../shared/data")
	if _, err := os.Stat(shared); err != nil {
		t.Skipf("the shared corpora are not at %s; set SEARCHD_SHARED_DATA", shared)
	}
	var list []corpus
	readJSON(t, "corpora.json", &list)
	tok := load(t)
	for _, c := range list {
		t.Run(c.Path, func(t *testing.T) {
			hashes := splitHashes(t, c.Hashes, c.Texts)
			texts := c.read(t, shared)
			if len(texts) != c.Texts {
				t.Fatalf("%d texts, the goldens have %d", len(texts), c.Texts)
			}
			for i, text := range texts {
				where := fmt.Sprintf("record %d, %s", i/len(c.Fields), c.Fields[i%len(c.Fields)])
				checkHash(t, tok, where, text, hashes[i])
			}
		})
	}
}

func (c corpus) read(t *testing.T, shared string) []string {
	t.Helper()
	data := readMaybeGzip(t, filepath.Join(shared, c.Path))
	switch filepath.Ext(c.Path) {
	case ".txt":
		return strings.Split(string(data), "\n")
	case ".json":
		var list []string
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	return c.records(t, data)
}

// records are the fields of JSON lines, record by record.
func (c corpus) records(t *testing.T, data []byte) []string {
	t.Helper()
	var texts []string
	for line := range bytes.Lines(data) {
		var record map[string]any
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatal(err)
		}
		for _, field := range c.Fields {
			text, _ := record[field].(string) // absent is empty
			texts = append(texts, text)
		}
	}
	return texts
}

func readMaybeGzip(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".gz") {
		return data
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	return data
}

package bundled_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"searchd/hf/bundled"
	"searchd/hf/encoder"
	"searchd/hf/local"
	"searchd/hf/safetensors"
)

const weightsFile = "model.safetensors"

func view(t *testing.T, name string) []byte {
	t.Helper()
	b, err := bundled.FS().(local.Viewer).View(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// The recorded hashes are those of the file.
func TestHashes(t *testing.T) {
	weights := view(t, weightsFile)
	if got := "sha256:" + hash(weights); got != bundled.Revision {
		t.Errorf("Revision is %s, but the file has %s", bundled.Revision, got)
	}
	file, err := safetensors.Parse(weights)
	if err != nil {
		t.Fatal(err)
	}
	if got := encoder.Source(file); got != bundled.PublishedSHA256 {
		t.Errorf("the file was made from %s, not from %s", got, bundled.PublishedSHA256)
	}
	provenance := string(view(t, "PROVENANCE.md"))
	for _, sum := range []string{bundled.PublishedSHA256, strings.TrimPrefix(bundled.Revision, "sha256:")} {
		if !strings.Contains(provenance, sum) {
			t.Errorf("PROVENANCE.md does not mention %s", sum)
		}
	}
}

func TestFS(t *testing.T) {
	names := []string{"LICENSE", "PROVENANCE.md", "1_Pooling/config.json", "config.json", "modules.json", "sentence_bert_config.json", "tokenizer.json", weightsFile}
	if err := fstest.TestFS(bundled.FS(), names...); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, view(t, name)) {
			t.Errorf("%s differs from the file", name)
		}
	}
	if _, err := bundled.FS().(local.Viewer).View("absent"); err == nil {
		t.Error("View answered for a file that is not there")
	}
}

// Looking at the weights must not copy them.
func TestViewDoesNotCopy(t *testing.T) {
	viewer := bundled.FS().(local.Viewer)
	allocations := testing.AllocsPerRun(10, func() {
		if b, err := viewer.View(weightsFile); err != nil || len(b) < 20<<20 {
			t.Fatal(len(b), err)
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func TestCard(t *testing.T) {
	e, err := bundled.Open(local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := e.Card()
	if c.ID != "sentence-transformers/all-MiniLM-L6-v2" || c.Revision != bundled.Revision || c.Dimensions != 384 || c.MaxTokens != 256 ||
		c.Pooling != "mean" || !c.Normalized || c.Licence != "Apache-2.0" || c.Source != "bundled" || c.Precision != "int8" ||
		c.Parameters != 22_565_376 || c.Architecture != "bert" || c.Null.StdDev <= 0 {
		t.Errorf("%+v", c)
	}
}

// The bundled weights are what converting the published ones gives, byte for byte.
func TestPublished(t *testing.T) {
	folder := os.Getenv("SEARCHD_PUBLISHED_MODEL")
	if folder == "" {
		t.Skip("SEARCHD_PUBLISHED_MODEL is not set: it names a folder with the published model (fixtures/encoder/check_bundled.sh fetches it)")
	}
	published, err := os.ReadFile(filepath.Join(folder, weightsFile))
	if err != nil {
		t.Fatal(err)
	}
	if got := hash(published); got != bundled.PublishedSHA256 {
		t.Fatalf("the published weights have SHA-256 %s, not %s", got, bundled.PublishedSHA256)
	}
	dst := t.TempDir()
	if err := local.Convert(folder, dst); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{weightsFile, "config.json", "modules.json", "sentence_bert_config.json", "tokenizer.json", "1_Pooling/config.json"} {
		b, err := os.ReadFile(filepath.Join(dst, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, view(t, name)) {
			t.Errorf("%s: converting the published model gives another file", name)
		}
	}
}

package local_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"searchd/hf/local"
	"searchd/hf/safetensors"
)

// published writes a folder with a small model: the tiny one's weights beside the bundled tokenizer.
func published(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	copyTo(t, fixtures+"tiny.json", filepath.Join(dir, "config.json"))
	copyTo(t, fixtures+"tiny.safetensors", filepath.Join(dir, "model.safetensors"))
	copyTo(t, "../bundled/tokenizer.json", filepath.Join(dir, "tokenizer.json"))
	copyTo(t, "../bundled/modules.json", filepath.Join(dir, "modules.json"))
	copyTo(t, "../bundled/1_Pooling/config.json", filepath.Join(dir, "1_Pooling", "config.json"))
	return dir
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestConvert(t *testing.T) {
	src := published(t)
	first, second := filepath.Join(t.TempDir(), "new", "folder"), t.TempDir()
	if err := local.Convert(src, first); err != nil {
		t.Fatal(err)
	}
	if err := local.Convert(filepath.Join(src, "model.safetensors"), second); err != nil {
		t.Fatal(err)
	}
	if err := local.Convert(src, second); err != nil {
		t.Fatal("over the files of an earlier run:", err)
	}
	names := listing(t, first)
	if want := "1_Pooling/config.json config.json model.safetensors modules.json tokenizer.json"; names != want || listing(t, second) != want {
		t.Errorf("%s and %s", names, listing(t, second))
	}
	for _, name := range strings.Fields(names) {
		a, _ := os.ReadFile(filepath.Join(first, name))
		b, _ := os.ReadFile(filepath.Join(second, name))
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s differs from run to run", name)
		}
	}
	file, err := safetensors.Open(filepath.Join(first, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if q, err := file.Tensor("encoder.layer.2.output.dense.weight"); err != nil || q.DType != safetensors.I8 {
		t.Error(q.DType, err)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestConvertRefuses(t *testing.T) {
	src := published(t)
	broken := published(t)
	if err := os.WriteFile(filepath.Join(broken, "model.safetensors"), []byte("nothing"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, src, dst, want string }{
		{"no source", filepath.Join(src, "absent"), t.TempDir(), "absent"},
		{"another file", filepath.Join(src, "config.json"), t.TempDir(), "neither a folder nor model.safetensors"},
		{"empty folder", t.TempDir(), t.TempDir(), "config.json"},
		{"onto itself", src, src, "is the source itself"},
		{"broken weights", broken, t.TempDir(), "model.safetensors: safetensors: not a sound"},
		{"destination is a file", src, filepath.Join(src, "config.json"), "config.json"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := local.Convert(test.src, test.dst); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want one with %q", err, test.want)
			}
		})
	}
	if names := listing(t, src); strings.Contains(names, "tmp") {
		t.Error("left behind:", names)
	}
}

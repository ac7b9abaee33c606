// Package searchd_test holds the rules that concern the whole tree.
package searchd_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// allowed is the import table: what a package of ours may import of ours. A package that is not here must not exist;
// to add one, say here what it may know. An entry that ends in /... stands for the packages below as well.
var allowed = map[string][]string{
	"models":               {},
	"models/db":            {"internal/lru", "models"},
	"internal/lru":         {},
	"internal/prose":       {},
	"internal/cores":       {},
	"internal/folder":      {},
	"internal/simd":        {},
	"hf":                   {"models"},
	"hf/safetensors":       {},
	"hf/hftest":            {"hf", "models"},
	"hf/tokenizer":         {"hf"},
	"hf/encoder":           {"internal/cores", "hf/safetensors", "internal/simd"},
	"hf/local":             {"hf", "models", "internal/cores", "hf/safetensors", "hf/tokenizer", "hf/encoder", "internal/simd"},
	"hf/pickle":            {"hf/safetensors"},
	"hf/hub":               {"models"},
	"hf/hub/hubtest":       {},
	"hf/library":           {"hf", "hf/hub", "hf/local", "hf/pickle", "hf/safetensors", "models"},
	"hf/bundled":           {"hf", "hf/encoder", "hf/local", "internal/simd"},
	"index":                {"models"},
	"index/auto":           {"index"},
	"index/chromem":        {"index"},
	"index/hnsw":           {"index", "internal/cores", "internal/simd"},
	"index/indextest":      {"index"},
	"index/lexical":        {"internal/lru", "models"},
	"ingest/extract":       {"internal/prose"},
	"ingest":               {"ingest/extract", "hf", "index", "index/lexical", "internal/cores", "models", "models/db"},
	"search":               {"hf", "index", "index/lexical", "internal/cores", "internal/lru", "internal/prose", "internal/simd", "models", "models/db"},
	"internal/secret":      {},
	"internal/metrics":     {"models"},
	"internal/sse":         {},
	"hf/remote":            {"hf", "internal/sse"},
	"hf/gateway":           {"hf"},
	"hf/inproc":            {"hf", "internal/prose", "models"},
	"hf/catalog":           {"hf", "models"},
	"tasks":                {"hf", "hf/catalog", "hf/gateway", "hf/inproc", "hf/remote", "internal/secret", "models", "models/db", "search"},
	"api/wire":             {},
	"api/reference":        {},
	"api/client":           {"api/wire", "internal/sse", "models"},
	"api":                  {"api/reference", "api/wire", "ingest", "ingest/extract", "search", "tasks", "hf", "hf/catalog", "hf/gateway", "hf/remote", "internal/cores", "internal/metrics", "models", "models/db"},
	"web":                  {},
	"api/clients/upstream": {"hf/hftest"},
	"fixtures":             {},
	"cmd/searchd":          {"..."},
}

// exclusive are libraries that one package alone may import: where they are replaced, one package changes.
var exclusive = map[string]string{
	"github.com/gofiber/fiber":           "api",
	"gorm.io/":                           "models/db",
	"modernc.org/sqlite":                 "models/db",
	"github.com/philippgille/chromem-go": "index/chromem",
	"github.com/blevesearch/":            "index/lexical",
	"github.com/alecthomas/kong":         "cmd/searchd",
	"github.com/failsafe-go/failsafe-go": "hf/gateway",
	"github.com/maypok86/otter":          "hf/gateway",
	"github.com/jonreiter/govader":       "hf/inproc",
	"github.com/schollz/progressbar":     "cmd/searchd",
	"github.com/prometheus/":             "internal/metrics",
	"github.com/fsnotify/fsnotify":       "internal/folder",
	"github.com/go-git/":                 "internal/folder",
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportTable(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, "searchd/")
		may, known := allowed[name]
		if !known {
			t.Errorf("package %s is not in the import table", name)
			continue
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, "searchd/"); ok && !slices.Contains(may, ours) && !slices.Contains(may, "...") {
				t.Errorf("%s imports %s, which the import table does not allow", name, ours)
			}
			for library, owner := range exclusive {
				if strings.HasPrefix(imported, library) && name != owner {
					t.Errorf("%s imports %s, which only %s may", name, imported, owner)
				}
			}
		}
	}
}

func TestModelsImportOnlyTheStandardLibrary(t *testing.T) {
	for _, p := range listPackages(t) {
		if p.ImportPath != "searchd/models" {
			continue
		}
		for _, imported := range p.Imports {
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
				t.Errorf("models imports %s", imported)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range listPackages(t) {
		dir := strings.TrimPrefix(p.ImportPath, "searchd/")
		file := path.Join(dir, "doc.go")
		if dir == "cmd/searchd" {
			file = path.Join(dir, "main.go")
		}
		text, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(text), "// ") {
			t.Errorf("%s has no package comment in %s", dir, file)
		}
	}
}

// listPackages lists the packages of this module, apart from this one, as the product is built: without cgo.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath != "searchd" {
			list = append(list, p)
		}
	}
}

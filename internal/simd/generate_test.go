package simd

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGenerated writes the assembly again and compares it with the committed files.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED in short mode: whether the assembly is what _gen writes")
	}
	if out, err := generator("mod", "download").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: the generator's modules cannot be fetched (no network and no module cache?), so nobody has "+
			"checked that the assembly is what _gen writes: %v\n%s", err, out)
	}
	dir := t.TempDir()
	if out, err := generator("run", ".", "-dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("go run in _gen: %v\n%s", err, out)
	}
	want, got := generatedFiles(t, "."), generatedFiles(t, dir)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the committed assembly is not what _gen writes: run go generate (-committed +generated)\n%s", diff)
	}
}

func generator(args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Dir = "_gen"
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOOS=", "GOARCH=") // also where the tests are built for another machine
	return cmd
}

// generatedFiles reads the assembly of a folder and the declarations that belong to it.
func generatedFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	sources, err := filepath.Glob(filepath.Join(dir, "*_amd64.s"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("no assembly in %s: %v", dir, err)
	}
	files := make(map[string]string)
	for _, source := range sources {
		for _, name := range []string{source, source[:len(source)-len(".s")] + ".go"} {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(name)] = string(text)
		}
	}
	return files
}

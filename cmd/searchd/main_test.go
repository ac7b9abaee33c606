package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"searchd/hf/hub/hubtest"
)

// TestMain lets the test binary stand for searchd: the scripts and the crash test start it as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"searchd": main})
}

// TestScripts runs the command line as a person would: see testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serveInScript,
			"hub":   hubInScript,
		},
	})
}

// serveInScript starts a server for the rest of a script and puts its address into $SERVER.
func serveInScript(ts *testscript.TestScript, _ bool, args []string) {
	p, err := startServerIn(context.Background(), []string{"HF_HOME=" + ts.Getenv("HF_HOME")}, ts.MkAbs("served"), args...)
	ts.Check(err)
	ts.Setenv("SERVER", p.url)
	ts.Defer(p.stop)
}

// hubInScript starts a fake hub for the rest of a script. It has acme/tiny, made of the files in a folder of the script and
// the weights of the fixtures, the same as acme/gated, and openai/gpt2, which cannot be run. The cache is in the script's folder.
func hubInScript(ts *testscript.TestScript, _ bool, args []string) {
	tiny := hubtest.Repo{Files: map[string][]byte{}}
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(ts.MkAbs(args[0]), path)
		tiny.Files[filepath.ToSlash(name)] = []byte(ts.ReadFile(path))
		return err
	}))
	weights, err := os.ReadFile("../../fixtures/encoder/tiny.safetensors")
	ts.Check(err)
	tiny.Files["model.safetensors"] = weights
	gated := tiny
	gated.Gated = true
	config := bytes.Replace(tiny.Files["config.json"], []byte("bert"), []byte("gpt2"), 1)
	other := hubtest.Repo{Files: map[string][]byte{"config.json": config, "model.safetensors": weights}}
	s := hubtest.New(deferrer{ts}, map[string]hubtest.Repo{"acme/tiny": tiny, "acme/gated": gated, "openai/gpt2": other})
	ts.Setenv("HF_ENDPOINT", s.URL)
	ts.Setenv("HF_HOME", ts.MkAbs("hf"))
}

// deferrer lets a script's end stand for a test's.
type deferrer struct{ ts *testscript.TestScript }

func (d deferrer) Cleanup(f func()) { d.ts.Defer(f) }

// process is a running server.
type process struct {
	url    string
	cmd    *exec.Cmd
	stderr *tail
	once   sync.Once
}

// startServer starts searchd serve on a free port and waits for its first line.
func startServer(ctx context.Context, data string, args ...string) (*process, error) {
	return startServerIn(ctx, nil, data, args...)
}

// startServerIn starts a server with variables beside those of the test's environment.
func startServerIn(ctx context.Context, variables []string, data string, args ...string) (*process, error) {
	path, err := exec.LookPath("searchd") // put there by testscript.Main
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"serve", "--addr", "127.0.0.1:0", "--data", data}, args...)...)
	cmd.Env = append(os.Environ(), variables...)
	said := &tail{}
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("first line %q: %w; standard error: %s", line, cmp.Or(err, errors.New("not the address")), said)
	}
	return &process{url: address, cmd: cmd, stderr: said}, nil
}

// kill ends the process as a power cut would: it gets no say.
func (p *process) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
}

// stop asks the process to end.
func (p *process) stop() {
	p.once.Do(func() {
		_ = p.cmd.Process.Signal(os.Interrupt)
		done := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
		defer done.Stop()
		_ = p.cmd.Wait()
	})
}

// tail keeps the end of what a process writes.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-4096):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

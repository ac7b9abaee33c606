package main

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"searchd/hf/hftest"
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
		Setup: func(env *testscript.Env) error {
			router := hftest.NewServer(t, hftest.ServerOptions{Key: routerKey})
			env.Values[upstream{}], env.Values[running{}] = router, &servers{}
			env.Setenv("ROUTER", router.URL)
			env.Setenv("ROUTER_KEY", routerKey)
			models, err := filepath.Abs("../../fixtures/encoder/models")
			env.Setenv("MODELS", models)
			env.Setenv("SHARED", sharedData())
			return err
		},
		Condition: func(name string) (bool, error) {
			if name != "shared" {
				return false, fmt.Errorf("no condition is called %q", name)
			}
			_, err := os.Stat(sharedData())
			return err == nil && !testing.Short(), nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":   serveInScript,
			"hub":     hubInScript,
			"trouble": troubleInScript,
			"exits":   exitsInScript,
			"logged":  loggedInScript,
			"soon":    soonInScript,
			"damage":  damageInScript,
		},
	})
}

// sharedData is a folder with real documents, where it is there.
func sharedData() string {
	dir, err := filepath.Abs(cmp.Or(os.Getenv("SEARCHD_SHARED_DATA"), "../../../shared/data"))
	if err != nil {
		panic(err)
	}
	return dir
}

// routerKey is what the fake router of a script wants to see.
const routerKey = "hf_SecretSecretSecretSecret9876"

// upstream and running are under which a script keeps its fake router and its server.
type (
	upstream struct{}
	running  struct{}
	servers  struct{ last *process }
)

// troubleInScript makes the fake router fail in what it is asked next but one: the first question, for its models, is public.
func troubleInScript(ts *testscript.TestScript, _ bool, args []string) {
	trouble, ok := map[string]hftest.Trouble{
		"401": hftest.BadKey(), "402": hftest.NoCredits(), "403": hftest.NoPermission(), "404": hftest.NotFound(), "410": hftest.Retired(),
		"429": hftest.RateLimited(time.Minute), "500": hftest.Broken(500), "503": hftest.Loading(20 * time.Second),
		"html": hftest.HTML(http.StatusOK), "hang": hftest.Hang(), "reset": hftest.Reset(),
	}[strings.Join(args, " ")]
	if !ok {
		ts.Fatalf("no trouble is called %q", args)
	}
	router := ts.Value(upstream{}).(*hftest.Server)
	router.Next(1, hftest.Slow(0))
	router.Next(1, trouble)
}

// exitsInScript runs a command that has to end with an exit code: exits CODE COMMAND….
func exitsInScript(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	if failed := (*exec.ExitError)(nil); errors.As(ts.Exec(args[1], args[2:]...), &failed) {
		code = failed.ExitCode()
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("%v: exit code %d, want %s", args[1:], code, args[0])
	}
}

// damageInScript runs statements on the store of a folder that nobody has open: damage FOLDER STATEMENT….
func damageInScript(ts *testscript.TestScript, _ bool, args []string) {
	file, err := sql.Open("sqlite", ts.MkAbs(filepath.Join(args[0], "searchd.db")))
	ts.Check(err)
	for _, statement := range args[1:] {
		_, err := file.ExecContext(context.Background(), statement)
		ts.Check(err)
	}
	ts.Check(file.Close())
}

// soonInScript runs a command again and again until its output has a text: soon TEXT COMMAND….
func soonInScript(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); err == nil && strings.Contains(out, args[0]) != neg {
			return
		} else if time.Now().After(deadline) {
			ts.Fatalf("%v: %v; still %v that there is %q in\n%s", args[1:], err, neg, args[0], out)
		}
	}
}

// serveInScript starts a server for the rest of a script and puts its address into $SERVER.
func serveInScript(ts *testscript.TestScript, _ bool, args []string) {
	p, err := startServerIn(context.Background(), []string{"HF_HOME=" + ts.Getenv("HF_HOME")}, ts.MkAbs("served"), args...)
	ts.Check(err)
	ts.Setenv("SERVER", p.url)
	ts.Value(running{}).(*servers).last = p
	ts.Defer(p.stop)
}

// loggedInScript looks for a text in what the server of the script has logged of late.
func loggedInScript(ts *testscript.TestScript, neg bool, args []string) {
	if log := ts.Value(running{}).(*servers).last.stderr.String(); strings.Contains(log, args[0]) == neg {
		ts.Fatalf("%q in the log: %v:\n%s", args[0], !neg, log)
	}
}

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
	return startServerUnder(ctx, nil, variables, data, args...)
}

// startServerUnder starts a server by way of another command, which must become the server.
func startServerUnder(ctx context.Context, wrapper, variables []string, data string, args ...string) (*process, error) {
	path, err := exec.LookPath("searchd") // put there by testscript.Main
	if err != nil {
		return nil, err
	}
	line := append(slices.Clone(wrapper), path, "serve", "--addr", "127.0.0.1:0", "--data", data)
	cmd := exec.CommandContext(ctx, line[0], append(line[1:], args...)...)
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
	first, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	if err != nil || !ok {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("first line %q: %w; standard error: %s", first, cmp.Or(err, errors.New("not the address")), said)
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

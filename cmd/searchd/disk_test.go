package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"searchd/api/client"
	"searchd/api/wire"
)

// skipForLack skips a test for lack of a means, but where everything is to be tested.
func skipForLack(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("SEARCHD_NO_SKIP") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// smallDisk mounts a file system of so many MiB.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", size), "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// TestAFullDisk fills the disk under a server that takes documents in. It says so, answers searches, and goes on without a
// restart when there is room again.
func TestAFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	dir := smallDisk(t, 48)
	data, ballast := filepath.Join(dir, "data"), filepath.Join(dir, "ballast")
	l := &ledger{docs: map[string]*entry{}, fresh: map[string]bool{}}
	p, c := serveForCrash(t, data)
	// Its index keeps files too, which must follow when there is room again.
	if _, err := c.CreateCollection(t.Context(), wire.NewCollection{Name: "default", Engine: "hnsw"}); err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var mine []string
	for range 5 {
		if !upload(t.Context(), c, l, r, &mine) {
			t.Fatalf("nothing is wrong yet; server: %s", p.stderr)
		}
	}
	fill(t, ballast)
	failures := uploadToABadDisk(t, c, l, r, time.Second)
	if len(failures) == 0 {
		t.Fatal("no upload failed on a full disk")
	}
	for _, err := range failures {
		namesTheDisk(t, err, "the disk is full")
	}
	if _, err := c.Search(t.Context(), "", wire.SearchRequest{Query: crashText(1, 1)}); err != nil {
		t.Errorf("a search on a full disk: %v; server: %s", err, p.stderr)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	for !upload(t.Context(), c, l, r, &mine) {
		if time.Since(freed) > 20*time.Second {
			t.Fatalf("there is room again, and uploads fail; server: %s", p.stderr)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("%d uploads failed; the next was taken in %v after there was room", len(failures), time.Since(freed))
	soundAfterwards(t, p, c, l)
	p.stop()
	p, c = serveForCrash(t, data)
	soundAfterwards(t, p, c, l)
	p.stop()
}

// fill writes a file until nothing more fits.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// uploadToABadDisk uploads from several connections for a while, and answers the errors.
func uploadToABadDisk(t *testing.T, c *client.Client, l *ledger, r *rand.Rand, d time.Duration) []error {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var mu sync.Mutex
	var failures []error
	var wg sync.WaitGroup
	for range uploaders {
		own := rand.New(rand.NewPCG(r.Uint64(), 1))
		wg.Go(func() {
			for ctx.Err() == nil {
				id, number, version := l.send("", false)
				job, err := c.Ingest(ctx, "", []wire.Document{{ID: id, Text: crashText(number, version), Metadata: crashMetadata(number, version)}}, own.IntN(2))
				switch {
				case err == nil && job.Failed == 0:
					l.ack(id, version)
				case ctx.Err() == nil && err == nil:
					t.Errorf("a document failed alone: %+v", job)
				case ctx.Err() == nil:
					mu.Lock()
					failures = append(failures, err)
					mu.Unlock()
					time.Sleep(20 * time.Millisecond) // each is looked for in the end
				}
			}
		})
	}
	wg.Wait()
	return failures
}

// namesTheDisk makes sure that an error says what is wrong, and that it is not for ever.
func namesTheDisk(t *testing.T, err error, words string) {
	t.Helper()
	var shown *wire.Error
	if !errors.As(err, &shown) || shown.Type != "unavailable_error" || !strings.Contains(shown.Message, words) {
		t.Errorf("an upload on a bad disk fails with %v; want an unavailable_error that says %q", err, words)
	}
}

// soundAfterwards makes sure that everything that was acknowledged is there, and that a check finds nothing.
func soundAfterwards(t *testing.T, p *process, c *client.Client, l *ledger) {
	t.Helper()
	verify(t, c, l, l.all())
	checkStore(t, c)
	notPanicked(t, p)
}

func notPanicked(t *testing.T, p *process) {
	t.Helper()
	if log := p.stderr.String(); strings.Contains(log, "panic") || strings.Contains(log, "goroutine ") {
		t.Errorf("the server has panicked: %s", log)
	}
}

// TestAFailingDisk has the system answer a server's writes with errors. What it has acknowledged nevertheless is there after a
// start on a disk that works.
func TestAFailingDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	inject := func(what string) []string {
		// -D makes the server the process that is started, so that it can be killed.
		return []string{"strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,fsync,fdatasync", "-e", "signal=none", "-e", "inject=" + what}
	}
	for _, fault := range []struct {
		name    string
		wrapper []string // when=K+N: from its Kth call on, every Nth of a thread fails
	}{
		{"writes that find no room", inject("pwrite64:error=ENOSPC:when=60+9")},
		{"writes that fail", inject("pwrite64:error=EIO:when=60+9")},
		{"syncs that fail", inject("fsync,fdatasync:error=EIO:when=5+4")},
		{"files that are cut short at a limit", []string{"prlimit", "--fsize=1000000"}},
	} {
		t.Run(fault.name, func(t *testing.T) { failingDisk(t, fault.wrapper) })
	}
}

func failingDisk(t *testing.T, wrapper []string) {
	if _, err := exec.LookPath(wrapper[0]); err != nil {
		skipForLack(t, "%s is not here, which makes a disk fail: %v", wrapper[0], err)
	}
	data := filepath.Join(t.TempDir(), "data")
	l := &ledger{docs: map[string]*entry{}, fresh: map[string]bool{}}
	r := rand.New(rand.NewPCG(rand.Uint64(), 0))
	p, c := serveForCrash(t, data)
	var mine []string
	upload(t.Context(), c, l, r, &mine)
	p.stop()

	p, err := startServerUnder(context.WithoutCancel(t.Context()), wrapper, nil, data, "--log", "error")
	if err != nil {
		if strings.Contains(strings.ToLower(err.Error()), "ptrace") {
			skipForLack(t, "nothing can be traced here: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	if c, err = client.New(p.url, nil); err != nil {
		t.Fatal(err)
	}
	failures := uploadToABadDisk(t, c.WithRetries(0), l, r, 2*time.Second)
	for _, err := range failures {
		namesTheDisk(t, err, "the disk")
	}
	said := p.stderr.String()
	notPanicked(t, p)
	if len(failures) == 0 && said == "" {
		t.Error("nothing has failed: the test did not test")
	}
	p.kill()
	p, c = serveForCrash(t, data)
	soundAfterwards(t, p, c, l)
	p.stop()
	acknowledged, _ := l.count()
	t.Logf("%d uploads failed, %d documents are acknowledged", len(failures), acknowledged)
}

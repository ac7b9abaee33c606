package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	clients  = 32              // at the same time, each with one text a request
	loadTime = 4 * time.Second // of each kind of text
)

// process is a searchd that was started for a measurement, with a data folder of its own.
type process struct {
	url    string
	pid    int
	client *http.Client
	stop   func() // ends it, and removes the folder if it was made for it
}

// startBinary starts a searchd.
func startBinary(ctx context.Context, binary string) (*process, error) {
	dir, err := os.MkdirTemp("", "searchd-bench")
	if err != nil {
		return nil, err
	}
	p, err := startIn(ctx, binary, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop := p.stop
	p.stop = func() { stop(); _ = os.RemoveAll(dir) }
	return p, nil
}

// startIn starts a searchd on a data folder, which stays.
func startIn(ctx context.Context, binary, dir string) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, binary, "serve", "--addr", "127.0.0.1:0", "--data", dir, "--log", "error")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	p := &process{
		pid: cmd.Process.Pid, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: 10 * time.Minute},
		stop: func() { cancel(); _ = cmd.Wait() }, // it ends with the signal that it was sent
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		p.stop()
		return nil, fmt.Errorf("searchd did not start: %q: %w", line, err)
	}
	p.url = address
	return p, nil
}

// measureBinary starts a searchd and puts it under load through the route of text-embeddings-inference.
func measureBinary(ctx context.Context, binary string, w *workload) (figures, error) {
	p, err := startBinary(ctx, binary)
	if err != nil {
		return figures{}, err
	}
	defer p.stop()
	f, err := measureServer(ctx, "searchd over HTTP", p.url+"/embed", w)
	f.MemoryMB = residentMB(p.pid)
	return f, err
}

// measureServer puts a server under load.
func measureServer(ctx context.Context, name, url string, w *workload) (f figures, err error) {
	f.Engine = name
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: time.Minute}
	if f.Queries, err = load(ctx, c, url, w.Queries); err != nil {
		return f, err
	}
	if f.Passages, err = load(ctx, c, url, w.Passages); err != nil {
		return f, err
	}
	one := func(texts []string) error { return post(ctx, c, url, texts[0]) }
	if f.OneQueryMS, err = medianMS(w.Queries, 200, one); err != nil {
		return f, err
	}
	f.OnePassageMS, err = medianMS(w.Passages, 60, one)
	return f, err
}

// load is how many requests a second a server answers to all clients together.
func load(ctx context.Context, c *http.Client, url string, texts []string) (float64, error) {
	var wg sync.WaitGroup
	var done atomic.Int64
	failed := make(chan error, clients)
	start := time.Now()
	for client := range clients {
		wg.Go(func() {
			for i := client; time.Since(start) < loadTime; i += clients {
				if err := post(ctx, c, url, texts[i%len(texts)]); err != nil {
					failed <- err
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	rate := float64(done.Load()) / time.Since(start).Seconds()
	select {
	case err := <-failed:
		return 0, err
	default:
		return rate, nil
	}
}

func post(ctx context.Context, c *http.Client, url, text string) error {
	body, err := json.Marshal(map[string]string{"inputs": text})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %.200s", url, resp.Status, answer)
	}
	return err
}

// residentMB is the memory of a process, 0 where the system does not say.
func residentMB(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	return 0
}

// cpuSeconds is the time that a process has computed for.
func cpuSeconds(pid int) float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The fields after the name, which may have spaces, count from the third; utime and stime are in hundredths of a second.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	var user, system float64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0
	}
	return (user + system) / 100
}

// rest waits until the process has hardly computed for half a second, as when vectors are searched for already but not
// linked yet.
func (p *process) rest() {
	for before := -1.0; ; time.Sleep(500 * time.Millisecond) {
		now := cpuSeconds(p.pid)
		if before >= 0 && now-before < 0.05 {
			return
		}
		before = now
	}
}

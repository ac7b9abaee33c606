package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"searchd/api/client"
	"searchd/api/wire"
)

// BenchmarkStart is the time from the start of the process to its first answer, with the sample loaded, and the memory
// that it holds a while after (Linux only). It starts this test's binary: searchd and the tests of this package in one.
func BenchmarkStart(b *testing.B) {
	data := filepath.Join(b.TempDir(), "data")
	ctx := context.Background()
	p, c := startForBench(b, data)
	docs, err := sampleDocuments()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := c.Ingest(ctx, "", docs, 600); err != nil {
		b.Fatal(err)
	}
	p.stop()
	var memory float64
	b.ResetTimer()
	for range b.N {
		p, c := startForBench(b, data)
		answer, err := c.Search(ctx, "", wire.SearchRequest{Query: "pooch gobbled some candy"})
		b.StopTimer()
		if err != nil || answer.Hits[0].DocumentID != "sample/pets/dog-chocolate" {
			b.Fatal(answer, err)
		}
		time.Sleep(time.Second)
		memory = max(memory, residentMB(p.cmd.Process.Pid))
		p.stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/start")
	b.ReportMetric(memory, "MB")
}

func startForBench(b *testing.B, data string) (*process, *client.Client) {
	b.Helper()
	p, err := startServer(context.Background(), data, "--log", "error")
	if err != nil {
		b.Fatal(err)
	}
	c, err := client.New(p.url, nil)
	if err != nil {
		b.Fatal(err)
	}
	return p, c
}

// residentMB is the memory that a process holds; 0 where nobody says.
func residentMB(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				return 0
			}
			return float64(kb) / 1000
		}
	}
	return 0
}

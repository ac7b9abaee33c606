package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"searchd/api/wire"
)

// BenchmarkEmbeddings is POST /embeddings with one short text a request, from one client and from 32 at a time.
func BenchmarkEmbeddings(b *testing.B) {
	p, _ := startForBench(b, filepath.Join(b.TempDir(), "data"))
	defer p.stop()
	for _, clients := range []int{1, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			h := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
			defer h.CloseIdleConnections()
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						embedForBench(b, h, p.url)
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

func embedForBench(b *testing.B, h *http.Client, url string) {
	const body = `{"use_cache":false,"documents":[{"id":"a","content":"how do I recover a database that is corrupt"}]}`
	r, err := h.Post(url+"/embeddings", "application/json", strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = r.Body.Close() }() // read whole
	if text, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK {
		b.Error(r.Status, string(text), err)
	}
}

// BenchmarkSearchDuringIngest is the latency of searches while documents are taken in without end.
func BenchmarkSearchDuringIngest(b *testing.B) {
	p, c := startForBench(b, filepath.Join(b.TempDir(), "data"))
	defer p.stop()
	docs := make([]wire.Document, 2000)
	for i := range docs {
		docs[i] = wire.Document{ID: fmt.Sprint(i), Text: fmt.Sprint(i, strings.Repeat(" the harbour lies still before the storm", 16))}
	}
	job, err := c.Ingest(context.Background(), "", docs, 0)
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := c.Search(context.Background(), "", wire.SearchRequest{Query: "a quiet place for boats"}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
		time.Sleep(20 * time.Millisecond) // people think
	}
	slices.Sort(took)
	for _, percent := range []int{50, 99} {
		b.ReportMetric(float64(took[(len(took)-1)*percent/100].Microseconds())/1000, fmt.Sprintf("ms/p%d", percent))
	}
	if job, err = c.Job(context.Background(), job.ID); err != nil || job.Status != "running" {
		b.Fatal("the ingest ended too soon, or failed: ", job.Status, err)
	}
	b.ReportMetric(float64(job.Done)/b.Elapsed().Seconds(), "documents/s")
}

package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"searchd/hf"
	"searchd/hf/bundled"
	"searchd/hf/local"
)

// ingests measures how documents come in: beside the embedding alone, once more, while searches go on, and in a stream.
type ingests struct {
	Binary    string `help:"searchd binary." required:"" type:"existingfile"`
	Manual    string `help:"Documents that are split and embedded, a JSON object a line, packed with gzip or not; none leaves the part out." type:"existingfile"`
	Documents int    `help:"Documents with given vectors." default:"100000"`
	Megabytes int    `help:"Length of the stream; 0 leaves the part out." default:"2000"`
}

const ingestDimensions = 384

// Run prints a line a measurement.
func (c *ingests) Run(ctx context.Context) error {
	if c.Manual != "" {
		if err := c.besideEmbedding(ctx); err != nil {
			return fmt.Errorf("documents that are embedded: %w", err)
		}
	}
	if err := c.givenVectors(ctx); err != nil {
		return fmt.Errorf("documents with vectors: %w", err)
	}
	if c.Megabytes > 0 {
		if err := c.stream(ctx); err != nil {
			return fmt.Errorf("a stream: %w", err)
		}
	}
	return nil
}

// besideEmbedding compares an upload, from POST until all is found, with the embedding of the same texts in this process.
func (c *ingests) besideEmbedding(ctx context.Context) error {
	body, err := readPacked(c.Manual)
	if err != nil {
		return err
	}
	p, err := startBinary(ctx, c.Binary)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.call(ctx, http.MethodPost, "/search", "application/json", []byte(`{"query":"warm"}`), nil); err != nil {
		return err
	}
	start := time.Now()
	var answer struct {
		Job struct {
			Status  string
			Results []struct{ ID string }
		}
	}
	if err := p.call(ctx, http.MethodPost, "/documents?wait=600", "application/x-ndjson", body, &answer); err != nil {
		return err
	}
	whole := time.Since(start).Seconds()
	if answer.Job.Status != "done" {
		return fmt.Errorf("the job is %s after %.0f s", answer.Job.Status, whole)
	}
	if err := p.searchBesideTexts(ctx, body); err != nil {
		return err
	}
	var texts []string
	for _, r := range answer.Job.Results {
		var doc struct {
			Title, Text string
			Chunks      []struct{ Start, End int }
		}
		if err := p.call(ctx, http.MethodGet, "/documents/"+url.PathEscape(r.ID), "", nil, &doc); err != nil {
			return err
		}
		for _, chunk := range doc.Chunks {
			texts = append(texts, doc.Title+"\n"+doc.Text[chunk.Start:chunk.End])
		}
	}
	m, err := bundled.Open(local.Options{})
	if err != nil {
		return err
	}
	start = time.Now()
	tokens := 0
	for from := 0; from < len(texts); from += 128 {
		vectors, err := m.Embed(ctx, hf.Document, texts[from:min(from+128, len(texts))])
		if err != nil {
			return err
		}
		for _, v := range vectors {
			tokens += v.Tokens
		}
	}
	alone := time.Since(start).Seconds()
	fmt.Printf("%d documents, %d chunks, %d tokens: %.1f s from POST to found, the embedding alone %.1f s: %.0f %% of its speed\n",
		len(answer.Job.Results), len(texts), tokens, whole, alone, 100*alone/whole)
	return nil
}

// searchBesideTexts searches by text while the documents of body come in again with their words in another order, so that
// all must be embedded.
func (p *process) searchBesideTexts(ctx context.Context, body []byte) error {
	var queries, shuffled [][]byte
	r := rand.New(rand.NewPCG(7, 7))
	for line := range bytes.Lines(body) {
		var doc map[string]any
		if err := json.Unmarshal(line, &doc); err != nil {
			return err
		}
		text, _ := doc["text"].(string)
		words := strings.Fields(text)
		query, err := json.Marshal(object{"query": strings.Join(words[:min(8, len(words))], " "), "limit": 10})
		if err != nil {
			return err
		}
		queries = append(queries, query)
		r.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		doc["id"], doc["text"] = fmt.Sprint("shuffled-", doc["id"]), strings.Join(words, " ")
		if line, err = json.Marshal(doc); err != nil {
			return err
		}
		shuffled = append(shuffled, line)
	}
	return p.searchBeside(ctx, "by text", queries, func() error {
		return p.call(ctx, http.MethodPost, "/documents?wait=600", "application/x-ndjson", bytes.Join(shuffled, []byte("\n")), nil)
	})
}

func readPacked(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(path, ".gz") {
		return b, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// givenVectors loads documents, loads them again, restarts, and searches while others come in.
func (c *ingests) givenVectors(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "searchd-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := startIn(ctx, c.Binary, dir)
	if err != nil {
		return err
	}
	defer func() { p.stop() }()
	vectors := newClusters()
	doc := func(i int) object {
		return object{"id": fmt.Sprint("d", i), "text": fmt.Sprint("passage ", i), "vector": vectors.at(i)}
	}
	parts, err := encoded(0, c.Documents, doc)
	if err != nil {
		return err
	}
	first, err := p.load(ctx, parts, c.Documents)
	if err != nil {
		return err
	}
	p.rest()
	again, err := p.loadAgain(ctx, parts)
	if err != nil {
		return err
	}
	fmt.Printf("%d documents with vectors: %.1f s, %.0f a second; the same again %.1f s: %.1f %%\n", c.Documents, first, float64(c.Documents)/first, again, 100*again/first)

	bodies := make([][]byte, searches)
	for i := range bodies {
		if bodies[i], err = json.Marshal(object{"vector": vectors.at(-1 - i), "limit": 10, "mode": "semantic"}); err != nil {
			return err
		}
	}
	if p, err = p.again(ctx, c.Binary, dir, c.Documents, bodies[0]); err != nil {
		return err
	}
	if parts, err = encoded(c.Documents, 2*c.Documents, doc); err != nil {
		return err
	}
	p.rest()
	if err := p.searchBeside(ctx, "by vector", bodies, func() error {
		_, err := p.load(ctx, parts, 2*c.Documents)
		return err
	}); err != nil {
		return err
	}
	p.rest()
	p, err = p.again(ctx, c.Binary, dir, 2*c.Documents, bodies[0])
	return err
}

// again starts a process once more, and sees whether it answers as before.
func (p *process) again(ctx context.Context, binary, dir string, documents int, query []byte) (*process, error) {
	var before, after struct{ Hits []any }
	if err := p.call(ctx, http.MethodPost, "/search", "application/json", query, &before); err != nil {
		return p, err
	}
	p.stop()
	start := time.Now()
	next, err := startIn(ctx, binary, dir)
	if err != nil {
		return p, err
	}
	listening := time.Since(start)
	if err := next.call(ctx, http.MethodPost, "/search", "application/json", query, &after); err != nil {
		return next, err
	}
	fmt.Printf("restart with %d documents: %.2f s until it listens, %.2f s until the first answer, which is the same: %v\n",
		documents, listening.Seconds(), time.Since(start).Seconds(), reflect.DeepEqual(before.Hits, after.Hits))
	return next, nil
}

// searchBeside searches from one client, first alone and then until an upload has come in.
func (p *process) searchBeside(ctx context.Context, how string, bodies [][]byte, upload func() error) error {
	idle, err := p.search(ctx, bodies, 1)
	if err != nil {
		return err
	}
	uploaded := make(chan error, 1)
	go func() { uploaded <- upload() }()
	var times []float64
	for i := 0; ; i++ {
		select {
		case err := <-uploaded:
			if err != nil {
				return err
			}
			busy := latencyOf(times)
			fmt.Printf("searches %s, one client: p50 %.2f ms, p99 %.2f ms; while documents come in: p50 %.2f ms, p99 %.2f ms (%d searches): p99 %.1f times\n",
				how, idle.P50, idle.P99, busy.P50, busy.P99, len(times), busy.P99/idle.P99)
			return nil
		default:
		}
		start := time.Now()
		if err := p.call(ctx, http.MethodPost, "/search", "application/json", bodies[i%len(bodies)], nil); err != nil {
			return err
		}
		times = append(times, milliseconds(time.Since(start)))
	}
}

// loadAgain sends what is there already, and waits for each part.
func (p *process) loadAgain(ctx context.Context, parts [][]byte) (float64, error) {
	start := time.Now()
	for _, part := range parts {
		var answer struct {
			Job struct{ Counts map[string]int }
		}
		if err := p.call(ctx, http.MethodPost, "/documents?wait=600", "application/x-ndjson", part, &answer); err != nil {
			return 0, err
		}
		if counts := answer.Job.Counts; counts["created"]+counts["updated"]+counts["failed"] > 0 {
			return 0, fmt.Errorf("not all documents were unchanged: %v", counts)
		}
	}
	return time.Since(start).Seconds(), nil
}

// stream sends one long body of texts, and looks at the memory of the process until it is acknowledged.
func (c *ingests) stream(ctx context.Context) error {
	p, err := startBinary(ctx, c.Binary)
	if err != nil {
		return err
	}
	defer p.stop()
	out, in := io.Pipe()
	go func() {
		w := bufio.NewWriterSize(in, 1<<20)
		sentence := strings.Repeat("The keeper climbs two hundred steps at dusk and lights the lamp. ", 300)
		var err error
		for i, sent := 0, 0; err == nil && sent < c.Megabytes<<20; i++ {
			var n int
			n, err = fmt.Fprintf(w, "{\"id\":\"s%d\",\"text\":\"Entry %d. %s\"}\n", i, i, sentence)
			sent += n
		}
		in.CloseWithError(errors.Join(err, w.Flush()))
	}()
	var peak, early float64
	var watch sync.WaitGroup
	stop := make(chan struct{})
	watch.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
			if peak = max(peak, residentMB(p.pid)); i == 20 {
				early = peak
			}
		}
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/documents?wait=0", out)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	start := time.Now()
	response, err := p.client.Do(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	took := time.Since(start).Seconds()
	close(stop)
	watch.Wait()
	if err := errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusAccepted {
		return fmt.Errorf("%s: %w", response.Status, err)
	}
	fmt.Printf("a stream of %d MB: acknowledged after %.1f s, %.0f MB a second; memory %.0f MB after two seconds, %.0f MB at most\n",
		c.Megabytes, took, float64(c.Megabytes)/took, early, peak)
	return nil
}

// clusters makes vectors that lie as those of texts do: around centres, in fewer dimensions than they have.
type clusters struct {
	centres [][]float32
	axes    [][]float32
}

func newClusters() clusters {
	r := rand.New(rand.NewPCG(7, 7))
	rows := func(n int) [][]float32 {
		all := make([][]float32, n)
		for i := range all {
			all[i] = make([]float32, ingestDimensions)
			for j := range all[i] {
				all[i][j] = float32(r.NormFloat64())
			}
		}
		return all
	}
	return clusters{rows(500), rows(48)}
}

// at is vector i, the same each time.
func (c clusters) at(i int) []float32 {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	v := append([]float32(nil), c.centres[r.IntN(len(c.centres))]...)
	for _, axis := range c.axes {
		x := float32(r.NormFloat64()) * 0.15
		for j := range v {
			v[j] += x * axis[j]
		}
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	for j := range v {
		v[j] /= float32(math.Sqrt(sum))
	}
	return v
}

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"searchd/models"
)

// services measures the service over HTTP and its peers in process: documents in, hits out.
type services struct {
	reference
	Binary     string   `help:"searchd binary." required:"" type:"existingfile"`
	Vectors    string   `help:"What the command vectors has made of the same folder; none leaves out the parts with vectors." default:".work/bench/vectors.f32"`
	Dimensions int      `default:"384"`
	Queries    int      `help:"Rows at the end of the vectors that are queries." default:"1000"`
	Texts      string   `help:"Folder that is searched for corpus.jsonl and queries.jsonl, packed with gzip or not." required:"" type:"existingdir"`
	Documents  int      `help:"Texts of the part with texts." default:"3000"`
	Words      int      `help:"Words of a text; 38 are about 50 tokens." default:"38"`
	ByVector   []string `help:"Peers of the part with vectors." default:"chroma-vectors"`
	ByText     []string `help:"Peers of the part with texts." default:"txtai,txtai-hybrid,chroma"`
	Out        string   `help:"Write the figures to this file, as JSON."`
}

// serviceFigures are what was measured of a service in one part. Zero is what was not.
type serviceFigures struct {
	Engine   string             `json:"engine"`
	LoadS    float64            `json:"load_s"` // until everything is found, and the index ready
	Rate     float64            `json:"documents_per_s"`
	Recall   float64            `json:"recall,omitzero"`
	Search   map[string]latency `json:"search"` // by the number of clients
	MemoryMB float64            `json:"memory_mb"`
}

type latency struct {
	P50  float64 `json:"p50_ms"`
	P99  float64 `json:"p99_ms"`
	Rate float64 `json:"per_s"`
}

//go:embed service_peers.py
var servicePeersScript string

// Run measures all parts, and in each of them everybody, one after the other.
func (c *services) Run(ctx context.Context) error {
	if err := os.MkdirAll(c.Work, 0o755); err != nil {
		return err
	}
	all := map[string][]serviceFigures{}
	var failed []error
	for _, part := range []struct {
		name    string
		vectors bool
		measure func(context.Context) ([]serviceFigures, error)
	}{{"vectors", true, c.byVector}, {"texts and vectors", true, c.amongMany}, {"texts", false, c.byText}} {
		if part.vectors && c.Vectors == "" {
			continue
		}
		figures, err := part.measure(ctx)
		all[part.name] = figures
		failed = append(failed, err, save(c.Out, "parts", all), printServices(part.name, figures))
	}
	return errors.Join(failed...)
}

// searches is how many searches one client makes, where there are so many questions; several make three times as many together. But
// for the first fifty, which warm the server, none is made twice: a server may remember what it was asked.
const (
	searches = 1000
	asked    = searches * 4
)

var clientCounts = []int{1, 8}

type object map[string]any

func (c *services) byVector(ctx context.Context) ([]serviceFigures, error) {
	var t trial
	if err := t.read(&trialOptions{Vectors: c.Vectors, Dimensions: c.Dimensions, Queries: c.Queries}); err != nil {
		return nil, err
	}
	docs := func(i int) object {
		return object{"id": fmt.Sprint("d", i), "text": fmt.Sprint("passage ", i), "vector": t.rows[i]}
	}
	queries := make([]object, asked)
	for i := range queries {
		queries[i] = object{"vector": between(t.queries, i), "limit": 10, "mode": "semantic"}
	}
	ours, err := c.measure(ctx, "searchd over HTTP, by vector", len(t.rows), docs, queries)
	if err != nil {
		return nil, err
	}
	return c.peers(ctx, ours, c.ByVector, c.Vectors, fmt.Sprint(c.Dimensions), fmt.Sprint(c.Queries))
}

// between is a query, and, where there are no more, one between two of them.
func between(queries [][]float32, i int) []float32 {
	first, round := queries[i%len(queries)], i/len(queries)
	if round == 0 {
		return first
	}
	v := make([]float32, len(first))
	for k, x := range queries[(i+round)%len(queries)] {
		v[k] = first[k] + x/4
	}
	return models.Normalize(v)
}

// amongMany searches by text among the passages of the vectors, which bring them: it takes long to embed so many.
func (c *services) amongMany(ctx context.Context) ([]serviceFigures, error) {
	var t trial
	if err := t.read(&trialOptions{Vectors: c.Vectors, Dimensions: c.Dimensions, Queries: c.Queries}); err != nil {
		return nil, err
	}
	passages, queries, err := c.sampled(len(t.rows), vectorWords)
	if err != nil {
		return nil, err
	}
	docs := func(i int) object { return object{"id": fmt.Sprint("d", i), "text": passages[i], "vector": t.rows[i]} }
	ours, err := c.measure(ctx, "searchd over HTTP, by text", len(passages), docs, asText(queries))
	if err != nil {
		return nil, err
	}
	return []serviceFigures{ours}, nil
}

// sampled are n pieces of so many words of the folder's passages, and of its questions as many as are asked, if there are so many.
func (c *services) sampled(n, words int) (passages, queries []string, err error) {
	v := vectors{Texts: c.Texts, Words: words}
	if passages, err = v.passages(); err != nil {
		return nil, nil, err
	}
	if queries, err = textsOf(c.Texts, "queries.jsonl"); err != nil {
		return nil, nil, err
	}
	if passages = sample(passages, n); len(passages) < n {
		return nil, nil, fmt.Errorf("%s has %d passages of %d words, too few", c.Texts, len(passages), words)
	}
	return passages, sample(queries, asked), nil
}

func asText(queries []string) []object {
	bodies := make([]object, len(queries))
	for i, q := range queries {
		bodies[i] = object{"query": q, "limit": 10}
	}
	return bodies
}

func (c *services) byText(ctx context.Context) ([]serviceFigures, error) {
	passages, queries, err := c.sampled(c.Documents, c.Words)
	if err != nil {
		return nil, err
	}
	docs := func(i int) object { return object{"id": fmt.Sprint("d", i), "text": passages[i]} }
	ours, err := c.measure(ctx, "searchd over HTTP, by text", len(passages), docs, asText(queries))
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(map[string]any{"texts": passages, "queries": queries})
	path := filepath.Join(c.Work, "service.json")
	if err := errors.Join(err, os.WriteFile(path, b, 0o644)); err != nil {
		return nil, err
	}
	return c.peers(ctx, ours, c.ByText, path, c.Model, "0")
}

func (c *services) peers(ctx context.Context, ours serviceFigures, names []string, arguments ...string) ([]serviceFigures, error) {
	all := []serviceFigures{ours}
	var failed []error
	for _, name := range names {
		fmt.Fprintln(os.Stderr, name)
		out, err := c.script(ctx, servicePeersScript, append([]string{name}, arguments...)...)
		lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
		var f serviceFigures
		if err == nil {
			err = json.Unmarshal(lines[len(lines)-1], &f)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
			continue
		}
		all = append(all, f)
	}
	return all, errors.Join(failed...)
}

// measure loads n documents into a new searchd and searches them.
func (c *services) measure(ctx context.Context, name string, n int, doc func(i int) object, queries []object) (serviceFigures, error) {
	fmt.Fprintln(os.Stderr, name)
	p, err := startBinary(ctx, c.Binary)
	if err != nil {
		return serviceFigures{}, err
	}
	defer p.stop()
	f := serviceFigures{Engine: name, Search: map[string]latency{}}
	parts, err := encoded(0, n, doc)
	if err != nil {
		return f, err
	}
	if f.LoadS, err = p.load(ctx, parts, n); err != nil {
		return f, err
	}
	f.Rate = float64(n) / f.LoadS
	bodies := make([][]byte, len(queries))
	for i := range bodies {
		if bodies[i], err = json.Marshal(queries[i]); err != nil {
			return f, err
		}
	}
	each := len(bodies) / 4
	for _, clients := range clientCounts {
		n := each * min(clients, 3)
		if f.Search[fmt.Sprint(clients)], err = p.search(ctx, bodies[:n], clients); err != nil {
			return f, err
		}
		bodies = bodies[n:]
	}
	var measured struct{ Recall float64 }
	err = p.call(ctx, http.MethodGet, "/recall?sample=100", "", nil, &measured)
	f.Recall, f.MemoryMB = measured.Recall, residentMB(p.pid)
	return f, err
}

// load sends documents as NDJSON, in parts, and waits until all n that there are then are found and the index is ready.
func (p *process) load(ctx context.Context, parts [][]byte, n int) (float64, error) {
	start := time.Now()
	for _, part := range parts {
		if err := p.call(ctx, http.MethodPost, "/documents?wait=0", "application/x-ndjson", part, nil); err != nil {
			return 0, err
		}
	}
	for last, since := 0, time.Now(); ; {
		var c struct {
			Documents int
			State     string `json:"index_state"`
		}
		if err := p.call(ctx, http.MethodGet, "/collections/default", "", nil, &c); err != nil {
			return 0, err
		}
		if c.State == "ready" && c.Documents == n {
			return time.Since(start).Seconds(), nil
		}
		if c.Documents != last {
			last, since = c.Documents, time.Now()
		} else if time.Since(since) > time.Minute {
			return 0, fmt.Errorf("of %d documents %d were taken in after a minute without progress; the index is %s", n, c.Documents, c.State)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// encoded are documents from one up to another as NDJSON, in parts.
func encoded(from, n int, doc func(i int) object) ([][]byte, error) {
	const together = 5000
	var parts [][]byte
	for ; from < n; from += together {
		var body bytes.Buffer
		encoder := json.NewEncoder(&body)
		for i := from; i < min(from+together, n); i++ {
			if err := encoder.Encode(doc(i)); err != nil {
				return nil, err
			}
		}
		parts = append(parts, body.Bytes())
	}
	return parts, nil
}

// search sends every body once, from some clients at a time.
func (p *process) search(ctx context.Context, bodies [][]byte, clients int) (latency, error) {
	for _, body := range bodies[:min(50, len(bodies))] { // warm
		if err := p.call(ctx, http.MethodPost, "/search", "application/json", body, nil); err != nil {
			return latency{}, err
		}
	}
	count := int64(len(bodies))
	times, failed := make([]float64, count), make(chan error, clients)
	var next atomic.Int64
	var group sync.WaitGroup
	start := time.Now()
	for range clients {
		group.Go(func() {
			for i := next.Add(1) - 1; i < count; i = next.Add(1) - 1 {
				begun := time.Now()
				if err := p.call(ctx, http.MethodPost, "/search", "application/json", bodies[i], nil); err != nil {
					failed <- err
					return
				}
				times[i] = milliseconds(time.Since(begun))
			}
		})
	}
	group.Wait()
	took := time.Since(start).Seconds()
	select {
	case err := <-failed:
		return latency{}, err
	default:
	}
	l := latencyOf(times)
	l.Rate = float64(count) / took
	return l, nil
}

// latencyOf are the median and the slowest hundredth of times, which it sorts.
func latencyOf(times []float64) latency {
	slices.Sort(times)
	return latency{P50: times[len(times)/2], P99: times[len(times)*99/100]}
}

// call sends a request and, where answer is not nil, reads what comes back into it.
func (p *process) call(ctx context.Context, method, path, kind string, body []byte, answer any) error {
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", kind)
	response, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s answers %s: %.200s", path, response.Status, text)
	}
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func printServices(part string, all []serviceFigures) error {
	if len(all) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintf(w, "| %s\t| documents/s\t| recall@10", part)
	for _, n := range clientCounts {
		fmt.Fprintf(w, "\t| p50 at %d, ms\t| p99\t| searches/s", n)
	}
	fmt.Fprintln(w, "\t| memory, MB |\n| ---\t| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t| ---: |")
	ours := all[0]
	for i, f := range all {
		fmt.Fprintf(w, "| %s\t| %s\t| %s", f.Engine, cell(f.Rate, ours.Rate/max(f.Rate, 1e-9), i == 0), share(f.Recall))
		for _, n := range clientCounts {
			a, b := ours.Search[fmt.Sprint(n)], f.Search[fmt.Sprint(n)]
			fmt.Fprintf(w, "\t| %s\t| %s\t| %s", cell(b.P50, b.P50/a.P50, i == 0), cell(b.P99, b.P99/a.P99, i == 0),
				cell(b.Rate, a.Rate/max(b.Rate, 1e-9), i == 0))
		}
		fmt.Fprintf(w, "\t| %s |\n", cell(f.MemoryMB, f.MemoryMB/max(ours.MemoryMB, 1e-9), i == 0))
	}
	fmt.Fprintln(w)
	return w.Flush()
}

package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/index"
	"searchd/index/hnsw"
	"searchd/models"
)

// indexes measures index/hnsw and its peers.
type indexes struct {
	trialOptions
	Recall float64  `help:"Recall@10 that each engine's setting has to reach." default:"0.99"`
	Peers  []string `help:"Peers to measure." default:"hnswlib,faiss,faiss-flat,usearch-bf16,usearch-int8,svs"`
	Python string   `help:"Python that has the peers." default:"python3"`
	Widths []int    `help:"Settings of searchd to try, in order; the default is always the last." default:""`
	Out    string   `help:"Write the figures to this file, as JSON."`
}

// trialOptions say what an index is made of.
type trialOptions struct {
	Vectors    string `help:"What the command vectors has made." default:".work/bench/vectors.f32" type:"existingfile"`
	Dimensions int    `default:"384"`
	Queries    int    `help:"Rows at the end that are queries." default:"1000"`
	Threads    int    `help:"Threads that build; one answers." default:"2"`
	Work       string `help:"Folder for the index." default:".work/bench" type:"path"`
}

// indexFigures are what was measured of an engine. Zero is what was not.
type indexFigures struct {
	Engine string `json:"engine"`
	atRecall
	BuildS   float64             `json:"build_s"`
	Bytes    float64             `json:"bytes"`
	ExactMS  float64             `json:"exact_ms"`
	Filtered map[string]atRecall `json:"filtered"` // by per cent that the filter admits
}

type atRecall struct {
	Setting string  `json:"setting"`
	Rate    float64 `json:"queries_per_s"`
	Recall  float64 `json:"recall"`
}

//go:embed index_peers.py
var indexPeersScript string

// Run measures everybody on the same vectors, one after the other. Searches of searchd are made again after each peer, and the median
// counts: memory of a machine that others use is not always as fast.
func (c *indexes) Run(ctx context.Context) (err error) {
	t := &trial{}
	ours, done, err := c.measure(ctx, t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	all, rates := []indexFigures{ours}, []float64{ours.Rate}
	var failed []error
	for _, peer := range c.Peers {
		f, err := c.peer(ctx, peer)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", peer, err))
			continue
		}
		again, err := t.at(ctx, ours.Setting, nil, nil)
		if err != nil {
			return err
		}
		rates = append(rates, again.Rate)
		all = append(all, f)
		all[0].Rate = median(rates)
		if err := save(c.Out, "engines", all); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "searchd, before and after each: %.0f\n", rates)
	return errors.Join(append(failed, printIndexes(all))...)
}

func (c *indexes) peer(ctx context.Context, name string) (f indexFigures, err error) {
	fmt.Fprintln(os.Stderr, name)
	r := reference{Python: c.Python}
	out, err := r.script(ctx, indexPeersScript, name, c.Vectors, strconv.Itoa(c.Dimensions), strconv.Itoa(c.Queries),
		fmt.Sprint(c.Recall), strconv.Itoa(c.Threads))
	if err == nil {
		lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
		err = json.Unmarshal(lines[len(lines)-1], &f)
	}
	return f, err
}

// trial is one index under measurement.
type trial struct {
	index   *hnsw.Index
	rows    [][]float32
	queries [][]float32
	buildS  float64
}

// measure builds the index of t, which done removes, and takes all of its figures.
func (c *indexes) measure(ctx context.Context, t *trial) (f indexFigures, done func() error, err error) {
	if err := t.read(&c.trialOptions); err != nil {
		return f, nil, err
	}
	before := anonymous()
	if done, err = t.build(ctx, &c.trialOptions); err != nil {
		return f, nil, err
	}
	if f, err = c.figures(ctx, t, before); err != nil {
		return f, nil, errors.Join(err, done())
	}
	return f, done, nil
}

func (c *indexes) figures(ctx context.Context, t *trial, before int64) (f indexFigures, err error) {
	f.Engine = "searchd"
	f.BuildS, f.Bytes = t.buildS, float64(anonymous()-before)/float64(len(t.rows))
	if f.atRecall, err = t.best(ctx, c, "", nil); err != nil {
		return f, err
	}
	if f.ExactMS, err = t.exactMS(ctx); err != nil {
		return f, err
	}
	f.Filtered = map[string]atRecall{}
	for share, admits := range map[string]func(i int) bool{
		"1": func(i int) bool { return i%100 == 7 }, "10": func(i int) bool { return i%10 == 7 }, "50": func(i int) bool { return i%2 == 1 },
	} {
		allow := roaring64.New()
		for i := range t.rows {
			if admits(i) {
				allow.Add(nameOf(i))
			}
		}
		if f.Filtered[share], err = t.best(ctx, c, share, allow); err != nil {
			return f, err
		}
	}
	return f, nil
}

// nameOf gives a row the id that the first chunk of a document has.
func nameOf(i int) uint64 { return models.ChunkID(uint64(i+1), 0) }

func (t *trial) read(c *trialOptions) error {
	b, err := os.ReadFile(c.Vectors)
	if err != nil {
		return err
	}
	values := make([]float32, len(b)/4)
	if _, err := binary.Decode(b, binary.LittleEndian, values); err != nil {
		return err
	}
	all := slices.Collect(slices.Chunk(values, c.Dimensions))
	if len(all) <= c.Queries {
		return fmt.Errorf("%s has %d vectors", c.Vectors, len(all))
	}
	real := len(all) - c.Queries
	t.rows, t.queries = all[:real:real], all[real:]
	return nil
}

// build adds everything to an index in a folder of its own, and waits until all is linked. The caller calls done, which
// removes both.
func (t *trial) build(ctx context.Context, c *trialOptions) (done func() error, err error) {
	dir, err := os.MkdirTemp(c.Work, "index")
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if t.index, err = hnsw.Open(dir, c.Dimensions, hnsw.Options{Workers: c.Threads}); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	done = func() error { return errors.Join(t.index.Close(), os.RemoveAll(dir)) }
	const together = 1024
	for from := 0; from < len(t.rows); from += together {
		var items []index.Item
		for i := from; i < min(from+together, len(t.rows)); i++ {
			items = append(items, index.Item{ID: nameOf(i), Vector: t.rows[i]})
		}
		if err := t.index.Upsert(ctx, items); err != nil {
			return nil, errors.Join(err, done())
		}
	}
	for t.index.Pending() > 0 {
		time.Sleep(time.Millisecond)
	}
	t.buildS = time.Since(start).Seconds()
	return done, nil
}

// best is the fastest setting that finds enough; the default if none does.
func (t *trial) best(ctx context.Context, c *indexes, name string, allow *roaring64.Bitmap) (a atRecall, err error) {
	truth, err := t.search(ctx, index.Query{K: 10, Allow: allow, Exact: true})
	if err != nil {
		return a, err
	}
	for _, width := range append(c.Widths, 0) {
		setting := asItComes
		if width > 0 {
			setting = strconv.Itoa(width)
		}
		if a, err = t.at(ctx, setting, allow, truth); err != nil {
			return a, err
		}
		fmt.Fprintf(os.Stderr, "searchd %s: %+v\n", name, a)
		if a.Recall >= c.Recall {
			return a, nil
		}
	}
	return a, nil
}

const asItComes = "as it comes"

// at is the best of three rounds at a setting, and its recall, if the truth is known.
func (t *trial) at(ctx context.Context, setting string, allow *roaring64.Bitmap, truth [][]index.Hit) (atRecall, error) {
	a := atRecall{Setting: setting}
	width, _ := strconv.Atoi(setting) // 0 is as it comes
	t.index.SetWidth(width)
	for range 3 {
		start := time.Now()
		found, err := t.search(ctx, index.Query{K: 10, Allow: allow})
		if err != nil {
			return a, err
		}
		a.Rate = max(a.Rate, float64(len(t.queries))/time.Since(start).Seconds())
		if truth != nil {
			a.Recall = recallOf(found, truth)
		}
	}
	return a, nil
}

func (t *trial) search(ctx context.Context, q index.Query) ([][]index.Hit, error) {
	all := make([][]index.Hit, len(t.queries))
	for i, v := range t.queries {
		q.Vector = v
		var err error
		if all[i], err = t.index.Search(ctx, q); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (t *trial) exactMS(ctx context.Context) (float64, error) {
	var times []float64
	for _, v := range t.queries {
		start := time.Now()
		if _, err := t.index.Search(ctx, index.Query{Vector: v, K: 10, Exact: true}); err != nil {
			return 0, err
		}
		times = append(times, milliseconds(time.Since(start)))
	}
	return median(times), nil
}

// recallOf is the share of the true hits that were found.
func recallOf(found, truth [][]index.Hit) float64 {
	var hit, all int
	for i, want := range truth {
		all += len(want)
		for _, h := range want {
			if slices.ContainsFunc(found[i], func(f index.Hit) bool { return f.ID == h.ID }) {
				hit++
			}
		}
	}
	return float64(hit) / float64(max(all, 1))
}

// anonymous is how much memory of this process no file backs, in bytes.
func anonymous() int64 {
	debug.FreeOSMemory()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

func printIndexes(all []indexFigures) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| engine\t| recall@10\t| queries/s\t| build, s\t| bytes a vector\t| exact, ms\t| 1 %, queries/s\t| 10 %\t| 50 % |")
	fmt.Fprintln(w, "| ---\t| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t| ---: |")
	for i, f := range all {
		ratio := func(of func(indexFigures) float64, smaller bool) string {
			ours, theirs := of(all[0]), of(f)
			if smaller {
				return cell(theirs, theirs/max(ours, 1e-12), i == 0 || theirs == 0)
			}
			return cell(theirs, ours/max(theirs, 1e-12), i == 0 || theirs == 0)
		}
		fmt.Fprintf(w, "| %s\t| %s\t| %s\t| %s\t| %s\t| %s", f.Engine, share(f.Recall),
			ratio(func(f indexFigures) float64 { return f.Rate }, false),
			ratio(func(f indexFigures) float64 { return f.BuildS }, true),
			ratio(func(f indexFigures) float64 { return f.Bytes }, true),
			ratio(func(f indexFigures) float64 { return f.ExactMS }, true))
		for _, s := range []string{"1", "10", "50"} {
			text := ratio(func(f indexFigures) float64 { return f.Filtered[s].Rate }, false)
			if r := f.Filtered[s].Recall; r > 0 {
				text += " at " + share(r)
			}
			fmt.Fprintf(w, "\t| %s", text)
		}
		fmt.Fprintln(w, " |")
	}
	return w.Flush()
}

func share(r float64) string {
	if r == 0 {
		return ""
	}
	return fmt.Sprintf("%.3f", r)
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figures are what was measured of one engine in one round. Zero is what was not measured.
type figures struct {
	Engine       string  `json:"engine"`
	Passages     float64 `json:"passages_per_s"`
	Queries      float64 `json:"queries_per_s"`
	Mixed        float64 `json:"mixed_per_s,omitzero"`
	OneQueryMS   float64 `json:"one_query_ms"`
	OnePassageMS float64 `json:"one_passage_ms"`
	MemoryMB     float64 `json:"memory_mb,omitzero"`
}

// columns are the figures of the table, in order. A ratio says how many times better the first engine is.
var columns = []struct {
	title   string
	of      func(figures) float64
	smaller bool // is better
}{
	{"passages/s", func(f figures) float64 { return f.Passages }, false},
	{"queries/s", func(f figures) float64 { return f.Queries }, false},
	{"mixed/s", func(f figures) float64 { return f.Mixed }, false},
	{"one query, ms", func(f figures) float64 { return f.OneQueryMS }, true},
	{"one passage, ms", func(f figures) float64 { return f.OnePassageMS }, true},
	{"memory, MB", func(f figures) float64 { return f.MemoryMB }, true},
}

// results are the rounds of a run.
type results struct {
	rounds [][]figures
}

func (r *results) add(round []figures) { r.rounds = append(r.rounds, round) }

// figure is the median of a figure over the rounds.
func (r *results) figure(engine int, of func(figures) float64) float64 {
	values := make([]float64, len(r.rounds))
	for i, round := range r.rounds {
		values[i] = of(round[engine])
	}
	return median(values)
}

// ratio is the median, over the rounds, of how many times better the first engine is than another.
func (r *results) ratio(engine int, of func(figures) float64, smaller bool) float64 {
	values := make([]float64, 0, len(r.rounds))
	for _, round := range r.rounds {
		ours, theirs := of(round[0]), of(round[engine])
		if ours == 0 || theirs == 0 {
			return 0
		}
		if smaller {
			ours, theirs = theirs, ours
		}
		values = append(values, ours/theirs)
	}
	return median(values)
}

// print writes a Markdown table: each engine's medians and, in brackets, how many times better the first engine is.
func (r *results) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	titles, rule := []string{"engine"}, []string{"---"}
	for _, c := range columns {
		titles, rule = append(titles, c.title), append(rule, "---:")
	}
	fmt.Fprintf(w, "| %s |\n| %s |\n", strings.Join(titles, "\t| "), strings.Join(rule, "\t| "))
	for engine, f := range r.rounds[0] {
		cells := []string{f.Engine}
		for _, c := range columns {
			cells = append(cells, cell(r.figure(engine, c.of), r.ratio(engine, c.of, c.smaller), engine == 0))
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, "\t| "))
	}
	return w.Flush()
}

func cell(value, ratio float64, first bool) string {
	switch {
	case value == 0:
		return ""
	case first || ratio == 0:
		return fmt.Sprintf("%.3g", value)
	}
	return fmt.Sprintf("%.3g (%.2f×)", value, ratio)
}

// save keeps figures in a file, with what they were measured on. There is none where path is empty.
func save(path, name string, figures any) error {
	if path == "" {
		return nil
	}
	b, err := json.MarshalIndent(map[string]any{
		"at": time.Now().UTC().Format(time.DateOnly), "processor": processor(), "cores": runtime.NumCPU(), name: figures,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// processor is the processor's name with what it can do, where Linux says so.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	name, features := runtime.GOARCH, []string{}
	for line := range strings.Lines(string(info)) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "model name":
			name = strings.TrimSpace(value)
		case "flags":
			for _, flag := range strings.Fields(value) {
				if slices.Contains([]string{"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16"}, flag) && !slices.Contains(features, flag) {
					features = append(features, flag)
				}
			}
		}
	}
	return name + ": " + strings.Join(features, " ")
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"searchd/index"
	"searchd/models"
)

// growth measures index/hnsw, as it comes, over ever more vectors.
type growth struct {
	trialOptions
	Sizes []int `help:"Vectors of each index, ascending." default:"10000,100000,1000000"`
}

// Help says where more vectors come from than the file has.
func (*growth) Help() string {
	return `Indexes of up to as many vectors as the file has hold the first of it. Each further vector is drawn, with a fixed seed, around
one of the file that is picked by chance, with the spread of that one's ten nearest: v + Σ gᵢ·(nᵢ − v)/√10 with normal gᵢ, normalised.
So it is about as far from v as those are, and differs from it in the ways in which they do. The questions stay real.`
}

// grown is the index of one size.
type grown struct {
	trial
	truth  [][]index.Hit
	exact  []float64 // milliseconds
	recall []float64 // by round
	times  []float64 // milliseconds
}

// Run builds an index of each size, and asks them in turn, so that a machine whose clock drifts slows all of them.
func (c *growth) Run(ctx context.Context) (err error) {
	var t trial
	if err := t.read(&c.trialOptions); err != nil {
		return err
	}
	if err := t.grow(ctx, &c.trialOptions, slices.Max(c.Sizes)); err != nil {
		return err
	}
	var all []*grown
	for _, size := range c.Sizes {
		fmt.Fprintf(os.Stderr, "%d vectors\n", size)
		g := &grown{trial: trial{rows: t.rows[:size], queries: t.queries}}
		done, err := g.prepare(ctx, &c.trialOptions)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, done()) }()
		all = append(all, g)
	}
	const rounds = 9
	for range rounds {
		for _, g := range all {
			if err := g.ask(ctx); err != nil {
				return err
			}
		}
	}
	return printGrowth(all)
}

// prepare builds the index, and asks for exact answers.
func (g *grown) prepare(ctx context.Context, c *trialOptions) (done func() error, err error) {
	if done, err = g.build(ctx, c); err != nil {
		return nil, err
	}
	if g.truth, g.exact, err = g.timed(ctx, index.Query{K: 10, Exact: true}); err != nil {
		return nil, errors.Join(err, done())
	}
	return done, nil
}

func (g *grown) ask(ctx context.Context) error {
	found, times, err := g.timed(ctx, index.Query{K: 10})
	g.recall, g.times = append(g.recall, recallOf(found, g.truth)), append(g.times, times...)
	return err
}

func printGrowth(all []*grown) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| vectors\t| recall@10\t| p50, ms\t| p99, ms\t| exact, ms\t| build, s |")
	fmt.Fprintln(w, "| ---:\t| ---:\t| ---:\t| ---:\t| ---:\t| ---: |")
	for _, g := range all {
		slices.Sort(g.times)
		fmt.Fprintf(w, "| %d\t| %.3f\t| %.3f\t| %.3f\t| %.2f\t| %.1f |\n", len(g.rows), median(g.recall), median(g.times),
			g.times[len(g.times)*99/100], median(g.exact), g.buildS)
	}
	return w.Flush()
}

// timed is search, with the milliseconds that each query took.
func (t *trial) timed(ctx context.Context, q index.Query) (all [][]index.Hit, times []float64, err error) {
	for _, q.Vector = range t.queries {
		start := time.Now()
		hits, err := t.index.Search(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		all, times = append(all, hits), append(times, milliseconds(time.Since(start)))
	}
	return all, times, nil
}

// grow draws further vectors until there are n.
func (t *trial) grow(ctx context.Context, c *trialOptions, n int) error {
	if len(t.rows) >= n {
		return nil
	}
	near, err := t.neighbours(ctx, c)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	for real := len(t.rows); len(t.rows) < n; {
		at := r.IntN(real)
		center := t.rows[at]
		v := slices.Clone(center)
		for _, j := range near[at] {
			share := float32(r.NormFloat64() / math.Sqrt(float64(len(near[at]))))
			for k, x := range t.rows[j] {
				v[k] += share * (x - center[k])
			}
		}
		t.rows = append(t.rows, models.Normalize(v))
	}
	return nil
}

// neighbours are the rows nearest to each, ten of them.
func (t *trial) neighbours(ctx context.Context, c *trialOptions) (near [][]int, err error) {
	done, err := t.build(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	for i, v := range t.rows {
		hits, err := t.index.Search(ctx, index.Query{Vector: v, K: 11})
		if err != nil {
			return nil, err
		}
		var rows []int
		for _, h := range hits {
			if j := int(models.DocumentSeq(h.ID)) - 1; j != i {
				rows = append(rows, j)
			}
		}
		near = append(near, rows[:min(len(rows), 10)])
	}
	return near, nil
}

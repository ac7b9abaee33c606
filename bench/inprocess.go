package main

import (
	"context"
	"time"

	"searchd/hf"
)

// measureInProcess embeds with searchd's own packages, once for each kernel.
func measureInProcess(ctx context.Context, w *workload, levels []string) ([]figures, error) {
	if len(levels) == 0 {
		levels = kernelsToTime()
	}
	var all []figures
	for _, level := range levels {
		m, restore, err := openWith(level)
		if err != nil {
			return nil, err
		}
		f, err := measureEmbedder(ctx, m, w)
		restore()
		if err != nil {
			return nil, err
		}
		f.Engine = "searchd, " + level
		all = append(all, f)
	}
	return all, nil
}

func measureEmbedder(ctx context.Context, m hf.Model, w *workload) (f figures, err error) {
	embed := func(texts []string) error {
		_, err := m.Embed(ctx, hf.Document, texts)
		return err
	}
	for _, kind := range []struct {
		texts []string
		rate  *float64
	}{{w.Passages, &f.Passages}, {w.Queries, &f.Queries}, {w.Mixed, &f.Mixed}} {
		if *kind.rate, err = bestRate(kind.texts, embed); err != nil {
			return f, err
		}
	}
	if f.OneQueryMS, err = medianMS(w.Queries[:1], 200, embed); err != nil {
		return f, err
	}
	f.OnePassageMS, err = medianMS(w.Passages[:1], 60, embed)
	return f, err
}

// bestRate is texts a second, the best of three times.
func bestRate(texts []string, embed func([]string) error) (float64, error) {
	var best float64
	if err := embed(texts[:batchTexts]); err != nil {
		return 0, err
	}
	for range 3 {
		start := time.Now()
		if err := embed(texts); err != nil {
			return 0, err
		}
		best = max(best, float64(len(texts))/time.Since(start).Seconds())
	}
	return best, nil
}

// medianMS is how long a call takes, in milliseconds, the median of n.
func medianMS(texts []string, n int, embed func([]string) error) (float64, error) {
	const warmUp = 10
	times := make([]float64, 0, warmUp+n)
	for range warmUp + n {
		start := time.Now()
		if err := embed(texts); err != nil {
			return 0, err
		}
		times = append(times, milliseconds(time.Since(start)))
	}
	return median(times[warmUp:]), nil
}

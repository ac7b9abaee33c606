package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
)

// resamples is how often the bootstrap draws; its interval then moves by a hundredth of itself from seed to seed.
const resamples = 10_000

// difference is what sets two ways of searching apart on the same questions.
type difference struct {
	mean, low, high    float64 // of a's measure over b's, and what holds it in 95 of 100 samples of questions
	wins, losses, ties int     // of a
}

// paired compares two ways question by question (bootstrap over questions: Efron and Tibshirani, 1993, chapter 13). The same
// numbers give the same answer.
func paired(a, b []float64) difference {
	var d difference
	each := make([]float64, len(a))
	for i := range a {
		each[i] = a[i] - b[i]
		d.mean += each[i] / float64(len(a))
		switch {
		case math.Abs(each[i]) < 1e-9:
			d.ties++
		case each[i] > 0:
			d.wins++
		default:
			d.losses++
		}
	}
	if len(a) == 0 {
		return d
	}
	random := rand.New(rand.NewPCG(1, 1))
	means := make([]float64, resamples)
	for i := range means {
		for range each {
			means[i] += each[random.IntN(len(each))] / float64(len(each))
		}
	}
	slices.Sort(means)
	d.low, d.high = means[resamples/40], means[resamples-resamples/40-1]
	return d
}

// printPairs compares the nDCG@10 of each two modes.
func printPairs(w io.Writer, modes []string, measured []scores) error {
	if len(modes) < 2 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\n%-24s %9s %20s %6s %6s %6s\n", "nDCG@10, one - other", "mean", "95 % interval", "better", "worse", "same")
	for i := range modes {
		for k := range i {
			d := paired(measured[i].each, measured[k].each)
			_, err = fmt.Fprintf(w, "%-24s %+9.4f %20s %6d %6d %6d\n", modes[i]+" - "+modes[k], d.mean,
				fmt.Sprintf("%+.4f to %+.4f", d.low, d.high), d.wins, d.losses, d.ties)
		}
	}
	return err
}

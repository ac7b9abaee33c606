package main

import (
	"context"
	"fmt"
)

type checkCommand struct {
	Recall     bool   `help:"Measure recall@10 of the index beside exact search, on the collection's own vectors."`
	Collection string `help:"Collection to check." default:"default"`
	Sample     int    `help:"Vectors to measure with, each as it is and disturbed: 1 to 1000." default:"100"`
}

func (k *checkCommand) Run(ctx context.Context, c *cli, t terminal) error {
	if !k.Recall {
		return usageError("check needs to know what to check: --recall")
	}
	return c.with(ctx, t, func(s session) error {
		r, err := s.Recall(ctx, k.Collection, k.Sample)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, `collection  %s, %d vectors, index %s
queries     %d: vectors of the collection, as they are and disturbed
recall@10   mean %.4f, least %.2f
time        %.3f ms a query, exact %.3f ms
`, k.Collection, r.Vectors, r.IndexState, r.Queries, r.Recall, r.LeastRecall, r.IndexMS, r.ExactMS)
		return err
	})
}

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"searchd/api/wire"
)

type reembedCommand struct {
	Model        string `arg:"" help:"Model that is to read the documents. See searchd model list."`
	Collection   string `help:"Collection to embed again." default:"default"`
	DropPrevious bool   `help:"Give up the former model's vectors afterwards: their room is free, and there is no way back."`
}

func (r *reembedCommand) Run(ctx context.Context, c *cli, t terminal) error {
	return c.with(ctx, t, func(s session) error {
		before, err := s.Collection(ctx, r.Collection)
		if err != nil {
			return err
		}
		start := time.Now()
		job, err := s.Reembed(ctx, r.Collection, r.Model, 0)
		if err == nil {
			job, err = follow(ctx, s, t, job)
		}
		if err != nil {
			return err
		}
		if job.Status != "done" {
			return fmt.Errorf("%s is still read by %s: %s", r.Collection, before.Model, job.Error)
		}
		after, err := s.Collection(ctx, r.Collection)
		if err != nil {
			return err
		}
		way := fmt.Sprintf("the vectors of %s are kept: searchd reembed %[1]s goes back", before.Model)
		if r.DropPrevious {
			if err := s.DropPrevious(ctx, r.Collection); err != nil {
				return err
			}
			way = fmt.Sprintf("the vectors of %s are gone", before.Model)
		}
		_, err = fmt.Fprintf(t.out, "%s: %s, %s read by %s in %.1f s; %s\n", r.Collection, count(after.Documents, "document"), count(after.Chunks, "chunk"),
			after.Model, time.Since(start).Seconds(), way)
		return err
	})
}

// pollEvery is how often a job is looked at.
const pollEvery = 100 * time.Millisecond

// follow waits until a job is finished, and shows how far it is where standard error is a terminal. It goes on where the one who waits
// does not.
func follow(ctx context.Context, s session, t terminal, job wire.Job) (wire.Job, error) {
	var bar *progressbar.ProgressBar
	if isTerminal(t.err) {
		bar = progressbar.NewOptions(max(1, job.Total),
			progressbar.OptionSetWriter(t.err), progressbar.OptionSetDescription("embedding"), progressbar.OptionSetWidth(30), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth())
		defer func() { _ = bar.Finish() }() // a bar is no reason to fail
	}
	for job.FinishedAt == nil {
		select {
		case <-time.After(pollEvery):
		case <-ctx.Done():
			return job, fmt.Errorf("job %s goes on without this command: %w", job.ID, ctx.Err())
		}
		var err error
		if job, err = s.Job(ctx, job.ID); err != nil {
			return job, err
		}
		if bar != nil {
			bar.ChangeMax(max(1, job.Total))
			_ = bar.Set(job.Done)
		}
	}
	return job, nil
}

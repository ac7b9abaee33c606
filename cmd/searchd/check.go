package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"searchd/api/wire"
	"searchd/models"
	"searchd/models/db"
)

type checkCommand struct {
	Collection string `help:"Collection to check; by default all are, and of --recall the collection default." placeholder:"NAME"`
	Repair     bool   `help:"Set right what can be derived, and put in quarantine what cannot."`
	Salvage    string `help:"Write every row that can be read of a damaged data folder into a new file, which searchd restore takes." placeholder:"FILE" type:"path"`
	Recall     bool   `help:"Measure recall@10 of the index beside exact search, on the collection's own vectors."`
	Sample     int    `help:"Vectors to measure with, each as it is and disturbed: 1 to 1000." default:"100"`
}

func (k *checkCommand) Run(ctx context.Context, c *cli, t terminal) error {
	switch {
	case k.Recall && k.Repair:
		return usageError("check --recall changes nothing; leave --repair out, or --recall")
	case k.Salvage != "" && (k.Recall || k.Repair || k.Collection != ""):
		return usageError("check --salvage FILE stands alone: it takes everything, and does nothing else")
	case k.Salvage != "":
		return k.salvage(ctx, c, t)
	}
	return c.with(ctx, t, func(s session) error {
		if k.Recall {
			return k.recall(ctx, s, t)
		}
		return k.verify(ctx, s, t)
	})
}

func (k *checkCommand) recall(ctx context.Context, s session, t terminal) error {
	name := cmp.Or(k.Collection, models.DefaultCollection)
	r, err := s.Recall(ctx, name, k.Sample)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, `collection  %s, %d vectors, index %s
queries     %d: vectors of the collection, as they are and disturbed
recall@10   mean %.4f, least %.2f
time        %.3f ms a query, exact %.3f ms
`, name, r.Vectors, r.IndexState, r.Queries, r.Recall, r.LeastRecall, r.IndexMS, r.ExactMS)
	return err
}

// verify has everything read. Faults that remain are an error.
func (k *checkCommand) verify(ctx context.Context, s session, t terminal) error {
	stop := followCheck(ctx, s, t)
	r, err := s.Check(ctx, wire.CheckRequest{Collection: k.Collection, Repair: k.Repair})
	stop()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(t.out, checkLines(r, k.Repair)); err != nil {
		return err
	}
	if r.Remaining > 0 {
		return errors.New(count(r.Remaining, "fault") + " in the store")
	}
	return nil
}

func (k *checkCommand) salvage(ctx context.Context, c *cli, t terminal) error {
	if c.Server != "" {
		return usageError("check --salvage works on a data folder that no server has open; stop it, and leave --server out")
	}
	s, err := db.Salvage(ctx, c.Data, k.Salvage)
	if err != nil {
		return err
	}
	for _, lost := range s.Lost {
		if _, err := fmt.Fprintln(t.out, "lost: ", lost); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(t.out, "%s: %s; now searchd restore it into another folder, and searchd check --repair that\n", k.Salvage, inWords(s.Contents))
	return err
}

// checkLines says what was found: a line a fault, a line for each document in quarantine, and a summary.
func checkLines(r wire.CheckReport, repair bool) string {
	var b strings.Builder
	for _, f := range r.Faults {
		outcome := f.Outcome
		if outcome == string(models.Remains) {
			outcome = "fault"
		}
		fmt.Fprintf(&b, "%-11s  %s\n", outcome, strings.Join(nonEmpty(place(f.Collection, f.Generation, f.DocumentID), f.Message), ": "))
	}
	if more := r.Found - len(r.Faults); more > 0 {
		fmt.Fprintf(&b, "             and %s more\n", count(more, "fault"))
	}
	for _, q := range r.Quarantine {
		fmt.Fprintf(&b, "%-11s  %s: since %s: %s\n", "kept aside", place(q.Collection, q.Generation, q.DocumentID), q.At.Format(time.DateTime), q.Reason)
	}
	if more := r.InQuarantine - len(r.Quarantine); more > 0 {
		fmt.Fprintf(&b, "             and %s more\n", count(more, "document"))
	}
	fmt.Fprintf(&b, "%s in %s: %s", count(r.Documents, "document"), count(r.Collections, "collection"), verdict(r))
	if r.InQuarantine > 0 {
		fmt.Fprintf(&b, "; %d in quarantine: send them again", r.InQuarantine)
	}
	if r.Unsummed > 0 {
		fmt.Fprintf(&b, "; %s without checksum, which --repair fills in", count(r.Unsummed, "record"))
	}
	switch broken := slices.ContainsFunc(r.Faults, func(f wire.StoreFault) bool {
		return f.Kind == string(models.FaultFile) && f.Outcome == string(models.Remains)
	}); {
	case broken:
		b.WriteString("; the file itself is damaged: stop searchd and restore a backup, or save what can be read with searchd check --salvage FILE")
	case r.Remaining > 0 && !repair:
		b.WriteString("; searchd check --repair sets right what can be")
	}
	return b.String() + "\n"
}

func verdict(r wire.CheckReport) string {
	if r.Found == 0 {
		return "no fault"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{r.Repaired, "repaired"}, {r.Quarantined, "put in quarantine"}, {r.Remaining, "left"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return count(r.Found, "fault") + ", " + strings.Join(parts, ", ")
}

// place is where a fault is, from the outside in.
func place(collection, generation, document string) string {
	if generation != "" {
		collection += " (" + generation + ")"
	}
	if document != "" {
		document = fmt.Sprintf("%q", document)
	}
	return strings.Join(nonEmpty(collection, document), " ")
}

func nonEmpty(parts ...string) []string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return kept
}

// followCheck shows a bar until it is stopped, where standard error is a terminal.
func followCheck(ctx context.Context, s session, t terminal) (stop func()) {
	if !isTerminal(t.err) {
		return func() {}
	}
	bar := progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(t.err), progressbar.OptionSetDescription("checking"), progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth(),
	)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for every := time.NewTicker(200 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				every.Stop()
				_ = bar.Clear() // a bar is no reason to stop
				return
			case <-every.C:
			}
			if p, err := s.CheckProgress(ctx); err == nil && p.Running && p.Total > 0 {
				bar.ChangeMax(p.Total)
				_ = bar.Set(p.Done)
			}
		}
	}()
	return func() { cancel(); <-ended }
}

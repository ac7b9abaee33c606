package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"searchd/api/wire"
)

// rehearsal sums up the previews of batches.
type rehearsal struct {
	model string
	seen  map[[sha256.Size]byte]string // the first id by text: the server sees one batch at a time
	total wire.Preview
}

// preview shows what would become of a batch.
func (u *uploader) preview() error {
	p, err := u.session.Preview(u.ctx, u.collection, u.rehearsal.model, u.batch, u.options)
	var refused *wire.Error
	switch {
	case errors.As(err, &refused) && refused.Type == "invalid_request_error":
		u.refuse(refused)
	case err != nil:
		return err
	default:
		err = u.show(p)
	}
	u.next()
	return err
}

func (u *uploader) show(p wire.Preview) error {
	sum := &u.rehearsal.total
	sum.NewChunks += p.NewChunks
	sum.NewTokens += p.NewTokens
	sum.EstimatedMS += p.EstimatedMS
	sum.EstimatedCostUSD += p.EstimatedCostUSD
	sum.TokensPerSecond = cmp.Or(p.TokensPerSecond, sum.TokensPerSecond)
	for i, r := range p.Results {
		u.outcomes[r.Status]++
		u.chunks += r.Chunks
		u.tokens += r.Tokens
		if r.Error != nil {
			u.complain(u.places[i], r.Error.Message, r.Error.Param)
			continue
		}
		content := sha256.Sum256([]byte(u.batch[i].Text))
		same := cmp.Or(r.DuplicateOf, u.rehearsal.seen[content])
		if same == r.ID {
			same = ""
		}
		if _, known := u.rehearsal.seen[content]; !known {
			u.rehearsal.seen[content] = r.ID
		}
		line := fmt.Sprintf("%-9s %7s %9s  %s", r.Status, count(r.Chunks, "chunk"), count(r.Tokens, "token"), u.places[i])
		if same != "" {
			sum.Duplicates++
			line += "  the same as " + same
		}
		if u.bar != nil {
			_ = u.bar.Clear()
		}
		if _, err := fmt.Fprintln(u.terminal.out, line); err != nil {
			return err
		}
	}
	return nil
}

// reportPreview is the last line of a dry run.
func (u *uploader) reportPreview() error {
	n := u.outcomes["created"] + u.outcomes["updated"] + u.outcomes["unchanged"]
	return u.say(fmt.Sprintf("would add %s to %s: %s; %s", count(n, "document"), u.collection, u.counts(), u.estimate()))
}

// estimate is how much there would be, and what it would take.
func (u *uploader) estimate() string {
	sum := u.rehearsal.total
	line := fmt.Sprintf("%s, %s, of which the model would read %s, %s",
		count(u.chunks, "chunk"), count(u.tokens, "token"), count(sum.NewChunks, "chunk"), count(sum.NewTokens, "token"))
	if sum.TokensPerSecond > 0 {
		took := time.Duration(sum.EstimatedMS * float64(time.Millisecond)).Seconds()
		line += fmt.Sprintf(" in about %.1f s, at %.0f tokens a second", took, sum.TokensPerSecond)
	}
	return line + fmt.Sprintf(", for $%.2f; %s", sum.EstimatedCostUSD, count(sum.Duplicates, "duplicate"))
}

// untouched runs a command that must write nothing. Where there is no data folder yet, it gets one of its own for the time being.
func (c *cli) untouched(ctx context.Context, t terminal, fn func(session) error) error {
	if c.Server == "" {
		if _, err := os.Stat(filepath.Join(c.Data, "searchd.db")); errors.Is(err, fs.ErrNotExist) {
			dir, err := os.MkdirTemp("", "searchd-dry-run-*")
			if err != nil {
				return err
			}
			elsewhere := *c
			elsewhere.Data = dir
			return errors.Join(elsewhere.with(ctx, t, fn), os.RemoveAll(dir))
		}
	}
	return c.with(ctx, t, fn)
}

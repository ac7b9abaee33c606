package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"searchd/models/db"
)

type backupCommand struct {
	File string `arg:"" help:"File to write; it must not be there." type:"path"`
}

// Run writes under another name until the copy is whole and was read back.
func (b *backupCommand) Run(ctx context.Context, c *cli, t terminal) error {
	if _, err := os.Stat(b.File); err == nil {
		return fmt.Errorf("%s is there already; give another name, or remove it", b.File)
	}
	partial := b.File + ".partial"
	err := c.with(ctx, t, func(s session) error {
		from, err := s.Backup(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = from.Close() }() // all of it is read; closing cannot lose anything
		return write(partial, from)
	})
	var contents db.Contents
	if err == nil {
		contents, err = db.Verify(ctx, partial)
	}
	if err == nil {
		err = os.Rename(partial, b.File)
	}
	if err != nil {
		_ = os.Remove(partial) // it may not be there
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s: %s\n", b.File, inWords(contents))
	return err
}

func write(path string, from io.Reader) error {
	to, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Sync(), to.Close())
}

func inWords(c db.Contents) string {
	return fmt.Sprintf("%s, %s, %s", count(c.Collections, "collection"), count(c.Documents, "document"), count(c.Chunks, "chunk"))
}

type restoreCommand struct {
	File string `arg:"" help:"What searchd backup has written." type:"existingfile"`
}

func (r *restoreCommand) Run(ctx context.Context, c *cli, t terminal) error {
	if c.Server != "" {
		return usageError("restore makes a data folder: leave --server out, give --data, and start a server on that folder")
	}
	contents, err := db.Restore(ctx, r.File, c.Data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s: %s\n", c.Data, inWords(contents))
	return err
}

package main

import (
	"context"
	"fmt"

	"searchd/api/wire"
)

type deleteCommand struct {
	IDs        []string `arg:"" optional:"" name:"id" help:"Ids of documents."`
	Filter     string   `help:"Delete what meets this condition on metadata, as JSON." placeholder:"JSON"`
	Collection string   `help:"Collection to delete from." default:"default"`
}

func (d *deleteCommand) Run(ctx context.Context, c *cli, t terminal) error {
	if (len(d.IDs) == 0) == (d.Filter == "") {
		return usageError("delete takes ids or --filter, one of them")
	}
	filter, err := filterFlag(d.Filter)
	if err != nil {
		return err
	}
	return c.with(ctx, t, func(s session) error {
		n, err := s.Delete(ctx, d.Collection, wire.DeleteRequest{IDs: d.IDs, Filter: filter})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "deleted %s from %s\n", count(n, "document"), d.Collection)
		return err
	})
}

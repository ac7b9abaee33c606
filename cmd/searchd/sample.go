package main

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"searchd/api/wire"
	"searchd/fixtures"
	"searchd/models/db"
)

// firstPage is more than anybody has.
var firstPage = db.Page{Limit: 1000}

// sampleFilter finds the sample again among other documents.
const sampleFilter = `{"source":"searchd-sample"}`

type sampleCommand struct {
	Load   sampleLoad   `cmd:"" help:"Add the sample corpus."`
	Remove sampleRemove `cmd:"" help:"Delete the sample corpus, and nothing else."`
}

type sampleLoad struct {
	Collection string `help:"Collection to add it to." default:"default"`
}

func (l *sampleLoad) Run(ctx context.Context, c *cli, t terminal) (err error) {
	docs, err := sampleDocuments()
	if err != nil {
		return err
	}
	return c.with(ctx, t, func(s session) error {
		job, err := s.Ingest(ctx, l.Collection, docs, 600)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "loaded %s into %s\n", count(job.Done, "sample document"), job.Collection)
		return err
	})
}

type sampleRemove struct {
	Collection string `help:"Collection to remove it from." default:"default"`
}

func (r *sampleRemove) Run(ctx context.Context, c *cli, t terminal) error {
	return c.with(ctx, t, func(s session) error {
		n, err := s.Delete(ctx, r.Collection, wire.DeleteRequest{Filter: jsontext.Value(sampleFilter)})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(t.out, "removed %s from %s\n", count(n, "sample document"), r.Collection)
		return err
	})
}

func sampleDocuments() ([]wire.Document, error) {
	text, err := fs.ReadFile(fixtures.Sample, "sample/corpus.jsonl")
	if err != nil {
		return nil, err
	}
	var docs []wire.Document
	err = eachLine(text, func(line []byte) error {
		var doc wire.Document
		if err := json.Unmarshal(line, &doc, json.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("sample: %w", err)
		}
		docs = append(docs, doc)
		return nil
	})
	return docs, err
}

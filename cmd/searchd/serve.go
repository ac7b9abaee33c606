package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"searchd/internal/cores"
	"searchd/models"
)

type serveCommand struct {
	Addr   string `help:"Address to listen on; port 0 takes a free one." default:"127.0.0.1:8080"`
	Sample bool   `help:"Load the sample corpus if the store is empty."`
}

func (s *serveCommand) Run(ctx context.Context, c *cli, t terminal) error {
	if c.Server != "" {
		return usageError("serve works on a data folder; leave --server out")
	}
	log := logger(t.err, c.Log)
	// Listen first: a port in use is said at once, and a client that comes early waits instead of being refused.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w; choose another address with --addr", err)
	}
	a, err := openApp(ctx, c.Data, c.Models, c.Providers, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	cores.Spare()
	if _, err := fmt.Fprintf(t.out, "listening on http://%s\n", listener.Addr()); err != nil {
		return errors.Join(err, listener.Close(), a.close())
	}
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(listener) }()
	if s.Sample {
		if err := a.loadSampleIfEmpty(ctx); err != nil {
			log.Error("sample not loaded", "error", err)
		}
	}
	go a.warm(ctx)
	select {
	case err = <-served:
	case <-ctx.Done():
		signal.Reset(os.Interrupt, syscall.SIGTERM) // a second signal ends the process at once
		log.Info("stopping", "grace", shutdownGrace)
	}
	return errors.Join(err, a.close())
}

// warm builds the indexes before somebody has to wait for them.
func (a *app) warm(ctx context.Context) {
	start := time.Now()
	list, _, err := a.db.Collections(ctx, firstPage)
	for _, collection := range list {
		if _, e := a.index.Get(ctx, collection); e != nil {
			err = e
		}
	}
	if err != nil {
		a.log.Error("indexes not built", "error", err)
		return
	}
	a.log.Info("indexes built", "collections", len(list), "took_ms", time.Since(start).Milliseconds())
}

// loadSampleIfEmpty adds the sample corpus to the default collection of a store without documents.
func (a *app) loadSampleIfEmpty(ctx context.Context) error {
	list, _, err := a.db.Collections(ctx, firstPage)
	if err != nil {
		return err
	}
	for _, collection := range list {
		if collection.Documents > 0 {
			return nil
		}
	}
	docs, err := sampleDocuments()
	if err != nil {
		return err
	}
	target, err := a.ingest.Collection(ctx, models.DefaultCollection)
	if err != nil {
		return err
	}
	in := a.ingest.Begin(target)
	for i, doc := range docs {
		metadata, err := models.ParseMetadata(doc.Metadata)
		draft := models.Draft{ID: doc.ID, Title: doc.Title, URL: doc.URL, Text: doc.Text, Metadata: metadata}
		if err := in.Add(ctx, fmt.Sprintf("documents[%d]", i), draft, err); err != nil {
			return err
		}
	}
	job, err := in.Commit(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	if job, err = a.ingest.Wait(ctx, job.ID, time.Hour); err == nil {
		a.log.Info("sample loaded", "documents", job.Done, "took_ms", time.Since(start).Milliseconds(), "remove_with", "searchd sample remove")
	}
	return err
}

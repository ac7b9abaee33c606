package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"

	"searchd/api"
	"searchd/api/client"
	"searchd/hf/library"
	"searchd/index"
	"searchd/index/lexical"
	"searchd/ingest"
	"searchd/internal/metrics"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
	"searchd/web"
)

// app is everything that works on one data folder, wired together. This is the only place where adapters meet.
type app struct {
	log    *slog.Logger
	db     *db.DB
	index  *index.Registry
	words  *lexical.Registry
	ingest *ingest.Service
	search *search.Service
	tasks  *modelTasks
	server *api.Server

	stopWork context.CancelFunc
	work     sync.WaitGroup
}

// openApp opens a data folder and starts the worker on what a former process left unfinished.
func openApp(ctx context.Context, dir string, files modelFlags, providers providerFlags, log *slog.Logger) (*app, error) {
	counted := metrics.New(version)
	type opened struct {
		models *library.Library
		err    error
	}
	model := make(chan opened, 1) // the model and the store take about as long to open: do both at once
	go func() {
		m, err := files.open(dir, counted, log)
		model <- opened{m, err}
	}()
	store, err := db.Open(ctx, dir)
	available := <-model
	if err != nil {
		return nil, err
	}
	if available.err != nil {
		return nil, errors.Join(available.err, store.Close())
	}
	if err := removeStrays(ctx, dir, store, log); err != nil {
		log.Warn("indexes of deleted collections not removed", "error", err)
	}
	a := &app{log: log, db: store}
	a.index = index.NewRegistry(engines{dir, manyVectors, log}, store)
	a.words = lexical.NewRegistry(filepath.Join(dir, "lexical"), store, log)
	a.ingest = ingest.New(store, a.index, a.words, available.models, ingest.Options{
		Cache: extractCache(), Log: log, Observe: func(item models.JobItem) { counted.Ingested(string(item.Status)) },
	})
	a.search = search.New(store, a.index, a.words, available.models, log)
	if a.tasks, err = providers.open(ctx, dir, store, a.search, available.models, counted, log); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	a.server = api.New(api.Options{
		DB: store, Ingest: a.ingest, Search: a.search, Tasks: a.tasks.Service,
		Models: available.models, Page: web.FS, Log: log, Metrics: counted, Version: version,
		IndexState: a.indexState,
		Degraded:   func() []string { return slices.Concat(a.index.Degraded(), a.words.Degraded(), a.ingest.Degraded()) },
	})
	counted.Observe(a.look)
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stopWork = stop
	a.work.Go(func() { a.ingest.Run(work) })
	return a, nil
}

// indexState says how far the indexes of a collection are: that of vectors, unless it is ready and that of words is not.
func (a *app) indexState(c models.Collection) string {
	state := string(a.index.State(c))
	if words := a.words.State(c.ID); state == string(index.Ready) {
		return cmp.Or(words, state)
	}
	return state
}

// mostCollections bounds how many collections the metrics tell apart.
var mostCollections = db.Page{Limit: 100}

// look is what a scrape of the metrics shows of the store.
func (a *app) look(ctx context.Context) (metrics.Store, error) {
	var s metrics.Store
	var err error
	if s.Jobs, s.Documents, err = a.db.Backlog(ctx); err != nil {
		return s, err
	}
	list, _, err := a.db.Collections(ctx, mostCollections)
	for _, c := range list {
		recall, measured := a.search.LastRecall(c.ID)
		s.Collections = append(s.Collections, metrics.Collection{
			Name: c.Name, Documents: c.Documents, Chunks: c.Chunks, Recall: recall, Measured: measured,
		})
	}
	return s, err
}

// shutdownGrace is how long requests that are being answered may take when the process is asked to stop.
const shutdownGrace = 10 * time.Second

// close stops taking requests, lets the worker finish its step, and closes the store.
func (a *app) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	err := a.server.Shutdown(ctx)
	a.stopWork()
	a.work.Wait()
	a.tasks.close()
	a.search.Close()
	return errors.Join(err, a.index.Close(), a.words.Close(), a.db.Close())
}

// connect answers a client of the server that was named, or of the data folder. Either way a command speaks the same
// API; a data folder is served within the process, over a listener that is no socket.
func (c *cli) connect(ctx context.Context, t terminal) (*client.Client, func() error, error) {
	if c.Server != "" {
		direct, err := client.New(c.Server, nil)
		return direct, func() error { return nil }, err
	}
	a, err := openApp(ctx, c.Data, c.Models, c.Providers, logger(t.err, c.Log))
	if err != nil {
		return nil, nil, err
	}
	pipe := fasthttputil.NewInmemoryListener()
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(pipe) }()
	stop := func() error {
		err := a.close()
		return errors.Join(err, <-served)
	}
	inside, err := client.New("http://searchd", &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return pipe.Dial() },
	}})
	return inside, stop, err
}

func logger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"searchd/hf"
	"searchd/ingest"
	"searchd/internal/metrics"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
	"searchd/tasks"
)

// Limits of one request. They are known before any memory is taken.
const (
	maxBodyBytes   = 32 << 20 // of JSON, which is read whole; NDJSON is streamed and has no such limit
	maxLineBytes   = 16 << 20 // of NDJSON
	maxDocuments   = 10_000   // in one JSON body
	maxHeader      = 64 << 10 // bytes of request line and headers: a GET carries its query and filter there
	requestTimeout = 30 * time.Second
	maxWait        = 600 // seconds
	defaultWait    = 30
)

// Options are what a Server is made of.
type Options struct {
	DB      *db.DB
	Ingest  *ingest.Service
	Search  *search.Service
	Models  hf.Models
	Tasks   *tasks.Service
	Page    fs.FS // index.html and what it needs
	Log     *slog.Logger
	Metrics *metrics.Metrics // nil means some of its own
	Version string
	// IndexState says how far a collection's index is, Degraded which indexes are slow or fail, and why.
	IndexState func(models.Collection) string
	Degraded   func() []string
}

// Server answers HTTP requests.
type Server struct {
	Options
	app *fiber.App

	// live ends when the server does: it stops the streams that would otherwise hold up a shutdown.
	live context.Context
	stop context.CancelFunc

	// files are those of the page, packed when the first of them is asked for.
	files func() (map[string]*file, error)

	backingUp sync.Mutex
	checking  checkState
}

// New makes a server; Serve makes it answer.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = metrics.New(o.Version)
	}
	s := &Server{Options: o, files: sync.OnceValues(func() (map[string]*file, error) { return openPage(o.Page) })}
	s.live, s.stop = context.WithCancel(context.Background())
	s.app = fiber.New(fiber.Config{
		AppName:                      "searchd",
		DisableStartupMessage:        true,
		Immutable:                    true, // fasthttp reuses the memory behind its strings; here they are kept
		CaseSensitive:                true,
		StreamRequestBody:            true, // bodies are read by readBody and scanLines, which hold the limits
		BodyLimit:                    1 << 20,
		DisablePreParseMultipartForm: true, // it would write the files of any such body to disk, before a route is found
		ReadBufferSize:               maxHeader,
		ReadTimeout:                  10 * time.Minute,
		IdleTimeout:                  time.Minute,
		ErrorHandler:                 s.fail,
	})
	s.app.Server().Handler = anyMethod(s.app.Server().Handler)
	s.routes()
	return s
}

// Serve answers the connections of l until Shutdown, which may come first.
func (s *Server) Serve(l net.Listener) error {
	own := &listener{Listener: l, live: s.live}
	defer context.AfterFunc(s.live, func() { _ = own.Close() })() // fiber knows of it only a moment later
	if err := s.app.Listener(own); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Shutdown stops taking requests and waits for those that are being answered, until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	if err := s.app.ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("requests were still being answered when it stopped: %w", err)
	}
	return nil
}

func (s *Server) routes() {
	s.app.Use(s.identify, s.recoverPanic)
	s.app.Get("/healthz", s.health)
	s.app.Get("/readyz", s.ready)
	s.app.Get("/metrics", s.metrics)
	s.app.Get("/openapi.yaml", s.openapi)
	s.app.Get("/docs", s.docs)
	s.app.Get("/", s.page)
	s.app.Get("/assets/*", s.asset)
	s.app.Get("/models", s.listModels)

	s.app.Post("/complete", s.complete)
	s.app.Post("/compare", s.compare)
	s.app.Post("/sentiment", s.sentiment)
	s.app.Post("/summarize", s.summarize)
	s.app.Post("/translate", s.translate)
	s.app.Post("/embeddings", s.embeddings)

	s.routeCollections()
	s.routeOpenAI()
	s.routeTEI()
	s.routeHub()

	s.app.Get("/providers", s.listProviders)
	s.app.Post("/providers", s.createProvider)
	s.app.Get("/providers/:id", s.readProvider)
	s.app.Patch("/providers/:id", s.patchProvider)
	s.app.Delete("/providers/:id", s.deleteProvider)
	s.app.Post("/providers/:id/test", s.testProvider)
	s.app.Get("/usage", s.usage)
	s.app.Get("/requests", s.listModelRequests)
	s.app.Post("/backup", s.backup)
	s.app.Get("/check", s.checkProgress)
	s.app.Post("/check", s.check)

	for _, prefix := range []string{"", "/collections/:collection"} {
		s.app.Get(prefix+"/documents", s.listDocuments)
		s.app.Post(prefix+"/documents", s.addDocuments)
		s.app.Post(prefix+"/documents/delete", s.deleteDocuments)
		s.app.Get(prefix+"/documents/+", s.readDocument)
		s.app.Patch(prefix+"/documents/+", s.patchDocument)
		s.app.Delete(prefix+"/documents/+", s.deleteDocument)
		s.app.Get(prefix+"/search", s.searchByQuery)
		s.app.Post(prefix+"/search", s.searchByBody)
		s.app.Post(prefix+"/answer", s.answerQuestion)
		s.app.Post(prefix+"/reembed", s.reembed)
		s.app.Delete(prefix+"/previous", s.deletePrevious)
		s.app.Get(prefix+"/recall", s.recall)
		s.app.Get(prefix+"/fields", s.listFields)
		s.app.Get(prefix+"/map", s.collectionMap)
	}
	s.app.Use(s.noRoute)
}

// routeCollections has the routes of what documents lie in, and of the work that is done to them.
func (s *Server) routeCollections() {
	s.app.Get("/jobs", s.listJobs)
	s.app.Get("/jobs/:id", s.readJob)
	s.app.Delete("/jobs/:id", s.cancelJob)
	s.app.Post("/jobs/:id/retry", s.retryJob)

	s.app.Get("/collections", s.listCollections)
	s.app.Post("/collections", s.createCollection)
	s.app.Get("/collections/:collection", s.readCollection)
	s.app.Patch("/collections/:collection", s.patchCollection)
	s.app.Delete("/collections/:collection", s.deleteCollection)
}

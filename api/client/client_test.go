package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"searchd/api"
	"searchd/api/client"
	"searchd/api/wire"
	"searchd/hf/bundled"
	"searchd/hf/hftest"
	"searchd/hf/local"
	"searchd/index"
	"searchd/index/chromem"
	"searchd/index/lexical"
	"searchd/ingest"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

// serve starts a real server and answers its address.
func serve(t *testing.T) string {
	t.Helper()
	address, stop, err := run(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return address
}

// run starts a real server on a folder.
func run(dir string) (address string, stop func() error, err error) {
	model, err := bundled.Open(local.Options{})
	if err != nil {
		return "", nil, err
	}
	store, err := db.Open(context.Background(), dir)
	if err != nil {
		return "", nil, err
	}
	available := hftest.Set{model}
	registry := index.NewRegistry(index.Open(func(c models.Collection) (index.Index, error) { return chromem.New(c.Dimensions) }), store)
	words := lexical.NewRegistry(filepath.Join(dir, "lexical"), store, nil)
	in := ingest.New(store, registry, words, available, ingest.Options{})
	server := api.New(api.Options{DB: store, Ingest: in, Search: search.New(store, registry, words, available, nil), Models: available, Page: fstest.MapFS{},
		IndexState: func(c models.Collection) string { return string(registry.State(c)) }, Degraded: registry.Degraded})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	work, end := context.WithCancel(context.Background())
	var running sync.WaitGroup
	var served error
	running.Go(func() { in.Run(work) })
	running.Go(func() { served = server.Serve(listener) })
	return "http://" + listener.Addr().String(), func() error {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := server.Shutdown(ctx)
		end()
		running.Wait()
		return errors.Join(err, served, registry.Close(), words.Close(), store.Close())
	}, nil
}

func connect(t *testing.T, address string) *client.Client {
	t.Helper()
	c, err := client.New(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRoundTrip(t *testing.T) {
	c, ctx := connect(t, serve(t)+"/"), t.Context()
	made, err := c.CreateCollection(ctx, wire.NewCollection{Name: "notes", Description: "d"})
	if err != nil || made.Name != "notes" || made.Dimensions != 384 {
		t.Fatalf("CreateCollection: %+v, %v", made, err)
	}
	const odd = "a/b?c#d %é//.."
	job, err := c.Ingest(ctx, "notes", []wire.Document{
		{ID: odd, Text: "Yeast lifts the dough.\nAnd the oven fixes it.", Title: "Bread", Metadata: []byte(`{"lang":"en"}`)},
		{Text: "The moon pulls the sea."},
		{ID: "bad"},
	}, 30)
	if err != nil || job.Status != "done" || job.Done != 2 || job.Failed != 1 || job.Results[2].Error.Param != "documents[2].text" {
		t.Fatalf("Ingest: %+v, %v", job, err)
	}
	if again, err := c.Job(ctx, job.ID); err != nil || again.ID != job.ID || len(again.Results) != 3 {
		t.Errorf("Job: %+v, %v", again, err)
	}
	doc, err := c.Document(ctx, "notes", odd)
	if err != nil || doc.ID != odd || *doc.Text != "Yeast lifts the dough.\nAnd the oven fixes it." || string(doc.Metadata) != `{"lang":"en"}` {
		t.Errorf("Document: %+v, %v", doc, err)
	}
	limit := 1
	found, err := c.Search(ctx, "notes", wire.SearchRequest{Query: "baking", Limit: &limit, Filter: []byte(`{"lang":"en"}`)})
	if err != nil || len(found.Hits) != 1 || found.Hits[0].DocumentID != odd || found.Total != 1 {
		t.Errorf("Search: %+v, %v", found, err)
	}
	if n, err := c.Delete(ctx, "notes", wire.DeleteRequest{IDs: []string{odd}}); err != nil || n != 1 {
		t.Errorf("Delete by ids: %d, %v", n, err)
	}
	if n, err := c.Delete(ctx, "notes", wire.DeleteRequest{Filter: []byte(`{"lang":{"$exists":false}}`)}); err != nil || n != 1 {
		t.Errorf("Delete by filter: %d, %v", n, err)
	}
	if read, err := c.Collection(ctx, "notes"); err != nil || read.Documents != 0 {
		t.Errorf("Collection: %+v, %v", read, err)
	}
}

func TestTheEmptyCollectionIsTheDefault(t *testing.T) {
	c, ctx := connect(t, serve(t)), t.Context()
	if job, err := c.Ingest(ctx, "", []wire.Document{{ID: "a", Text: "A text."}}, 30); err != nil || job.Collection != "default" {
		t.Errorf("%+v, %v", job, err)
	}
	if doc, err := c.Document(ctx, "default", "a"); err != nil || doc.Collection != "default" {
		t.Errorf("%+v, %v", doc, err)
	}
}

func TestErrorsOfTheServer(t *testing.T) {
	c, ctx := connect(t, serve(t)), t.Context()
	if _, err := c.Collection(ctx, "default"); err != nil { // makes it
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		call  func() error
		code  string
		param string
	}{
		"no document":       {func() error { _, err := c.Document(ctx, "", "none"); return err }, "not_found", "id"},
		"no collection":     {func() error { _, err := c.Collection(ctx, "none"); return err }, "not_found", "collection"},
		"bad collection":    {func() error { _, err := c.Collection(ctx, "a/b"); return err }, "invalid", "collection"},
		"no job":            {func() error { _, err := c.Job(ctx, "none"); return err }, "not_found", "id"},
		"all bad":           {func() error { _, err := c.Ingest(ctx, "", []wire.Document{{}}, 1); return err }, "invalid", "documents[0].text"},
		"no documents":      {func() error { _, err := c.Ingest(ctx, "", nil, 1); return err }, "invalid", "documents"},
		"waits too long":    {func() error { _, err := c.Ingest(ctx, "", []wire.Document{{Text: "a"}}, 601); return err }, "invalid", "wait"},
		"no query":          {func() error { _, err := c.Search(ctx, "", wire.SearchRequest{}); return err }, "invalid", "query"},
		"deletes nothing":   {func() error { _, err := c.Delete(ctx, "", wire.DeleteRequest{}); return err }, "invalid", "ids"},
		"collection exists": {func() error { _, err := c.CreateCollection(ctx, wire.NewCollection{Name: "default"}); return err }, "conflict", "name"},
	} {
		t.Run(name, func(t *testing.T) {
			var e *wire.Error
			if err := test.call(); !errors.As(err, &e) || e.Code != test.code || e.Param != test.param || e.RequestID == "" {
				t.Fatalf("%v, want code %s about %s", err, test.code, test.param)
			}
			if text := e.Error(); !strings.HasPrefix(text, test.param+": ") {
				t.Errorf("reads %q", text)
			}
		})
	}
}

func TestErrorsOfOthers(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"no searchd": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello")) }, "something that is not searchd's"},
		"a proxy":    {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad gateway", http.StatusBadGateway) }, "502 Bad Gateway"},
		"other JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"oops":1}`))
		}, "500 Internal"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		}, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			other := httptest.NewServer(test.answer)
			defer other.Close()
			if _, err := connect(t, other.URL).Collection(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c := connect(t, address)
	if _, err := c.Job(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "searchd serve") {
		t.Errorf("%v, want the address and the remedy", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Job(ctx, "x"); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "searchd serve") {
		t.Errorf("cancelled: %v", err)
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, address := range []string{"", "localhost:8080", "127.0.0.1:8080", "ftp://x", "http://", "://", "http://a b"} {
		if _, err := client.New(address, nil); err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:8080") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"searchd/api/client"
	"searchd/api/wire"
	"searchd/ingest/extract"
)

type addCommand struct {
	Paths      []string `arg:"" name:"path" help:"Files (text, Markdown, HTML, PDF, DOCX, EPUB, CSV, JSON, JSONL, source code, zip; .gz too), folders, or - for standard input."`
	Collection string   `help:"Collection to add to; it is made if it is not there." default:"default"`
	Model      string   `help:"Model of the collection, if this makes it; absent means the default. See searchd model list." placeholder:"ID"`
	OnConflict string   `help:"What to do about documents whose ids are there already: replace them, skip the new ones, or fail." enum:"replace,skip,fail" default:"replace"`
	Chunking   string   `help:"How texts become chunks: auto splits them as the model needs it, none leaves each whole." enum:"auto,none" default:"auto"`
	DryRun     bool     `help:"Show what would be added: chunks, tokens, duplicates, time and cost; write nothing."`
	Format     string   `help:"Read everything as this format: text, markdown, source, html, pdf, docx, epub, csv, json, jsonl or zip. By default the content says." enum:",text,markdown,source,html,pdf,docx,epub,csv,json,jsonl,zip" default:""`
}

// One request's share: large enough to fill the model's batches, small enough that the bar moves every second or so.
const (
	batchDocuments = 64
	batchBytes     = 64 << 10

	dryDocuments = 1000 // of which a preview tells one by one
	dryBytes     = 4 << 20
)

func (a *addCommand) Run(ctx context.Context, c *cli, t terminal) error {
	run := c.with
	if a.DryRun {
		run = c.untouched
	}
	return run(ctx, t, func(s session) error {
		if !a.DryRun { // which needs no collection
			if err := ensureCollection(ctx, s, a.Collection, a.Model); err != nil {
				return err
			}
		}
		found, err := findSources(a.Paths, a.Format)
		if err != nil {
			return err
		}
		u := uploader{
			ctx: ctx, session: s, collection: a.Collection, options: client.IngestOptions{Wait: 600, OnConflict: a.OnConflict, Chunking: a.Chunking}, files: extract.New(extractCache()), terminal: t, bar: newBar(t, found), start: time.Now(),
			outcomes: map[string]int{},
		}
		if a.DryRun {
			u.rehearsal = &rehearsal{model: a.Model, seen: map[[sha256.Size]byte]string{}}
		}
		for _, src := range found {
			if err := u.add(src, t.in); err != nil {
				return errors.Join(err, u.report())
			}
		}
		if err := u.flush(); err != nil {
			return errors.Join(err, u.report())
		}
		return u.report()
	})
}

// ensureCollection makes a collection that is not there. One that is there keeps its model.
func ensureCollection(ctx context.Context, s session, name, model string) error {
	if model == "" {
		_, err := s.Collection(ctx, name)
		if isError(err, "not_found_error") {
			_, err = s.CreateCollection(ctx, wire.NewCollection{Name: name})
		}
		return err
	}
	// Asking for the default collection first would make it, with another model.
	_, err := s.CreateCollection(ctx, wire.NewCollection{Name: name, Model: model})
	if !isError(err, "conflict_error") {
		return err
	}
	found, err := s.Collection(ctx, name)
	if err == nil && !strings.HasSuffix("/"+found.Model, "/"+model) {
		err = fmt.Errorf("collection %s has the model %s; leave --model out, name another collection, or have it embedded again: searchd reembed --collection %[1]s %[3]s", name, found.Model, model)
	}
	return err
}

// isError says whether the server has answered an error of a type.
func isError(err error, kind string) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Type == kind
}

// newBar counts the bytes of the files. It is nil where standard error is no terminal.
func newBar(t terminal, sources []source) *progressbar.ProgressBar {
	if !isTerminal(t.err) {
		return nil
	}
	var total int64
	for _, s := range sources {
		if s.size < 0 { // standard input: nobody knows
			total = -1
			break
		}
		total += s.size
	}
	bar := progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(t.err), progressbar.OptionSetDescription("adding"), progressbar.OptionShowBytes(true),
		progressbar.OptionSetWidth(30), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth(),
	)
	_ = bar.RenderBlank() // before the first documents are in, so that nobody wonders; a bar is no reason to stop
	return bar
}

// uploader sends documents in batches and keeps count.
type uploader struct {
	ctx        context.Context
	session    session
	collection string
	options    client.IngestOptions
	rehearsal  *rehearsal // nil where documents are added
	files      *extract.Files
	terminal   terminal
	bar        *progressbar.ProgressBar
	start      time.Time

	batch  []wire.Document
	places []string // where each document of batch came from, for its error
	bytes  int
	read   int64 // bytes of sources that the batch stands for

	outcomes map[string]int
	chunks   int
	tokens   int
	cut      int
	skipped  int // files of kinds that nobody reads
}

// add sends what is in a source. A file that cannot be read is said, and fails alone.
func (u *uploader) add(src source, stdin io.Reader) error {
	var lost error // the server, not the file
	err := src.read(u.ctx, u.files, stdin, func(doc wire.Document, place string, consumed int64) error {
		lost = u.push(doc, place, consumed)
		return lost
	})
	return u.settle(src, err, lost)
}

// push puts a document into the batch, which is sent when it is full.
func (u *uploader) push(doc wire.Document, place string, consumed int64) error {
	u.batch, u.places = append(u.batch, doc), append(u.places, place)
	u.bytes += len(doc.Text)
	u.read += consumed
	if !u.full() {
		return nil
	}
	return u.flush()
}

// settle says how reading a source has ended, where that was not the server's doing.
func (u *uploader) settle(src source, err, lost error) error {
	switch {
	case lost != nil, err == nil, u.ctx.Err() != nil, src.format == "jsonl":
		return err
	case errors.Is(err, extract.ErrUnknown) && !src.named:
		u.skipped++
	default:
		u.complain(src.path, strings.TrimPrefix(err.Error(), src.unpackedName()+": "), "")
		u.outcomes["failed"]++
	}
	return nil
}

// extractCache is where the reader of PDF is kept, ready to run.
func extractCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "searchd", "extract")
}

func (u *uploader) full() bool {
	if u.rehearsal != nil {
		return len(u.batch) >= dryDocuments || u.bytes >= dryBytes
	}
	return len(u.batch) >= batchDocuments || u.bytes >= batchBytes
}

func (u *uploader) flush() error {
	if len(u.batch) == 0 {
		return nil
	}
	defer u.tick()()
	if u.rehearsal != nil {
		return u.preview()
	}
	job, err := u.session.IngestWith(u.ctx, u.collection, u.batch, u.options)
	for err == nil && job.FinishedAt == nil { // ten minutes were not enough for this batch
		if job, err = u.session.Job(u.ctx, job.ID); err == nil && job.FinishedAt == nil {
			err = wait(u.ctx, time.Second)
		}
	}
	var refused *wire.Error
	switch {
	case errors.As(err, &refused) && refused.Type == "invalid_request_error": // every document of the batch is bad
		u.refuse(refused)
	case err != nil:
		return err
	case job.Status == "failed":
		return fmt.Errorf("the server gave the job up: %s", job.Error)
	default:
		u.count(job)
	}
	u.next()
	return nil
}

// next begins another batch.
func (u *uploader) next() {
	if u.bar != nil {
		_ = u.bar.Add64(u.read) // a bar that cannot be drawn is no reason to stop
	}
	u.batch, u.places, u.bytes, u.read = nil, nil, 0, 0
}

// tick lets the bar's clock go on while a large document is read. The function that it answers ends that.
func (u *uploader) tick() (stop func()) {
	if u.bar == nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-time.After(500 * time.Millisecond):
				_ = u.bar.RenderBlank()
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (u *uploader) count(job wire.Job) {
	for i, r := range job.Results {
		u.outcomes[r.Status]++
		u.chunks += r.Chunks
		u.tokens += r.Tokens
		if r.Truncated {
			u.cut++
		}
		if r.Error != nil {
			u.complain(u.places[i], r.Error.Message, r.Error.Param)
		}
	}
}

// refuse counts a batch of which nothing was kept. The server names the first fault.
func (u *uploader) refuse(e *wire.Error) {
	u.complain(u.places[0], e.Message, e.Param)
	if len(u.batch) > 1 {
		u.complain(u.places[0], fmt.Sprintf("and the %d documents after it were refused too", len(u.batch)-1), "")
	}
	u.outcomes["failed"] += len(u.batch)
}

func (u *uploader) complain(place, message, param string) {
	if u.bar != nil {
		_ = u.bar.Clear()
	}
	if param != "" {
		message = fieldOf(param) + " " + message
	}
	_, _ = fmt.Fprintf(u.terminal.err, "%s: %s\n", place, message)
}

// report prints the one line that says what happened.
func (u *uploader) report() error {
	if u.bar != nil {
		_ = u.bar.Finish()
	}
	if u.rehearsal != nil {
		return u.reportPreview()
	}
	n := u.outcomes["created"] + u.outcomes["updated"] + u.outcomes["unchanged"]
	line := fmt.Sprintf("added %s to %s in %.1f s: %s; %s, %s",
		count(n, "document"), u.collection, time.Since(u.start).Seconds(), u.counts(), count(u.chunks, "chunk"), count(u.tokens, "token"))
	return u.say(line)
}

// counts are the outcomes in words.
func (u *uploader) counts() string {
	kept := fmt.Sprintf("%d unchanged", u.outcomes["unchanged"])
	if u.options.OnConflict == "skip" {
		kept += fmt.Sprintf(", %d skipped", u.outcomes["skipped"])
	}
	return fmt.Sprintf("%d created, %d updated, %s, %d failed", u.outcomes["created"], u.outcomes["updated"], kept, u.outcomes["failed"])
}

// say prints the last line, with what else there is to know.
func (u *uploader) say(line string) error {
	if u.skipped > 0 {
		line += fmt.Sprintf("; %s of other kinds skipped", count(u.skipped, "file"))
	}
	if u.cut > 0 {
		line += fmt.Sprintf("; of %s the model did not read the end", count(u.cut, "document"))
	}
	if _, err := fmt.Fprintln(u.terminal.out, line); err != nil {
		return err
	}
	if failed := u.outcomes["failed"]; failed > 0 {
		return fmt.Errorf("%s could not be added", count(failed, "document"))
	}
	return nil
}

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"searchd/api/client"
	"searchd/ingest/extract"
	"searchd/internal/folder"
)

type syncCommand struct {
	Dir        string        `arg:"" name:"dir" help:"Folder whose files shall be found: the kinds that searchd add reads. What .searchdignore names, as .gitignore would, is left out." type:"path"`
	Collection string        `help:"Collection to keep them in; it is made if it is not there." default:"default"`
	Model      string        `help:"Model of the collection, if this makes it; absent means the default." placeholder:"ID"`
	Name       string        `help:"Name of the folder, with which the ids of its documents begin; by default its own." placeholder:"NAME"`
	Once       bool          `help:"End when the collection is up to date, instead of going on with changes as they come."`
	Interval   time.Duration `help:"How often to look at the folder where no change is noticed." default:"30s"`
	DryRun     bool          `help:"Show what would be done, and write nothing."`
	Moved      bool          `help:"The folder was somewhere else before."`
}

func (a *syncCommand) Run(ctx context.Context, c *cli, t terminal) error {
	if a.Interval < time.Second {
		return usageError("--interval must be a second or more")
	}
	dir, err := filepath.Abs(a.Dir)
	if err != nil {
		return err
	}
	if a.Name == "" {
		a.Name = filepath.Base(dir)
	}
	files, err := folder.Open(dir)
	if err != nil {
		return err
	}
	run := c.with
	if a.DryRun {
		run = c.untouched
	}
	err = run(ctx, t, func(s session) error {
		if !a.DryRun {
			if err := ensureCollection(ctx, s, a.Collection, a.Model); err != nil {
				return err
			}
		}
		y := &syncer{
			ctx: ctx, options: *a, dir: dir, folder: files, session: s, terminal: t, extract: extract.New(extractCache()), tried: map[string]string{},
		}
		return y.run()
	})
	return errors.Join(err, files.Close())
}

// syncer makes a collection say what a folder does.
type syncer struct {
	ctx      context.Context
	options  syncCommand
	dir      string
	folder   *folder.Folder
	session  session
	terminal terminal
	extract  *extract.Files
	tried    map[string]string // hashes of files that were sent by this process, and need not be again even where they failed
	watcher  *folder.Watcher   // nil where one pass is all
	warned   bool              // that changes may not be noticed
	blind    map[string]error  // what the last pass could not look at, which is said once
}

func (y *syncer) run() error {
	if y.options.Once || y.options.DryRun {
		return y.pass(true)
	}
	watcher, err := folder.NewWatcher(y.dir)
	y.watcher = watcher
	y.unnoticed(err)
	err = y.pass(true)
	if errors.As(err, new(usageError)) {
		return errors.Join(err, watcher.Close())
	}
	y.complain(err)
	for {
		if err := watcher.Wait(y.ctx, y.options.Interval); err != nil { // it was told to end
			return watcher.Close()
		}
		y.complain(y.pass(false))
	}
}

// look lists the folder's files. What changes afterwards is noticed, where the system tells: a folder that has only now come
// to be watched is looked at once more.
func (y *syncer) look() (folder.Files, error) {
	for {
		files, err := y.folder.Scan(y.ctx)
		if err != nil || y.watcher == nil {
			return files, err
		}
		added, err := y.watcher.Watch(files.Dirs)
		y.unnoticed(err)
		if added == 0 {
			return files, nil
		}
	}
}

// unnoticed says, once, why changes may not be noticed.
func (y *syncer) unnoticed(err error) {
	if err != nil && !y.warned {
		y.warned = true
		_, _ = fmt.Fprintf(y.terminal.err, "not all changes are noticed at once (%v); the folder is looked at every %s\n", err, y.options.Interval)
	}
}

// complain says what went wrong in a pass: the next one may do better.
func (y *syncer) complain(err error) {
	if err != nil && y.ctx.Err() == nil {
		complain(y.terminal, err)
	}
}

// pass compares the folder with the collection and does what has to be done. always says that it reports, even where
// there was nothing to do.
func (y *syncer) pass(always bool) error {
	files, err := y.look()
	if err != nil {
		return err
	}
	stored, err := y.stored()
	if err != nil {
		return err
	}
	if len(files.Sizes) == 0 && len(stored) > 0 {
		return fmt.Errorf(`%s is empty, and %s came from it: is the drive there? Nothing was deleted; searchd delete --collection %s --filter '{"sync_name":%q}' does that`,
			y.dir, count(len(stored), "file"), y.options.Collection, y.options.Name)
	}
	there, err := y.hashes(&files)
	if err != nil {
		return err
	}
	plan := folder.Compare(there, y.known(there, stored), files.IsBlind)
	w := y.newWork(plan, stored, files)
	err = w.do()
	y.blind = files.Blind
	if err != nil {
		return errors.Join(err, w.report())
	}
	for _, name := range w.plan.Send {
		y.tried[name] = there[name]
	}
	if always || !plan.Empty() {
		return w.report()
	}
	return nil
}

// hashes reads all files that may have changed. Those that cannot be read count as not looked at.
func (y *syncer) hashes(files *folder.Files) (map[string]string, error) {
	there := make(map[string]string, len(files.Sizes))
	for name := range files.Sizes {
		hash, err := y.folder.Hash(y.ctx, name)
		switch {
		case err == nil:
			there[name] = hash
		case y.ctx.Err() != nil:
			return nil, err
		case !errors.Is(err, os.ErrNotExist): // gone meanwhile
			files.Blind[name] = err
		}
	}
	return there, nil
}

// known are the hashes of what is stored, with those of files that were tried in vain as they are now.
func (y *syncer) known(there map[string]string, stored map[string]*syncedFile) map[string]string {
	known := map[string]string{}
	for name, file := range stored {
		known[name] = file.hash
		if file.hash != "" {
			delete(y.tried, name)
		}
	}
	for name, hash := range y.tried {
		if there[name] == hash {
			known[name] = hash
		}
	}
	return known
}

// newWork is what a plan means in terms of documents.
func (y *syncer) newWork(plan folder.Plan, stored map[string]*syncedFile, files folder.Files) *syncWork {
	w := &syncWork{syncer: y, plan: plan, stored: stored, blind: files.Blind, sent: map[string]bool{}}
	var sources []source
	for _, name := range plan.Send {
		src := y.source(name)
		src.size = files.Sizes[name]
		sources = append(sources, src)
	}
	w.uploader = uploader{
		ctx: y.ctx, session: y.session, collection: y.options.Collection, options: client.IngestOptions{Wait: 600}, files: y.extract,
		terminal: y.terminal, start: time.Now(), outcomes: map[string]int{},
	}
	if len(sources) > 0 {
		w.uploader.bar = newBar(y.terminal, sources)
	}
	if y.options.DryRun {
		w.uploader.rehearsal = &rehearsal{model: y.options.Model, seen: map[[sha256.Size]byte]string{}}
	}
	return w
}

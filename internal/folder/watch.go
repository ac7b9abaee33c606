package folder

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long a folder has to be left alone before it is looked at: programs write in several steps.
const quiet = 300 * time.Millisecond

// Watcher tells when a folder may have changed. What it misses, such as on a network drive, is found at the next interval.
type Watcher struct {
	dir    string
	notify *fsnotify.Watcher // nil where there are no notifications
}

// NewWatcher makes a watcher; the error says why there are no notifications, and the watcher works without them.
func NewWatcher(dir string) (*Watcher, error) {
	notify, err := fsnotify.NewWatcher()
	return &Watcher{dir: dir, notify: notify}, err
}

// Watch adds folders below dir to those whose changes are noticed, from now on, and returns how many it had not watched. The
// error is about the first that cannot be added: there may be more of them than the system takes.
func (w *Watcher) Watch(dirs []string) (added int, err error) {
	if w.notify == nil {
		return 0, nil
	}
	watched := map[string]bool{}
	for _, name := range w.notify.WatchList() {
		watched[name] = true
	}
	for _, name := range dirs {
		full := filepath.Join(w.dir, filepath.FromSlash(name))
		if watched[full] {
			continue
		}
		if err := w.notify.Add(full); errors.Is(err, fs.ErrNotExist) {
			continue // it went meanwhile, of which the folder above it tells
		} else if err != nil {
			return added, err
		}
		added++
	}
	return added, nil
}

// Wait returns after a change, when the folder has been left alone for a moment, or after the interval.
func (w *Watcher) Wait(ctx context.Context, interval time.Duration) error {
	var events chan fsnotify.Event
	var errs chan error
	if w.notify != nil {
		events, errs = w.notify.Events, w.notify.Errors
	}
	end := time.After(interval)
	var calm <-chan time.Time
	for {
		select {
		case e := <-events:
			if !e.Has(fsnotify.Chmod) || calm != nil {
				calm = time.After(quiet)
			}
		case lost := <-errs: // events, perhaps: look
			if lost != nil {
				calm = time.After(quiet)
			}
		case <-calm:
			return nil
		case <-end:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends the notifications.
func (w *Watcher) Close() error {
	if w.notify == nil {
		return nil
	}
	return w.notify.Close()
}

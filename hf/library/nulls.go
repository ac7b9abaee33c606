package library

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"searchd/hf"
)

// nulls keeps what was measured of models, by revision: how they score unrelated texts. It is a file of a few lines.
type nulls struct {
	dir string // "" keeps nothing

	mu sync.Mutex
}

// get answers what is known of a revision.
func (n *nulls) get(revision string) (hf.Null, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	null, ok := n.read()[revision]
	return null, ok && revision != ""
}

// put keeps a measurement, so that a crash leaves the old file or the new one.
func (n *nulls) put(revision string, null hf.Null) error {
	if n.dir == "" {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.read()
	all[revision] = null
	b, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return fmt.Errorf("library: %w", err)
	}
	f, err := os.CreateTemp(n.dir, ".models-*.tmp")
	if err != nil {
		return fmt.Errorf("library: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), n.path())
	}
	if err != nil {
		return fmt.Errorf("library: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// read answers the file; none where it is missing or broken, which costs measuring again.
func (n *nulls) read() map[string]hf.Null {
	all := map[string]hf.Null{}
	b, err := os.ReadFile(n.path())
	if n.dir == "" || errors.Is(err, fs.ErrNotExist) || json.Unmarshal(b, &all) != nil || all == nil {
		return map[string]hf.Null{}
	}
	return all
}

func (n *nulls) path() string { return filepath.Join(n.dir, "models.json") }

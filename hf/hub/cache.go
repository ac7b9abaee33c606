package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"searchd/models"
)

// Cache is the folder of the standard cache: what huggingface_hub calls HF_HUB_CACHE. It need not exist.
type Cache string

const folderPrefix = "models--"

// Snapshot is a model as it was at a commit.
type Snapshot struct {
	Name
	Commit string
	Dir    string // its files, some of them links
}

// List answers the models that are here with their weights, by name: each branch and tag, and each commit that none
// of these stands for, which is then its own revision. With an error comes the list of those that could be read.
func (c Cache) List() ([]Snapshot, error) {
	folders, err := os.ReadDir(string(c))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	var list []Snapshot
	var faults []error
	for _, f := range folders {
		encoded, ok := strings.CutPrefix(f.Name(), folderPrefix)
		id := strings.ReplaceAll(encoded, "--", "/")
		if !ok || !repository.MatchString(id) {
			continue
		}
		found, err := c.list(id)
		if err != nil {
			faults = append(faults, fmt.Errorf("hub: %w", err))
		}
		list = append(list, found...)
	}
	slices.SortFunc(list, func(a, b Snapshot) int { return strings.Compare(a.String(), b.String()) })
	return list, errors.Join(faults...)
}

// list answers the snapshots of one model.
func (c Cache) list(id string) ([]Snapshot, error) {
	var list []Snapshot
	named := map[string]bool{}
	refs := filepath.Join(c.dir(Name{ID: id}), "refs")
	err := filepath.WalkDir(refs, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreMissing(err)
		}
		rev, err := filepath.Rel(refs, path)
		if err != nil {
			return err
		}
		if s, err := c.Find(Name{id, filepath.ToSlash(rev)}); err == nil { // a ref to a snapshot that has been removed is none
			list = append(list, s)
			named[s.Commit] = true
		}
		return nil
	})
	if err != nil {
		return list, err
	}
	snapshots, err := os.ReadDir(filepath.Join(c.dir(Name{ID: id}), "snapshots"))
	if ignoreMissing(err) != nil {
		return list, err
	}
	for _, d := range snapshots {
		if named[d.Name()] {
			continue
		}
		if s, err := c.Find(Name{id, d.Name()}); err == nil && s.Commit == d.Name() {
			list = append(list, s)
		}
	}
	return list, nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Find answers the snapshot that a branch, tag or commit stands for. It never takes another in its place.
func (c Cache) Find(n Name) (Snapshot, error) {
	s := Snapshot{Name: n, Commit: n.Revision}
	if !commitHash.MatchString(n.Revision) {
		b, err := os.ReadFile(c.ref(n))
		s.Commit = strings.TrimSpace(string(b))
		if err != nil || !commitHash.MatchString(s.Commit) {
			return Snapshot{}, notHere(n)
		}
	}
	s.Dir = c.snapshot(n, s.Commit)
	if !isModel(s.Dir) {
		return Snapshot{}, notHere(n)
	}
	return s, nil
}

// isModel tells a model from a data set's card, a tokenizer, or what a cut download left. Very old models keep their files
// in the folder of their first module.
func isModel(dir string) bool {
	for _, top := range []string{dir, filepath.Join(dir, "0_Transformer")} {
		for _, weights := range []string{weightsFile, shardIndex, pickleFile} {
			if exists(filepath.Join(top, configFile)) && exists(filepath.Join(top, weights)) {
				return true
			}
		}
	}
	return false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func notHere(n Name) error {
	return models.Errorf(models.NotFound, "model", "%s is not here; `searchd model pull %s` brings it", n, n)
}

// Remove deletes a model, in all its revisions.
func (c Cache) Remove(id string) error {
	n := Name{ID: id, Revision: Main}
	dir := c.dir(n)
	if _, err := os.Lstat(dir); err != nil {
		return notHere(n)
	}
	// Under another name it is gone at once, however long deleting takes.
	doomed := filepath.Join(string(c), fmt.Sprintf(".removed-%s-%d", n.folder(), os.Getpid()))
	if err := os.Rename(dir, doomed); err != nil {
		return fmt.Errorf("hub: remove %s: %w", id, err)
	}
	if err := errors.Join(os.RemoveAll(doomed), os.RemoveAll(c.locks(n))); err != nil {
		return fmt.Errorf("hub: remove %s: %w", id, err)
	}
	return nil
}

func (c Cache) dir(n Name) string            { return filepath.Join(string(c), n.folder()) }
func (c Cache) locks(n Name) string          { return filepath.Join(string(c), ".locks", n.folder()) }
func (c Cache) blob(n Name, e string) string { return filepath.Join(c.dir(n), "blobs", e) }
func (c Cache) ref(n Name) string {
	return filepath.Join(c.dir(n), "refs", filepath.FromSlash(n.Revision))
}
func (c Cache) snapshot(n Name, commit string) string {
	return filepath.Join(c.dir(n), "snapshots", commit)
}

// link puts a blob into a snapshot, in one step. Where links are not possible the blob moves there itself, as
// huggingface_hub has it. The caller holds the blob's lock.
func (c Cache) link(n Name, commit, name, etag string) error {
	path := filepath.Join(c.snapshot(n, commit), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	target, err := filepath.Rel(filepath.Dir(path), c.blob(n, etag))
	if err != nil {
		return err
	}
	temporary := path + ".link"
	if err := ignoreMissing(os.Remove(temporary)); err != nil {
		return err
	}
	if err := os.Symlink(target, temporary); err != nil {
		return os.Rename(c.blob(n, etag), path)
	}
	return os.Rename(temporary, path)
}

// point makes a branch or tag stand for a commit.
func (c Cache) point(n Name, commit string) error {
	if commitHash.MatchString(n.Revision) {
		return nil // a commit stands for itself
	}
	path := c.ref(n)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(c.snapshot(n, commit)), ".ref-*") // beside the snapshots: any file under refs is a ref
	if err != nil {
		return err
	}
	_, err = f.WriteString(commit)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// tag marks the cache for programs that make backups: https://bford.info/cachedir/
func (c Cache) tag() error {
	if err := os.MkdirAll(string(c), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(string(c), "CACHEDIR.TAG"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString("Signature: 8a477f597d28d172789f06886806bc55\n# Downloads from the Hugging Face hub, which can be fetched again.\n")
	return errors.Join(err, f.Close())
}

var blobName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// SHA256 is the hash of a file of a snapshot, where the cache knows it: large files are named by it. It costs a look at
// the links and does not read the file.
func (s Snapshot) SHA256(name string) (string, bool) {
	path := filepath.Join(s.Dir, filepath.FromSlash(name))
	target, err := os.Readlink(path)
	if err != nil || filepath.Base(filepath.Dir(target)) != "blobs" {
		return "", false
	}
	hash := filepath.Base(target)
	return hash, blobName.MatchString(hash)
}

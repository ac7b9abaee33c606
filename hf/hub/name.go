package hub

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"

	"searchd/models"
)

// Main is the revision of a name that has none.
const Main = "main"

// Name is a model on the hub: its id, such as "org/name", and a branch, tag or commit.
type Name struct {
	ID       string
	Revision string
}

// String is the name as ParseName reads it, without a revision that goes without saying.
func (n Name) String() string {
	if n.Revision == Main {
		return n.ID
	}
	return n.ID + "@" + n.Revision
}

var (
	repository = regexp.MustCompile(`^([0-9A-Za-z_][\w.-]{0,95}/)?[0-9A-Za-z_][\w.-]{0,95}$`)
	revision   = regexp.MustCompile(`^[0-9A-Za-z_][\w./+-]{0,254}$`)
	commitHash = regexp.MustCompile(`^[0-9a-f]{40}$`)
	etagHash   = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
)

// ParseName reads "org/name" or "org/name@revision". What it accepts is safe as a part of a path and of a URL.
func ParseName(s string) (Name, error) {
	id, rev, tagged := strings.Cut(s, "@")
	if !tagged {
		rev = Main
	}
	name := Name{ID: id, Revision: rev}
	if !repository.MatchString(id) || strings.Contains(id, "--") || strings.Contains(id, "..") || strings.HasSuffix(id, ".git") {
		return Name{}, models.Errorf(models.Invalid, "model", "%.200q is no model's name: write publisher/name, as on the hub, with @revision after it for another than main", s)
	}
	if !revision.MatchString(rev) || !safePath(rev) || strings.Contains(rev, "..") {
		return Name{}, models.Errorf(models.Invalid, "model", "%.200q is no revision: write a branch, a tag or a commit", rev)
	}
	return name, nil
}

// folder is where the cache keeps a model.
func (n Name) folder() string { return folderPrefix + strings.ReplaceAll(n.ID, "/", "--") }

// safePath says that a file of that name lies below the folder it is put into, on every system.
func safePath(name string) bool {
	return fs.ValidPath(name) && filepath.IsLocal(filepath.FromSlash(name)) && !strings.ContainsAny(name, "\\:\x00") && len(name) <= 512
}

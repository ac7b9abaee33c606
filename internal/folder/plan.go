package folder

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// Plan is what makes a store say what a folder does.
type Plan struct {
	Send   []string          // files that are new, or have another content
	Rename map[string]string // old path to new
	Delete []string          // files that are gone
}

// Empty says that there is nothing to do.
func (p Plan) Empty() bool { return len(p.Send)+len(p.Rename)+len(p.Delete) == 0 }

// Compare makes a plan from the hashes of the files that are there, and of those that are stored. A stored file whose hash is
// empty is not stored whole. keep says of a stored file that is not there that it stays.
//
// A file is renamed where one that is gone had its content, and the same extension, which has a say in how it is read.
func Compare(there, stored map[string]string, keep func(string) bool) Plan {
	p := Plan{Rename: map[string]string{}}
	gone := map[string][]string{} // by content
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		if _, ok := there[name]; ok || keep(name) {
			continue
		}
		if content := contentOf(name, stored[name]); stored[name] != "" {
			gone[content] = append(gone[content], name)
		}
		p.Delete = append(p.Delete, name)
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		hash, known := stored[name]
		if known && hash == there[name] {
			continue
		}
		content := contentOf(name, there[name])
		if old := gone[content]; !known && len(old) > 0 {
			p.Rename[old[0]] = name
			gone[content] = old[1:]
			continue
		}
		p.Send = append(p.Send, name)
	}
	p.Delete = slices.DeleteFunc(p.Delete, func(name string) bool { _, renamed := p.Rename[name]; return renamed })
	return p
}

func contentOf(name, hash string) string { return hash + strings.ToLower(path.Ext(name)) }

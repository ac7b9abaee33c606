package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// document is a Markdown file of the project.
type document struct {
	path   string // from the root
	blocks []block
	spans  []string // of code within the text
}

// block is a fenced block: an example.
type block struct{ language, text string }

// step is a command of a console block, and what the document shows of its output.
type step struct{ command, shown string }

var span = regexp.MustCompile("`([^`\n]+)`")

// documents reads all of the project. An example that does not stand between fences is a mistake: nothing would run it.
func documents(t *testing.T) []document {
	t.Helper()
	var found []document
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains([]string{"node_modules", "data", "bin"}, d.Name()) || strings.HasPrefix(d.Name(), ".") && name != "."):
			return fs.SkipDir
		case !d.IsDir() && filepath.Ext(path) == ".md":
			found = append(found, parseDocument(t, path, filepath.ToSlash(name)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func parseDocument(t *testing.T, path, name string) document {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := document{path: name}
	var open *block
	blank := true
	for line := range strings.Lines(string(text)) {
		language, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open == nil:
			open = &block{language: language}
		case fence:
			d.blocks, open = append(d.blocks, *open), nil
		case open != nil:
			open.text += line
		case blank && strings.HasPrefix(line, "    "):
			t.Errorf("%s: put %q between ```console and ```, a $ before each command", name, strings.TrimSpace(line))
		default:
			for _, code := range span.FindAllStringSubmatch(line, -1) {
				d.spans = append(d.spans, code[1])
			}
		}
		blank = strings.TrimSpace(line) == ""
	}
	if open != nil {
		t.Errorf("%s: a block is not closed", name)
	}
	return d
}

// steps are the commands of a console block, which may go on after a backslash.
func (b block) steps() []step {
	var found []step
	for line := range strings.Lines(b.text) {
		command, ok := strings.CutPrefix(line, "$ ")
		last := len(found) - 1
		switch {
		case ok:
			found = append(found, step{command: command})
		case last < 0:
			return []step{{command: line}} // which is none, and fails
		case strings.HasSuffix(found[last].command, "\\\n"):
			found[last].command += line
		default:
			found[last].shown += line
		}
	}
	return found
}

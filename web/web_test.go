package web

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxPageBytes keeps the page small enough to open at once on a phone: all of its files, each compressed as a server would.
const maxPageBytes = 250_000

func readAll(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(FS, name)
		all[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPageIsSmall(t *testing.T) {
	var total bytes.Buffer
	for _, content := range readAll(t) {
		w := gzip.NewWriter(&total)
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d bytes compressed", total.Len())
	if total.Len() > maxPageBytes {
		t.Errorf("the page has %d bytes compressed; it may have %d", total.Len(), maxPageBytes)
	}
}

// What a file loads: src and href of the HTML, imports of the modules, url() of the style sheet.
var loads = regexp.MustCompile(`(?:src|href)="([^"#?]+)"|from '([^']+)'|import '([^']+)'|import\('([^']+)'\)|url\(([^)]+)\)`)

func TestEveryFileIsThereAndUsed(t *testing.T) {
	all := readAll(t)
	used := map[string]bool{"index.html": true, "docs.css": true, "docs.js": true} // the last two are for the page at /docs
	for name, content := range all {
		for _, match := range loads.FindAllStringSubmatch(content, -1) {
			target := strings.Join(match[1:], "")
			if !strings.HasPrefix(target, "/assets/") && !strings.HasPrefix(target, "./") {
				continue // a route of the server, or no file at all
			}
			file := strings.TrimPrefix(target, "/assets/")
			if file == target {
				file = path.Clean(target)
			}
			if _, ok := all[file]; !ok {
				t.Errorf("%s loads %s, which is not there", name, target)
			}
			used[file] = true
		}
	}
	for name := range all {
		if !used[name] {
			t.Errorf("%s is loaded by nothing", name)
		}
	}
}

// TestModulesAreLoadedAtOnce compares the list of start.js with what the search view imports, directly or not.
func TestModulesAreLoadedAtOnce(t *testing.T) {
	all := readAll(t)
	taken := map[string]bool{}
	var follow func(name string)
	follow = func(name string) {
		if taken[name] {
			return
		}
		taken[name] = true
		for _, match := range regexp.MustCompile(`(?m)^import .*'\./([^']+)\.js';$`).FindAllStringSubmatch(all[name+".js"], -1) {
			follow(match[1])
		}
	}
	follow("main")
	follow("search")
	want := "['" + strings.Join(slices.Sorted(maps.Keys(taken)), "', '") + "']"
	if !strings.Contains(all["start.js"], "const MODULES = "+want+";\n") {
		t.Errorf("start.js does not load %s", want)
	}
}

// The server's Content-Security-Policy refuses all of these; here the reason is easier to see.
func TestNothingInlineOrFromElsewhere(t *testing.T) {
	for _, forbidden := range []struct {
		what    string
		pattern *regexp.Regexp
		in      string
	}{
		{"inline style", regexp.MustCompile(`\sstyle=|<style`), "*.html"},
		{"inline handler", regexp.MustCompile(`\son[a-z]+=`), "*.html"},
		{"inline script", regexp.MustCompile(`<script[^>]*>[^<]`), "*.html"},
		{"markup made from text", regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc`), "*.js"},
		{"address elsewhere", regexp.MustCompile(`(?:from|import|src|href|url\(|fetch\()\s*["'(=]*\s*["']?(?:https?:)?//`), "*"},
	} {
		for name, content := range readAll(t) {
			if match, _ := path.Match(forbidden.in, name); match && forbidden.pattern.MatchString(content) {
				t.Errorf("%s has %s: %q", name, forbidden.what, forbidden.pattern.FindString(content))
			}
		}
	}
}

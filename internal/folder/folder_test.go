package folder_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"searchd/internal/folder"
)

// lay writes files below a folder; a name that ends with a slash is a folder.
func lay(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		below := filepath.Dir(full)
		if strings.HasSuffix(name, "/") {
			below = full
		}
		err := os.MkdirAll(below, 0o755)
		if err == nil && below != full {
			err = os.WriteFile(full, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, dir string) *folder.Folder {
	t.Helper()
	f, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func names(t *testing.T, f *folder.Folder) []string {
	t.Helper()
	files, err := f.Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(files.Sizes))
}

func TestIgnore(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"defaults", map[string]string{
			"a.txt": "", ".hidden": "", ".git/config": "", "a.txt~": "", "~$a.docx": "", "x.part": "", "node_modules/x.js": "", "b/Thumbs.db": "", "b/c.md": "", "yarn.lock": "",
		}, []string{"a.txt", "b/c.md", "yarn.lock"}},
		{"defaults are taken back", map[string]string{folder.IgnoreFile: "!.github\n!*.part\n", ".github/x.yml": "", "a.part": "", ".env": ""}, []string{".github/x.yml", "a.part"}},
		{"patterns", map[string]string{
			folder.IgnoreFile: "# a comment\r\n\n*.log\n/top.txt\nbuild/\ndoc/**/draft-*\n\\#odd\n\\!very\ntrailing.txt   \n[ab].md\n!keep.log\n",
			"x.log":           "", "keep.log": "", "s/x.log": "", "top.txt": "", "s/top.txt": "", "build/a.txt": "", "s/build/a.txt": "", "s2/build": "", "doc/a/b/draft-1.txt": "", "doc/final.txt": "",
			"#odd": "", "!very": "", "trailing.txt": "", "a.md": "", "c.md": "",
		}, []string{"c.md", "doc/final.txt", "keep.log", "s/top.txt", "s2/build"}},
		{"nested", map[string]string{
			folder.IgnoreFile: "*.txt\n", "a.txt": "", "in/" + folder.IgnoreFile: "!b.txt\n/c.md\n", "in/b.txt": "", "in/c.md": "", "in/deep/c.md": "", "c.md": "",
		}, []string{"c.md", "in/b.txt", "in/deep/c.md"}},
		{"what is below an ignored folder stays out", map[string]string{folder.IgnoreFile: "out/\n!out/in.txt\n", "out/in.txt": "", "a": ""}, []string{"a"}},
	} {
		dir := t.TempDir()
		lay(t, dir, test.files)
		if d := cmp.Diff(test.want, names(t, open(t, dir))); d != "" {
			t.Errorf("%s: -want +got\n%s", test.name, d)
		}
	}
}

// A folder whose ignore file cannot be read is not looked into: what is meant to stay out might come in.
func TestBadIgnoreFiles(t *testing.T) {
	for name, content := range map[string]string{
		"no pattern": "[a-", "too long": strings.Repeat("x", 2000), "too many stars": strings.Repeat("*a", 20), "too large": strings.Repeat("a\n", 40_000), "a line without an end": strings.Repeat("x", 64<<10),
	} {
		dir := t.TempDir()
		lay(t, dir, map[string]string{"a.txt": "", "in/" + folder.IgnoreFile: content, "in/b.txt": ""})
		files, err := open(t, dir).Scan(t.Context())
		if err != nil || len(files.Sizes) != 1 || files.Blind["in"] == nil || !files.IsBlind("in/b.txt") || files.IsBlind("inner") {
			t.Errorf("%s: %+v, %v", name, files, err)
		}
		lay(t, dir, map[string]string{folder.IgnoreFile: content})
		if files, err := open(t, dir).Scan(t.Context()); err == nil {
			t.Errorf("%s, at the top: %+v", name, files)
		}
	}
}

func TestScan(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	lay(t, outside, map[string]string{"secret.txt": "outside"})
	lay(t, dir, map[string]string{"a.txt": "abc", "in/b.txt": "", "empty/": ""})
	for link, to := range map[string]string{"link.txt": filepath.Join(outside, "secret.txt"), "dir": outside, "loop": "."} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	f := open(t, dir)
	files, err := f.Scan(t.Context())
	if err != nil || cmp.Diff(map[string]int64{"a.txt": 3, "in/b.txt": 0}, files.Sizes) != "" || cmp.Diff([]string{".", "empty", "in"}, files.Dirs) != "" || len(files.Blind) != 0 {
		t.Errorf("%+v, %v", files, err)
	}
	for _, name := range []string{"link.txt", "dir/secret.txt", "../" + filepath.Base(outside) + "/secret.txt", "in"} {
		if _, _, err := f.Read(t.Context(), name, 100); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Scan(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is gone: %v", err)
	}
	lay(t, dir, map[string]string{"new.txt": ""})
	if got := names(t, f); !slices.Equal(got, []string{"new.txt"}) {
		t.Errorf("when it is there again: %v", got)
	}
}

func TestFoldersThatMayNotBeRead(t *testing.T) {
	if os.Getuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("root may read everything")
	}
	dir := t.TempDir()
	lay(t, dir, map[string]string{"in/a.txt": "", "b.txt": ""})
	if err := os.Chmod(filepath.Join(dir, "in"), 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(filepath.Join(dir, "in"), 0o755) }()
	files, err := open(t, dir).Scan(t.Context())
	if err != nil || len(files.Sizes) != 1 || !files.IsBlind("in/a.txt") {
		t.Errorf("%+v, %v", files, err)
	}
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestHash(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir)
	for _, content := range []string{"one", "two", "", "two"} { // as quickly as it goes: times may be the same
		lay(t, dir, map[string]string{"a": content})
		if got, err := f.Hash(t.Context(), "a"); err != nil || got != hash(content) {
			t.Errorf("%q: %s, %v", content, got, err)
		}
		if got, sum, err := f.Read(t.Context(), "a", 3); err != nil || string(got) != content || sum != hash(content) {
			t.Errorf("%q: %q, %s, %v", content, got, sum, err)
		}
	}
	if _, _, err := f.Read(t.Context(), "a", 2); err == nil || !strings.Contains(err.Error(), "3 bytes; a file can have 2") {
		t.Errorf("%v", err)
	}
	if _, err := f.Hash(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// A file that is being changed is read again, until it is left alone; what is read is never a mixture.
func TestAFileThatChangesWhileItIsRead(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	f := open(t, dir)
	contents := []string{strings.Repeat("a", 8<<20), strings.Repeat("b", 8<<20)}
	lay(t, dir, map[string]string{"a": contents[0]})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ { // in place, piece by piece
			file, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				t.Error(err)
				return
			}
			for at := 0; at < 8<<20 && ctx.Err() == nil; at += 1 << 20 {
				_, _ = file.WriteAt([]byte(contents[i%2][:1<<20]), int64(at))
				time.Sleep(time.Millisecond)
			}
			_ = file.Close()
		}
	}()
	for range 3 {
		if _, _, err := f.Read(ctx, "a", 1<<30); err != nil && !errors.Is(err, folder.ErrChanging) {
			t.Errorf("while it is changed: %v", err)
		}
	}
	stop()
	<-done
	lay(t, dir, map[string]string{"a": contents[1]})
	if got, sum, err := f.Read(t.Context(), "a", 1<<30); err != nil || string(got) != contents[1] || sum != hash(contents[1]) {
		t.Errorf("when it is left alone: %d bytes, %s, %v", len(got), sum, err)
	}
}

// What a plan does to any store makes it the same as the folder.
func TestCompare(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	state := func(holes bool) map[string]string {
		files := map[string]string{}
		for range random.IntN(8) {
			hash := fmt.Sprint("content ", random.IntN(4))
			if holes && random.IntN(5) == 0 {
				hash = ""
			}
			files[fmt.Sprintf("%d%s", random.IntN(8), []string{".txt", ".md", ".TXT"}[random.IntN(3)])] = hash
		}
		return files
	}
	for range 5000 {
		there, stored, blind := state(false), state(true), fmt.Sprint(random.IntN(8))
		keep := func(name string) bool { return strings.HasPrefix(name, blind) }
		plan := folder.Compare(there, stored, keep)
		after, want := maps.Clone(stored), maps.Clone(there)
		for name, hash := range stored {
			if _, ok := there[name]; !ok && keep(name) {
				want[name] = hash
			}
		}
		for old, name := range plan.Rename {
			if !strings.EqualFold(path.Ext(old), path.Ext(name)) || after[old] == "" || after[old] != there[name] || keep(old) {
				t.Fatalf("seed %d: %s becomes %s; there %v, stored %v", seed, old, name, there, stored)
			}
			if _, taken := after[name]; taken {
				t.Fatalf("seed %d: %s becomes %s, which is there: %v, stored %v", seed, old, name, there, stored)
			}
			after[name] = after[old]
			delete(after, old)
		}
		for _, name := range plan.Send {
			if after[name] == there[name] {
				t.Fatalf("seed %d: %s is sent again; there %v, stored %v", seed, name, there, stored)
			}
			after[name] = there[name]
		}
		for _, name := range plan.Delete {
			if _, ok := after[name]; !ok {
				t.Fatalf("seed %d: %s is deleted, and is not there; there %v, stored %v, %+v", seed, name, there, stored, plan)
			}
			delete(after, name)
		}
		if d := cmp.Diff(want, after); d != "" {
			t.Fatalf("seed %d: there %v, stored %v, blind %s, plan %+v: -want +got\n%s", seed, there, stored, blind, plan, d)
		}
		if plan.Empty() != (cmp.Diff(want, stored) == "") {
			t.Fatalf("seed %d: there %v, stored %v: empty is %v", seed, there, stored, plan.Empty())
		}
	}
}

func TestCompareRenames(t *testing.T) {
	plan := folder.Compare(map[string]string{"b.txt": "1", "c.txt": "1", "d.md": "1"}, map[string]string{"a.txt": "1"}, func(string) bool { return false })
	want := folder.Plan{Rename: map[string]string{"a.txt": "b.txt"}, Send: []string{"c.txt", "d.md"}, Delete: []string{}}
	if d := cmp.Diff(want, plan); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	lay(t, dir, map[string]string{"in/": ""})
	w, err := folder.NewWatcher(dir)
	if err != nil {
		t.Skip(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, want := range []int{2, 0} {
		if added, err := w.Watch([]string{".", "in"}); err != nil || added != want {
			t.Fatalf("%d, %v; want %d", added, err, want)
		}
	}
	const never = time.Hour
	for _, step := range []func() error{
		func() error { return os.WriteFile(filepath.Join(dir, "a.txt"), nil, 0o644) },
		func() error { return os.WriteFile(filepath.Join(dir, "in", "b.txt"), nil, 0o644) },
		func() error { return os.Rename(filepath.Join(dir, "a.txt"), filepath.Join(dir, "in", "c.txt")) },
		func() error { return os.Remove(filepath.Join(dir, "in", "b.txt")) },
		func() error { return os.MkdirAll(filepath.Join(dir, "new"), 0o755) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := step(); err != nil {
			t.Fatal(err)
		}
		if err := w.Wait(ctx, never); err != nil {
			t.Error(err)
		}
		cancel()
	}
	if err := w.Wait(t.Context(), time.Millisecond); err != nil { // nothing happens: the interval ends
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Wait(ctx, never); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Whatever an ignore file holds, looking at the folder ends soon.
func FuzzIgnore(f *testing.F) {
	for _, seed := range []string{"*.log\n!keep.log\n", "/a/**/b\n[!a-c]?\\*\n", "**\n!**/\n", "\xff\x00\n \\ \n", strings.Repeat("**/a*", 3)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		lay(t, dir, map[string]string{folder.IgnoreFile: string(content), "aaaaaaaaaaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbb/a.log": ""})
		start := time.Now()
		_, _ = open(t, dir).Scan(t.Context())
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

package api_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"searchd/api"
	"searchd/api/wire"
	"searchd/ingest/extract"
)

const formType = "multipart/form-data; boundary=x"

// form is a body with the boundary x: the parameters of a part's Content-Disposition, its content, and so on.
func form(parts ...string) string {
	var b strings.Builder
	for i := 0; i < len(parts); i += 2 {
		fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n", parts[i], parts[i+1])
	}
	return b.String() + "--x--\r\n"
}

func file(name string) string { return fmt.Sprintf(`name="files"; filename=%q`, name) }

// zipped is an archive of names and contents.
func zipped(t *testing.T, list ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(list); i += 2 {
		w, err := z.Create(list[i])
		if err == nil {
			_, err = io.WriteString(w, list[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, s)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// outcome is a result in short.
func outcome(r wire.Result) string {
	if r.Error == nil {
		return r.ID + " " + r.Status
	}
	return fmt.Sprintf("%s %s: %s: %s", r.ID, r.Status, r.Error.Param, r.Error.Message)
}

func TestUpload(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	body := form(
		`name="metadata"`, `{"source":"upload","format":"mine"}`,
		file("notes/bread.md"), "# Bread\n\nYeast lifts the dough.",
		file("people.csv"), "id,name\n7,Ann\n,Bob\n",
		file("empty.txt"), "",
		file("blob"), "\x00\x01\x02\x03",
		file("notes/bread.md"), "The same name again.",
		file("all.zip"), zipped(t, "a.txt", "Alpha.", "bad.json", "{", "in.zip", zipped(t, "b.txt", "Beta.", "worse.json", "["), "x.gif", "GIF89a"),
		file("pictures.zip"), zipped(t, "x.gif", "GIF89a"),
		file("packed.txt.gz"), gzipped(t, "Unpacked."),
		file("broken.gz"), "This is not gzip.",
		file(`C:\My Files\..\latin1.txt`), "caf\xe9 cr\xe8me br\xfbl\xe9e, un dessert",
		file("../../etc/passwd"), "root:x:0:0",
		`name="anything"; filename*=UTF-8''%C3%BC.txt`, "Über.",
	)
	job := as[wire.JobAnswer](t, s.do("POST", "/documents", formType, body), http.StatusOK).Job
	var got []string
	for _, r := range job.Results {
		got = append(got, outcome(r))
	}
	want := []string{
		"notes/bread.md created", "7 created", "people.csv/2 created",
		"empty.txt failed: files[2].text: is empty; give the text to be found",
		"blob failed: files[3]: blob: is of a kind that is not read (application/octet-stream); known are text, Markdown, HTML, PDF, DOCX, EPUB, CSV, JSON, source code and zip",
		`notes/bread.md failed: files[4].id: "notes/bread.md" stands in this request twice, first as document 0; send each document once`,
		"all.zip/a.txt created", "all.zip/in.zip/b.txt created",
		"all.zip failed: files[5]: all.zip: bad.json: is not valid JSON", "all.zip failed: files[5]: all.zip: in.zip: worse.json: is not valid JSON",
		"pictures.zip failed: files[6]: pictures.zip: has no documents in it", "packed.txt.gz created",
		"broken.gz failed: files[8]: broken.gz: cannot be unpacked: gzip: invalid header",
		"C:/latin1.txt created", "etc/passwd created", "ü.txt created",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	bread := s.read("notes/bread.md")
	if bread.Title != "Bread" || string(bread.Metadata) != `{"format":"mine","source":"upload"}` || len(bread.Sections) != 1 {
		t.Errorf("%+v", bread)
	}
	if got := s.read("C:/latin1.txt"); *got.Text != "café crème brûlée, un dessert" || string(got.Metadata) != `{"format":"mine","source":"upload"}` {
		t.Errorf("%+v", got)
	}
	if got := s.read("packed.txt.gz"); got.Title != "packed.txt" {
		t.Errorf("%+v", got)
	}
	again := as[wire.JobAnswer](t, s.do("POST", "/documents", formType, form(`name="metadata"`, `{"source":"upload","format":"mine"}`, file("notes/bread.md"), "# Bread\n\nYeast lifts the dough.")), http.StatusOK).Job
	if again.Results[0].Status != "unchanged" {
		t.Errorf("again: %+v", again.Results)
	}
}

// A bomb, alone or in an archive, fails alone, and nothing of it stays on disk.
func TestUploadOfBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("unpacks hundreds of megabytes")
	}
	t.Setenv("TMPDIR", t.TempDir())
	s := startWith(t, quick())
	bomb := strings.Repeat("\x00", 257<<20)
	body := form(
		file("bomb.zip"), zipped(t, "zeros.txt", bomb, "a.txt", "Alpha."),
		file("bomb.txt.gz"), gzipped(t, bomb),
		file("large.txt"), strings.Repeat("A long line. ", 11<<20/13),
		file("b.txt"), "Beta.",
	)
	job := as[wire.JobAnswer](t, s.do("POST", "/documents", formType, body), http.StatusOK).Job
	var got []string
	for _, r := range job.Results {
		got = append(got, outcome(r))
	}
	want := []string{
		"bomb.zip/a.txt created", "bomb.zip failed: files[0]: bomb.zip: zeros.txt: unpacks to more than 268435456 bytes",
		"bomb.txt.gz failed: files[1]: bomb.txt.gz: has more than 268435456 bytes; a file can have that many",
		"large.txt failed: files[2]: large.txt: has 11534328 bytes of text; a document can have 10485760", "b.txt created",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestUploadOfTooManyFiles(t *testing.T) {
	s := startWith(t, quick())
	var parts []string
	for i := range 10_001 {
		parts = append(parts, file(fmt.Sprint(i, ".txt")), "x")
	}
	if e := as[wire.ErrorAnswer](t, s.do("POST", "/documents", formType, form(parts...)), http.StatusRequestEntityTooLarge).Error; e.Param != "files" {
		t.Errorf("%+v", e)
	}
	if list := as[wire.JobList](t, s.get("/jobs"), 200); list.Total != 0 {
		t.Errorf("of a refused upload there are jobs: %+v", list.Jobs)
	}
}

func TestUploadThatDoesNotEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("sends a gigabyte")
	}
	s := startWith(t, quick())
	head, _, _ := strings.Cut(form(file("a.txt"), "@"), "@")
	r := s.request("POST", "/documents", formType, io.MultiReader(strings.NewReader(head), zeros(1<<30+64<<20)))
	if e := as[wire.ErrorAnswer](t, s.send(r), http.StatusRequestEntityTooLarge).Error; e.Message == "" {
		t.Errorf("%+v", e)
	}
}

// A browser sends the form of any page anywhere, without asking. Such a form is refused.
func TestUploadFromAnotherSite(t *testing.T) {
	s, _ := startChecked(t)
	own := strings.TrimPrefix(s.url, "http://")
	for _, test := range []struct {
		origin, site string
		status       int
	}{
		{"", "", 200}, {"http://" + own, "", 200}, {"http://" + own, "same-origin", 200}, {"https://proxied.example", "same-origin", 200}, {"", "none", 200},
		{"https://evil.example", "", 403}, {"null", "", 403}, {"https://evil.example", "cross-site", 403}, {"", "cross-site", 403},
		{"http://other." + own, "same-site", 403},
	} {
		r := s.request("POST", "/documents", formType, strings.NewReader(form(file("a.txt"), "x")))
		for name, value := range map[string]string{"Origin": test.origin, "Sec-Fetch-Site": test.site} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		got := s.send(r)
		if got.status != test.status {
			t.Errorf("%+v: %d %s", test, got.status, got.body)
		}
		if got.status == 403 && as[wire.ErrorAnswer](t, got, 403).Error.Type != "permission_error" {
			t.Errorf("%+v: %s", test, got.body)
		}
	}
}

// takenFiles remembers the names of files.
type takenFiles struct {
	t     *testing.T
	names []string
}

func (k *takenFiles) AddFile(_ context.Context, _, name string, f extract.File, _ map[string]json.RawMessage) error {
	if _, err := io.Copy(io.Discard, io.NewSectionReader(f.Content, 0, f.Size)); err != nil {
		k.t.Errorf("%q: %v", name, err)
	}
	k.names = append(k.names, name)
	return nil
}

func (k *takenFiles) FailFile(_ context.Context, _, name string, reasons ...error) error {
	if len(reasons) == 0 {
		k.t.Errorf("%q fails without a reason", name)
	}
	k.names = append(k.names, name)
	return nil
}

// Whatever a form holds, reading it ends, and no name of a file leads out of the place where it stands.
func FuzzForm(f *testing.F) {
	f.Add([]byte(form(`name="metadata"`, `{"a":[1]}`, file("a/../../b.txt"), "x", file("a.gz"), "\x1f\x8b\x08")))
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=a; filename*=utf-8''%2e%2e%2f\r\n\r\n\r\n--x"))
	f.Fuzz(func(t *testing.T, body []byte) {
		taken := &takenFiles{t: t}
		_ = api.ReadForm(t.Context(), body, "x", taken)
		for _, name := range taken.names {
			if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "../") || name == ".." || strings.Contains(name, "/../") || !utf8.ValidString(name) {
				t.Errorf("a file is called %q", name)
			}
		}
	})
}

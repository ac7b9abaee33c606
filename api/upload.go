package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"searchd/ingest/extract"
	"searchd/models"
)

const typeForm = "multipart/form-data"

// Limits of an upload.
const (
	maxUploadBytes = 1 << 30
	maxFiles       = 10_000
	spoolMemory    = 1 << 20 // bytes of a file that are held in memory; the rest lies in a temporary file
)

// fileIntake is the part of ingest.Intake that reading an upload needs.
type fileIntake interface {
	AddFile(ctx context.Context, at, name string, f extract.File, shared map[string]json.RawMessage) error
	FailFile(ctx context.Context, at, name string, reasons ...error) error
}

// upload is a form with files that is being read.
type upload struct {
	in       fileIntake
	metadata map[string]json.RawMessage // of all files
	files    int
	sum      io.Writer // never fails
}

// addFiles reads the files of a form as they come in, one at a time. A bad file fails alone; a form that breaks off fails as
// a whole.
//
// What it holds is written to sum as well. A nil in makes that all that happens.
func addFiles(ctx context.Context, c *fiber.Ctx, in fileIntake, sum io.Writer) error {
	if err := requireSameOrigin(c); err != nil {
		return err
	}
	_, parameters, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || parameters["boundary"] == "" {
		return models.Errorf(models.Malformed, "", "the Content-Type names no boundary; let the HTTP client write it")
	}
	return readForm(ctx, &capped{r: bodyReader(c), left: maxUploadBytes}, parameters["boundary"], in, sum)
}

func readForm(ctx context.Context, body io.Reader, boundary string, in fileIntake, sum io.Writer) error {
	form := multipart.NewReader(body, boundary)
	u := upload{in: in, sum: sum}
	for {
		part, err := form.NextPart()
		if err == io.EOF { //nolint:errorlint // wrapped, it is the end of a body without the end of the form
			return nil
		}
		if err == nil {
			err = u.add(ctx, part)
		} else {
			err = brokenForm(err)
		}
		if err != nil {
			return err
		}
	}
}

// requireSameOrigin refuses what a page of another site sends through its visitor's browser. JSON needs the browser's
// leave, which such a page does not get; a form does not.
func requireSameOrigin(c *fiber.Ctx) error {
	refused := models.Errorf(models.Forbidden, "", "a page of another site must not send files here; send them from a program, or from a page of this server")
	switch c.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return nil
	case "":
	default:
		return refused
	}
	origin := c.Get(fiber.HeaderOrigin)
	if u, err := url.Parse(origin); origin != "" && (err != nil || u.Host != string(c.Request().Host())) {
		return refused
	}
	return nil
}

func brokenForm(err error) error {
	var known *models.Error
	if errors.As(err, &known) {
		return known
	}
	return models.Errorf(models.Malformed, "", "the body is no form as multipart/form-data has it, or ended early; nothing of it was kept")
}

// add reads a part: a file, or what is said of all files.
func (u *upload) add(ctx context.Context, part *multipart.Part) error {
	_, disposition, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	given, isFile := disposition["filename"]
	switch {
	case err != nil:
		return models.Errorf(models.Malformed, "", "a part of the form has no Content-Disposition that can be read")
	case isFile:
		return u.addFile(ctx, given, part)
	case disposition["name"] != "metadata":
		return models.Errorf(models.Invalid, disposition["name"], "is no file: it has no filename; files have one, and beside them there may be metadata")
	case u.files > 0:
		return models.Errorf(models.Invalid, "metadata", "stands after a file; send it before the files that it is about")
	}
	raw, err := io.ReadAll(io.LimitReader(part, models.MaxMetadataBytes+1))
	if err != nil {
		return brokenForm(err)
	}
	if _, err := models.ParseMetadata(raw); err != nil {
		return models.Within("metadata", err)
	}
	_, _ = fmt.Fprintf(u.sum, "metadata %q\n", raw)
	return json.Unmarshal(raw, &u.metadata)
}

func (u *upload) addFile(ctx context.Context, given string, part io.Reader) error {
	at := fmt.Sprintf("files[%d]", u.files)
	if u.files++; u.files > maxFiles {
		return models.Errorf(models.TooLarge, "files", "are more than %d; send several requests, or a zip archive", maxFiles)
	}
	name := fileName(given)
	_, _ = fmt.Fprintf(u.sum, "file %q\n", name)
	body := &watched{r: io.TeeReader(part, u.sum)}
	var f extract.File
	var done func()
	var err error
	switch {
	case u.in == nil:
	case name == "":
		err = errors.New("has an empty filename; give it one")
	default:
		f, done, err = spool(name, body)
	}
	if done != nil {
		defer done()
	}
	_, _ = io.Copy(io.Discard, body) // to its end, for the sum; how that ended stands in body
	_, _ = fmt.Fprintf(u.sum, "\n%d\n", body.n)
	var full *os.PathError
	switch {
	case body.err != nil:
		return brokenForm(body.err)
	case u.in == nil:
		return nil
	case err == nil:
		return u.in.AddFile(ctx, at, name, f, u.metadata)
	case errors.As(err, &full):
		return &models.Error{Code: models.Unavailable, Message: "there is no room for the upload where temporary files are kept; make some, or name another folder with TMPDIR", Err: err}
	}
	return u.in.FailFile(ctx, at, name, fmt.Errorf("%s: %w", name, err))
}

// fileName makes a document's id of the name that a client gives a file, which may be a path of its machine. It opens nothing.
func fileName(given string) string {
	name := path.Clean("/" + strings.ReplaceAll(strings.ToValidUTF8(given, "\ufffd"), `\`, "/"))
	return strings.TrimPrefix(name, "/")
}

// spool reads a file, unpacked where its name ends with .gz, so that it can be read at any place. done gives it free.
func spool(name string, r io.Reader) (f extract.File, done func(), err error) {
	if strings.HasSuffix(strings.ToLower(name), ".gz") {
		name = name[:len(name)-len(".gz")]
		if r, err = gzip.NewReader(r); err != nil {
			return f, nil, fmt.Errorf("cannot be unpacked: %w", err)
		}
	}
	var head bytes.Buffer
	n, err := io.CopyN(&head, r, spoolMemory)
	if errors.Is(err, io.EOF) {
		return extract.File{Name: name, Content: bytes.NewReader(head.Bytes()), Size: n}, func() {}, nil
	}
	if err != nil {
		return f, nil, err
	}
	file, err := os.CreateTemp("", "searchd-upload-*")
	if err != nil {
		return f, nil, err
	}
	_ = os.Remove(file.Name()) // where a file may be open without a name, a crash leaves nothing behind
	done = func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}
	n, err = io.Copy(file, io.LimitReader(io.MultiReader(&head, r), extract.MaxFile+1))
	if err == nil && n > extract.MaxFile {
		err = fmt.Errorf("has more than %d bytes; a file can have that many", extract.MaxFile)
	}
	if err != nil {
		done()
		return f, nil, err
	}
	return extract.File{Name: name, Content: file, Size: n}, done, nil
}

// watched remembers how reading failed, which is then not the fault of what reads.
type watched struct {
	r   io.Reader
	n   int64
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// capped is a body that may not be longer than left.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, models.Errorf(models.TooLarge, "", "the upload is over %d MiB; send fewer files at a time", maxUploadBytes>>20)
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left+1)])
	c.left -= int64(n)
	return n, err
}

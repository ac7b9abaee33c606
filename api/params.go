package api

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"searchd/models"
	"searchd/models/db"
)

// params reads a request's query string. The first thing that is wrong with it is kept in err.
type params struct {
	values url.Values
	err    error
}

// query reads the query string; a parameter that is not among known is refused by name.
func query(c *fiber.Ctx, known ...string) *params {
	values, err := url.ParseQuery(string(c.Request().URI().QueryString()))
	p := &params{values: values}
	if err != nil {
		p.err = models.Errorf(models.Malformed, "", "the query string cannot be read: %v", err)
	}
	for name, list := range values {
		if !slices.Contains(known, name) {
			p.fail(models.Errorf(models.Invalid, name, "is not a parameter that is known here; there are %s", strings.Join(known, ", ")))
		} else if len(list) > 1 {
			p.fail(models.Errorf(models.Invalid, name, "is given twice"))
		}
	}
	return p
}

func (p *params) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// text is a parameter as it was sent, or preset where it was not. An empty one was sent.
func (p *params) text(name, preset string) string {
	if !p.values.Has(name) {
		return preset
	}
	return p.values.Get(name)
}

// notEmpty refuses parameters that were sent empty, where whoever looks at them next takes that for nothing.
func (p *params) notEmpty(names ...string) {
	for _, name := range names {
		if p.text(name, "?") == "" {
			p.fail(models.Errorf(models.Invalid, name, "is empty; give it a value, or leave it out"))
		}
	}
}

func (p *params) int(name string, preset, low, high int) int {
	if !p.values.Has(name) {
		return preset
	}
	text := p.values.Get(name)
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		p.fail(models.Errorf(models.Invalid, name, "is %.32q; it can be %d to %d", text, low, high))
	}
	return n
}

func (p *params) float(name string) float64 {
	text := p.text(name, "0")
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.fail(models.Errorf(models.Invalid, name, "is %.32q; it must be a number", text))
	}
	return f
}

// optional is nil where a parameter is not given, which is not the same as empty.
func (p *params) optional(name string) *string {
	if !p.values.Has(name) {
		return nil
	}
	text := p.values.Get(name)
	return &text
}

// list is what stands between commas.
func (p *params) list(name string) []string {
	if text := p.values.Get(name); text != "" {
		return strings.Split(text, ",")
	}
	return nil
}

func (p *params) bool(name string) bool {
	switch text := p.text(name, "0"); text {
	case "0", "false":
		return false
	case "1", "true":
		return true
	default:
		p.fail(models.Errorf(models.Invalid, name, "is %.32q; it can be 1 or 0", text))
		return false
	}
}

func (p *params) time(name string, preset time.Time) time.Time {
	if !p.values.Has(name) {
		return preset
	}
	text := p.values.Get(name)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.fail(models.Errorf(models.Invalid, name, "is %.64q; it must be a time such as 2026-01-31T00:00:00Z", text))
	}
	return t
}

func (p *params) filter(name string) *models.Filter {
	f, err := parseFilter([]byte(p.values.Get(name)))
	if err != nil {
		p.fail(err)
	}
	return f
}

func parseFilter(raw []byte) (*models.Filter, error) {
	f, err := models.ParseFilter(raw)
	return f, models.Within("filter", err)
}

// wait is how long the caller wants to wait for a job.
func (p *params) wait() time.Duration {
	return time.Duration(p.int("wait", defaultWait, 0, maxWait)) * time.Second
}

// onConflict is what the caller wants to become of documents whose ids are stored.
func (p *params) onConflict() models.OnConflict {
	switch policy := models.OnConflict(p.text("on_conflict", string(models.Replace))); policy {
	case models.Replace, models.SkipConflicts, models.FailConflicts:
		return policy
	default:
		p.fail(models.Errorf(models.Invalid, "on_conflict", "is %.32q; it can be replace, skip or fail", policy))
		return ""
	}
}

// chunking is how the caller wants texts to become chunks.
func (p *params) chunking() models.Chunking {
	switch chunking := models.Chunking(p.text("chunking", string(models.AutoChunks))); chunking {
	case models.AutoChunks, models.NoChunking:
		return chunking
	default:
		p.fail(models.Errorf(models.Invalid, "chunking", "is %.32q; it can be auto or none", chunking))
		return ""
	}
}

const (
	defaultPage = 50
	maxPage     = 1000
)

// page is the part of a list that is asked for and one row more, which says whether another page follows. The cursor is
// the name of the last row that was shown, made opaque.
func (p *params) page() db.Page {
	after, err := base64.RawURLEncoding.DecodeString(p.values.Get("cursor"))
	if err != nil {
		p.fail(models.Errorf(models.Invalid, "cursor", "is not one that this server gave; leave it out to start from the beginning"))
	}
	return db.Page{Limit: p.int("limit", defaultPage, 1, maxPage) + 1, After: string(after)}
}

// before is the number in the cursor of a list that goes from new to old; 0 is the newest.
func (p *params) before(page db.Page) uint64 {
	if page.After == "" {
		return 0
	}
	n, err := strconv.ParseUint(page.After, 10, 63)
	if err != nil {
		p.fail(models.Errorf(models.Invalid, "cursor", "is not one that this server gave; leave it out to start from the beginning"))
	}
	return n
}

// shown is rows without the one that is beyond the page, and the cursor of the next page; nil where this is the last.
func shown[T any](rows []T, page db.Page, name func(T) string) ([]T, *string) {
	if len(rows) < page.Limit {
		return rows, nil
	}
	rows = rows[:page.Limit-1]
	cursor := base64.RawURLEncoding.EncodeToString([]byte(name(rows[len(rows)-1])))
	return rows, &cursor
}

// pathID is the document's id, which may have slashes, encoded or not.
func pathID(c *fiber.Ctx) (string, error) {
	id, err := url.PathUnescape(c.Params("+"))
	if err != nil {
		return "", models.Errorf(models.Malformed, "id", "the path is not URL-encoded: %v", err)
	}
	return id, models.CheckID("id", id)
}

// collection is the collection that a request is about: the one in its path, or the default.
func (s *Server) collection(c *fiber.Ctx) (models.Collection, error) {
	name, err := collectionName(c)
	if err != nil {
		return models.Collection{}, err
	}
	return s.Ingest.Collection(c.UserContext(), name)
}

func collectionName(c *fiber.Ctx) (string, error) {
	name, err := url.PathUnescape(c.Params("collection"))
	if err != nil {
		return "", models.Errorf(models.Malformed, "collection", "the path is not URL-encoded: %v", err)
	}
	if name == "" {
		return models.DefaultCollection, nil
	}
	return name, models.CheckName("collection", name)
}

package hub

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"searchd/models"
)

// errSilent ends a request whose answer does not come.
var errSilent = errors.New("no answer for too long")

// passing is a failure that may be over when the request is made again.
type passing struct {
	after time.Duration // the hub's own advice; 0 if it gives none
	error
}

func (p passing) Unwrap() error { return p.error }

// longestWait is how long a rate limit is waited for. A longer one is the caller's affair.
const longestWait = 2 * time.Minute

func retryable(err error) (after time.Duration, again bool) {
	var p passing
	if !errors.As(err, &p) || p.after > longestWait {
		return 0, false
	}
	return p.after, true
}

// unreachable is a request without an answer.
func (h *Hub) unreachable(err error) error {
	return passing{error: &models.Error{
		Code: models.Unavailable, Err: err,
		Message: "the hub at " + h.Endpoint + " cannot be reached; HF_ENDPOINT names another one",
	}}
}

// strange is an answer that no hub gives.
func (h *Hub) strange(format string, args ...any) error {
	return models.Errorf(models.ProviderFailed, "", "the answer of "+strings.ReplaceAll(h.Endpoint, "%", "%%")+" cannot be used: "+format+"; check HF_ENDPOINT", args...)
}

// refusal says why the hub answered with a status of 400 and above, and what to do about it.
func (h *Hub) refusal(n Name, reply *http.Response) error {
	code, said := reply.Header.Get("X-Error-Code"), message(reply)
	switch status := reply.StatusCode; {
	case code == "GatedRepo" && h.Token == "":
		return models.Errorf(models.Unavailable, "model", "%s is gated: accept its terms at %s/%s, then set HF_TOKEN to a token of your account", n.ID, h.Endpoint, n.ID)
	case code == "GatedRepo":
		return models.Errorf(models.Unavailable, "model", "%s is gated, and the account of this token may not read it yet: ask for access at %s/%s", n.ID, h.Endpoint, n.ID)
	case code == "RevisionNotFound":
		return models.Errorf(models.NotFound, "model", "%s has no revision %q; %s/%s/tree/main lists what there is", n.ID, n.Revision, h.Endpoint, n.ID)
	case code == "EntryNotFound":
		return models.Errorf(models.NotFound, "model", "a file of %s has gone from the hub; pull again", n)
	case status == http.StatusUnauthorized && strings.Contains(said, "Invalid credentials"):
		return models.Errorf(models.Unavailable, "", "the hub does not know the token: make a new one at %s/settings/tokens and set HF_TOKEN", h.Endpoint)
	case status == http.StatusUnauthorized, status == http.StatusNotFound:
		return h.missing(n)
	case status == http.StatusForbidden:
		return models.Errorf(models.Unavailable, "model", "the hub does not give %s away: %s", n.ID, said)
	case status == http.StatusTooManyRequests:
		after := retryAfter(reply.Header)
		return passing{after, models.Errorf(models.RateLimited, "", "the hub asks to come back in %v; a token in HF_TOKEN raises the limit", after)}
	case status >= 500 || status == http.StatusRequestTimeout:
		return passing{error: models.Errorf(models.Unavailable, "", "the hub at %s is in trouble (status %d: %s); try again later", h.Endpoint, status, said)}
	default:
		return h.strange("status %d: %s", status, said)
	}
}

// missing is one answer for two cases, which the hub keeps apart from nobody.
func (h *Hub) missing(n Name) error {
	if h.Token == "" {
		return models.Errorf(models.NotFound, "model", "%s has no model %s, or it is private; check the name, and for a private model set HF_TOKEN", h.Endpoint, n.ID)
	}
	return models.Errorf(models.NotFound, "model", "%s has no model %s that the account of this token may read; check the name", h.Endpoint, n.ID)
}

// message is what the hub says about a failure, as one short line.
func message(reply *http.Response) string {
	if m := reply.Header.Get("X-Error-Message"); m != "" {
		return clean(m)
	}
	b, err := io.ReadAll(io.LimitReader(reply.Body, 4<<10))
	var body struct{ Error string }
	if err != nil || json.Unmarshal(b, &body) != nil || body.Error == "" {
		return http.StatusText(reply.StatusCode)
	}
	return clean(body.Error)
}

func clean(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	return s[:min(len(s), 300)]
}

var window = regexp.MustCompile(`;\s*t=(\d{1,6})`)

// retryAfter reads when a rate limit ends: Retry-After in seconds, or the t of RateLimit: "api";r=0;t=55.
func retryAfter(header http.Header) time.Duration {
	if s, err := strconv.ParseFloat(header.Get("Retry-After"), 64); err == nil && s >= 0 {
		return time.Duration(math.Min(s, 1e6) * float64(time.Second))
	}
	if m := window.FindStringSubmatch(header.Get("RateLimit")); m != nil {
		s, _ := strconv.Atoi(m[1]) // at most six digits
		return time.Duration(s) * time.Second
	}
	return 0
}

// keepFailed says what a failure to write means.
func keepFailed(c Cache, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return &models.Error{Code: models.Unavailable, Err: err,
			Message: "the disk of " + string(c) + " is full; make room, or name another folder in HF_HUB_CACHE. What has come is kept, and the next pull goes on there"}
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EROFS):
		return &models.Error{Code: models.Unavailable, Err: err,
			Message: "the cache " + string(c) + " cannot be written; name another folder in HF_HUB_CACHE"}
	}
	return &models.Error{Code: models.Internal, Err: err, Message: "the cache " + string(c) + " cannot be written"}
}

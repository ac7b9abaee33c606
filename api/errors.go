package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/hf/gateway"
	"searchd/models"
	"searchd/models/db"
)

// class is how a kind of error looks on the wire.
type class struct {
	status int
	kind   string
}

var classes = map[models.Code]class{
	models.Malformed:        {http.StatusBadRequest, "invalid_request_error"},
	models.Invalid:          {http.StatusUnprocessableEntity, "invalid_request_error"},
	models.TooLarge:         {http.StatusRequestEntityTooLarge, "invalid_request_error"},
	models.UnsupportedMedia: {http.StatusUnsupportedMediaType, "invalid_request_error"},
	models.Forbidden:        {http.StatusForbidden, "permission_error"},
	models.NotFound:         {http.StatusNotFound, "not_found_error"},
	models.Conflict:         {http.StatusConflict, "conflict_error"},
	models.Unavailable:      {http.StatusServiceUnavailable, "unavailable_error"},
	models.Timeout:          {http.StatusGatewayTimeout, "timeout_error"},
	models.Internal:         {http.StatusInternalServerError, "internal_error"},
	models.RateLimited:      {http.StatusTooManyRequests, "rate_limit_error"},
	models.ProviderFailed:   {http.StatusBadGateway, "provider_error"},
}

// fail answers an error. Only errors of package models, of providers and of the disk are shown; of others the client learns no more
// than their number, and the log has the rest.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	id := requestID(c)
	if db.DiskFailed(err) {
		s.Log.Error("the disk fails", "error", err, "request_id", id)
		err = db.ExplainDisk(err)
	}
	shown := s.explainError(err, id)
	shown.RequestID = id
	if seconds := retryAfter(err); seconds > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(seconds))
	}
	if say, ok := c.Locals(dialectLocal).(failure); ok {
		status, answer := say(err, shown)
		c.Status(status)
		return send(c, answer)
	}
	c.Status(statusOf(err))
	return send(c, wire.ErrorAnswer{Error: shown})
}

func (s *Server) explainError(err error, requestID string) wire.Error {
	var e *models.Error
	var f *fiber.Error
	var g *gateway.Error
	switch {
	case errors.As(err, &e):
		if e.Code == models.Internal {
			s.Log.Error("request failed", "error", err, "request_id", requestID)
		}
		return wireError(e.Code, e.Field, e.Message)
	case errors.As(err, &g):
		return wireProviderError(g)
	case errors.As(err, &f) && f.Code < http.StatusInternalServerError:
		return wire.Error{Message: f.Message, Type: "invalid_request_error", Code: "http"}
	case errors.Is(err, context.DeadlineExceeded):
		return wireError(models.Timeout, "", "it took too long; ask for less, or try again")
	}
	s.Log.Error("request failed", "error", err, "request_id", requestID)
	return wireError(models.Internal, "", "a fault in searchd; the log has it under this request's id")
}

func statusOf(err error) int {
	var e *models.Error
	var f *fiber.Error
	var g *gateway.Error
	switch {
	case errors.As(err, &e):
		return classes[e.Code].status
	case errors.As(err, &g):
		return classes[codeOf(g.Fault)].status
	case errors.As(err, &f):
		return f.Code
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

func wireError(code models.Code, field, message string) wire.Error {
	return wire.Error{Message: message, Type: classes[code].kind, Code: string(code), Param: field}
}

// faults are the classes of a provider's failures. Those that are not here are the provider's own: 502.
var faults = map[hf.Fault]models.Code{
	hf.FaultLoading:      models.Unavailable,
	hf.FaultRateLimit:    models.Unavailable,
	gateway.FaultCircuit: models.Unavailable,
	hf.FaultTimeout:      models.Timeout,
	hf.FaultInvalid:      models.Invalid,
	hf.FaultUnsupport:    models.Invalid,
	hf.FaultForbidden:    models.Invalid,
	hf.FaultBusy:         models.RateLimited,
	hf.FaultKey:          models.Invalid,
	hf.FaultNotServed:    models.NotFound,
	gateway.FaultBudget:  models.RateLimited,
}

func codeOf(f hf.Fault) models.Code {
	if code, ok := faults[f]; ok {
		return code
	}
	return models.ProviderFailed
}

// wireProviderError shows a provider's failure with the attempts that led to it: its words, never its headers or a key.
func wireProviderError(g *gateway.Error) wire.Error {
	shown := wireError(codeOf(g.Fault), "", g.Message)
	shown.Fault, shown.UpstreamStatus = string(g.Fault), g.Status
	switch g.Fault {
	case hf.FaultUnsupport, hf.FaultForbidden:
		shown.Param = "provider"
	case hf.FaultKey:
		shown.Param, shown.Message = "provider", "the provider refuses its key ("+g.Message+"); give it another with PATCH /providers/{id}"
	case hf.FaultNotServed:
		shown.Param = "model"
	}
	for _, a := range g.Attempts {
		shown.Attempts = append(shown.Attempts, wire.Attempt{
			Provider: a.Provider, Model: a.Model, Fault: string(a.Fault), UpstreamStatus: a.Status, Message: a.Message, TookMS: milliseconds(a.Took),
		})
	}
	return shown
}

// retryAfter is when it may help to ask again, in seconds; 0 where nothing says.
func retryAfter(err error) int {
	var e *models.Error
	var g *gateway.Error
	var wait time.Duration
	switch {
	case errors.As(err, &e):
		wait = e.RetryAfter
	case errors.As(err, &g):
		wait = g.RetryAfter
	}
	return int(math.Ceil(wait.Seconds()))
}

package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
	"searchd/models"
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
	models.NotFound:         {http.StatusNotFound, "not_found_error"},
	models.Conflict:         {http.StatusConflict, "conflict_error"},
	models.Unavailable:      {http.StatusServiceUnavailable, "unavailable_error"},
	models.Timeout:          {http.StatusGatewayTimeout, "timeout_error"},
	models.Internal:         {http.StatusInternalServerError, "internal_error"},
}

// fail answers an error. Only errors of package models are shown; of others the client learns no more than their
// number, and the log has the rest.
func (s *Server) fail(c *fiber.Ctx, err error) error {
	shown := s.explain(c, err)
	shown.RequestID = requestID(c)
	c.Status(statusOf(err))
	return send(c, wire.ErrorAnswer{Error: shown})
}

func (s *Server) explain(c *fiber.Ctx, err error) wire.Error {
	var e *models.Error
	var f *fiber.Error
	switch {
	case errors.As(err, &e):
		if e.Code == models.Internal {
			s.Log.Error("request failed", "error", err, "request_id", requestID(c))
		}
		return wireError(e.Code, e.Field, e.Message)
	case errors.As(err, &f) && f.Code < http.StatusInternalServerError:
		return wire.Error{Message: f.Message, Type: "invalid_request_error", Code: "http"}
	case errors.Is(err, context.DeadlineExceeded):
		return wireError(models.Timeout, "", "it took too long; ask for less, or try again")
	}
	s.Log.Error("request failed", "error", err, "request_id", requestID(c))
	return wireError(models.Internal, "", "a fault in searchd; the log has it under this request's id")
}

func statusOf(err error) int {
	var e *models.Error
	var f *fiber.Error
	switch {
	case errors.As(err, &e):
		return classes[e.Code].status
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

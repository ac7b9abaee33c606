package models

import (
	"errors"
	"fmt"
	"time"
)

// Code classes an error by what the caller can do about it. Only package api turns it into an HTTP status.
type Code string

const (
	Malformed        Code = "malformed"         // the request cannot be read at all
	Invalid          Code = "invalid"           // a field has a value that is not allowed
	TooLarge         Code = "too_large"         // the request is over a limit
	UnsupportedMedia Code = "unsupported_media" // the body is of a kind that is not taken here
	Forbidden        Code = "forbidden"         // who asks may not do this
	NotFound         Code = "not_found"
	Conflict         Code = "conflict"
	Unavailable      Code = "unavailable" // not now; later, perhaps
	Timeout          Code = "timeout"
	Internal         Code = "internal"
	RateLimited      Code = "rate_limited"
	ProviderFailed   Code = "provider_failed" // somebody else's server did not do what it was asked
)

// Error is an error that a person will read: what is wrong, where, and what to do.
type Error struct {
	Code    Code
	Message string // a sentence without the field's name
	Field   string // path into the request, as in documents[3].text; empty where no field is to blame
	Err     error  // cause, for the log; never shown

	RetryAfter time.Duration // when asking again may help; 0 where nothing says
}

func (e *Error) Error() string {
	s := e.Message
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of a class about a field.
func Errorf(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

// CodeOf is the class of err: Internal where it carries none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Within puts a prefix before the field of an error of this package: the same check serves a document alone and the
// third of a list.
func Within(prefix string, err error) error {
	var e *Error
	if prefix == "" || !errors.As(err, &e) {
		return err
	}
	moved := *e
	switch {
	case e.Field == "":
		moved.Field = prefix
	case e.Field[0] == '[':
		moved.Field = prefix + e.Field
	default:
		moved.Field = prefix + "." + e.Field
	}
	return &moved
}

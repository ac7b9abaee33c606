package models_test

import (
	"errors"
	"fmt"
	"testing"

	"searchd/models"
)

func TestWithin(t *testing.T) {
	tests := []struct{ prefix, field, want string }{
		{"documents[3]", "text", "documents[3].text"},
		{"documents", "[3].text", "documents[3].text"},
		{"filter", "", "filter"},
		{"", "text", "text"},
		{"", "", ""},
		{"metadata", "a.b[0]", "metadata.a.b[0]"},
	}
	for _, test := range tests {
		original := models.Errorf(models.Invalid, test.field, "is wrong")
		var e *models.Error
		if err := models.Within(test.prefix, fmt.Errorf("outer: %w", original)); !errors.As(err, &e) || e.Field != test.want {
			t.Errorf("%q in %q: field %q, want %q", test.field, test.prefix, e.Field, test.want)
		}
		if original.Field != test.field {
			t.Errorf("%q in %q: the original error was changed to %q", test.field, test.prefix, original.Field)
		}
	}
	plain := errors.New("plain")
	if got := models.Within("documents", plain); !errors.Is(got, plain) || got.Error() != "plain" {
		t.Errorf("a plain error became %v", got)
	}
	if got := models.Within("documents", nil); got != nil {
		t.Errorf("no error became %v", got)
	}
}

func TestError(t *testing.T) {
	cause := errors.New("disk full")
	e := &models.Error{Code: models.Unavailable, Field: "text", Message: "cannot be kept", Err: cause}
	if got, want := e.Error(), "text: cannot be kept: disk full"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(e, cause) {
		t.Error("its cause is not found")
	}
	if got := models.CodeOf(fmt.Errorf("outer: %w", e)); got != models.Unavailable {
		t.Errorf("code %s of a wrapped error", got)
	}
	if got := models.CodeOf(cause); got != models.Internal {
		t.Errorf("code %s of a plain error", got)
	}
}

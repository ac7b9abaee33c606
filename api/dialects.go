package api

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
	"searchd/hf"
	"searchd/hf/gateway"
	"searchd/models"
)

// failure is how a dialect says that a request has failed: the status and the body.
type failure func(err error, shown wire.Error) (int, any)

const dialectLocal = "dialect"

// in makes a handler's errors those of a dialect. There is no other place where a route's dialect is settled.
func in(say failure, handle fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Locals(dialectLocal, say)
		return handle(c)
	}
}

// What dialects tell apart and the classes of package models do not. They are causes of errors of that package.
var (
	errEmpty   = errors.New("no input")
	errBackend = errors.New("the model cannot do this")
)

// empty is the error of an input without text.
func empty(field string) error {
	return &models.Error{Code: models.Invalid, Field: field, Message: "cannot be empty", Err: errEmpty}
}

// dialectStatus is a failure's status where clients of other servers are spoken to. One of them repeats a request that
// was answered 503 at once and for ever, and others every second, so what may be there later is 429.
func dialectStatus(err error) int {
	if status := statusOf(err); status != http.StatusServiceUnavailable {
		return status
	}
	return http.StatusTooManyRequests
}

// openAIFailure is OpenAI's error, which is this API's own but for some statuses and codes. Its clients show the message
// alone, so that names the field too.
func openAIFailure(err error, shown wire.Error) (int, any) {
	return openAIError(err, shown)
}

func openAIError(err error, shown wire.Error) (int, wire.ErrorAnswer) {
	status := dialectStatus(err)
	switch {
	case status == http.StatusUnprocessableEntity:
		status = http.StatusBadRequest
	case status == http.StatusNotFound && shown.Param == "model":
		shown.Code = "model_not_found"
	}
	shown.Message = sentence(shown)
	return status, wire.ErrorAnswer{Error: shown}
}

// rerankFailure says the same in the words of OpenAI, Cohere (message) and Jina (detail), as clients of all three ask here.
func rerankFailure(err error, shown wire.Error) (int, any) {
	status, answer := openAIError(err, shown)
	return status, wire.RerankError{ErrorAnswer: answer, Message: answer.Error.Message, Detail: answer.Error.Message}
}

// teiFailure is an error of text-embeddings-inference. Its kinds have capitals on the wire, whatever its manual shows.
func teiFailure(err error, shown wire.Error) (int, any) {
	status, kind := dialectStatus(err), "Validation"
	switch {
	case errors.Is(err, errEmpty):
		status, kind = http.StatusBadRequest, "Empty"
	case errors.Is(err, errBackend):
		status, kind = http.StatusFailedDependency, "Backend"
	case status == http.StatusTooManyRequests:
		kind = "Overloaded"
	case status >= http.StatusInternalServerError:
		kind = "Backend"
	}
	return status, wire.TEIError{Error: sentence(shown), ErrorType: kind}
}

// hubFailure is an error of a Hugging Face inference container: 400 whatever is wrong with a request.
func hubFailure(err error, shown wire.Error) (int, any) {
	status := dialectStatus(err)
	var g *gateway.Error
	switch {
	case status == http.StatusUnprocessableEntity:
		status = http.StatusBadRequest
	case errors.As(err, &g) && g.Fault == hf.FaultNotServed:
		status = http.StatusNotFound
	}
	return status, wire.HubError{Error: sentence(shown)}
}

// sentence is an error on one line, for dialects that have no place for a field's name.
func sentence(shown wire.Error) string {
	if shown.Param == "" {
		return shown.Message
	}
	return shown.Param + ": " + shown.Message
}

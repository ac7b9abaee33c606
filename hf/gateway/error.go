package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"searchd/hf"
)

// Faults of the gateway itself, beside those of the providers. None is transient: the next target is tried at once.
const (
	FaultBudget   hf.Fault = "budget"       // the budget is used up
	FaultCircuit  hf.Fault = "circuit_open" // the target failed again and again, and is left alone for a while
	FaultCanceled hf.Fault = "canceled"     // the caller has left
)

// Attempt is one try at one target.
type Attempt struct {
	Provider string
	Type     string
	Model    string
	Fault    hf.Fault // empty where it succeeded
	Status   int      // HTTP status of a failure, where there was one
	Message  string   // the provider's words about a failure
	Took     time.Duration

	started time.Time // while it runs
}

// refused says that the gateway did not let the attempt go upstream.
func (a Attempt) refused() bool { return a.Fault == FaultBudget || a.Fault == FaultCircuit }

// upstream counts the attempts that were sent.
func upstream(trace []Attempt) int {
	n := 0
	for _, a := range trace {
		if !a.refused() {
			n++
		}
	}
	return n
}

// Error is a request that no target answered. It is the last failure, and remembers the others. It unwraps to the
// *hf.CallError of the last attempt, or to the error of the context that ended the request.
type Error struct {
	Fault      hf.Fault
	Status     int // of the provider that failed last; 0 where there was no answer
	Message    string
	RetryAfter time.Duration // when asking again may help; 0 where nothing says
	Attempts   []Attempt
	Err        error
}

func (e *Error) Error() string {
	what := string(e.Fault)
	if e.Status != 0 {
		what = fmt.Sprintf("%s (HTTP %d)", e.Fault, e.Status)
	}
	if last, ok := e.last(); ok {
		return fmt.Sprintf("after %d attempts, the last at %s with %s: %s: %s", upstream(e.Attempts), last.Provider, last.Model, what, e.Message)
	}
	return what + ": " + e.Message
}

// last is the attempt that e is about. It need not be the very last one, for batches run side by side.
func (e *Error) last() (Attempt, bool) {
	for _, a := range slices.Backward(e.Attempts) {
		if a.Fault == e.Fault && a.Message == e.Message {
			return a, true
		}
	}
	if n := len(e.Attempts); n > 0 {
		return e.Attempts[n-1], true
	}
	return Attempt{}, false
}

func (e *Error) Unwrap() error { return e.Err }

// newError words a failure. An error that is no CallError is that of a context.
func newError(err error, trace []Attempt, doing string) *Error {
	if call, ok := errors.AsType[*hf.CallError](err); ok {
		return &Error{Fault: call.Fault, Status: call.Status, Message: call.Message, RetryAfter: call.RetryAfter, Attempts: trace, Err: err}
	}
	message := "the request ended while " + doing + ": " + err.Error()
	fault := FaultCanceled
	if errors.Is(err, context.DeadlineExceeded) {
		fault = hf.FaultTimeout
	}
	return &Error{Fault: fault, Message: message, Attempts: trace, Err: err}
}

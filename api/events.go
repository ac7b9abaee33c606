package api

import (
	"bufio"
	"fmt"
	"iter"

	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"

	"searchd/api/wire"
	"searchd/hf"
)

// sendEvents answers server-sent events. Once the handler has returned, write sends them, and then end is called.
func sendEvents(c *fiber.Ctx, end func(), write func(*bufio.Writer) error) error {
	c.Set(fiber.HeaderContentType, "text/event-stream")
	c.Set(fiber.HeaderCacheControl, "no-store")
	if c.Method() == fiber.MethodHead { // fasthttp would end even this stream in the body, where the next answer stands
		end()
		return nil
	}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer end()
		_ = write(w) // where this fails the client has left, or was told
	})
	return nil
}

// event sends one event.
func event(w *bufio.Writer, name string, v any) error {
	data, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, data); err != nil {
		return err
	}
	return w.Flush()
}

// sendDeltas sends each piece as an event "delta", after see has seen it. Where a piece fails it sends an event "error", and
// answers that error.
func (s *Server) sendDeltas(w *bufio.Writer, pieces iter.Seq2[hf.Delta, error], id string, see func(hf.Delta)) error {
	for delta, err := range pieces {
		if err != nil {
			shown := s.explainError(err, id)
			shown.RequestID = id
			_ = event(w, "error", wire.ErrorAnswer{Error: shown}) // the client has left if this cannot be sent
			return err
		}
		see(delta)
		if err := event(w, "delta", map[string]string{"text": delta.Text}); err != nil {
			return err
		}
	}
	return nil
}

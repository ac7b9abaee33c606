package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"searchd/models"
)

const requestIDHeader = "X-Request-Id"

// identify gives every request an id, and logs its outcome: never a query, a body or a key.
func (s *Server) identify(c *fiber.Ctx) error {
	id := c.Get(requestIDHeader)
	if !isRequestID(id) {
		id = "req_" + strings.ToLower(rand.Text())
	}
	c.Locals(requestIDHeader, id)
	c.Set(requestIDHeader, id)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	// fasthttp cannot see a client leave, so every request has a deadline; those that wait on purpose take their own.
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	c.SetUserContext(ctx)
	sent := openBody(c)
	defer sent.drain(c)
	start := time.Now()
	err := c.Next()
	if err != nil { // answered here, so that the log has the status
		err = s.fail(c, err)
	}
	status, took := c.Response().StatusCode(), time.Since(start)
	s.Metrics.Request(c.Method(), route(c), status, took)
	s.Log.Info("request", "method", c.Method(), "path", c.Path(), "status", status, "took_ms", milliseconds(took), "request_id", id)
	return err
}

// unrouted marks a request that no route has taken.
const unrouted = "unrouted"

// route is the pattern of the route that has answered: "none" for all that have none, as their paths are without number.
func route(c *fiber.Ctx) string {
	if c.Locals(unrouted) != nil {
		return "none"
	}
	return c.Route().Path
}

func isRequestID(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

func requestID(c *fiber.Ctx) string {
	id, _ := c.Locals(requestIDHeader).(string)
	return id
}

// recoverPanic turns a fault of ours into a 500. The stack goes to the log, not to the client.
func (s *Server) recoverPanic(c *fiber.Ctx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.Log.Error("panic", "value", fmt.Sprint(r), "request_id", requestID(c), "stack", string(debug.Stack()))
			err = models.Errorf(models.Internal, "", "a fault in searchd; the log has it under this request's id")
		}
	}()
	return c.Next()
}

// noRoute answers what no route has taken. Fiber, asked to go on, looks for the path under other methods and names them
// in Allow.
func (s *Server) noRoute(c *fiber.Ctx) error {
	c.Locals(unrouted, true)
	if err := c.Next(); errors.Is(err, fiber.ErrMethodNotAllowed) {
		return fiber.NewError(fiber.StatusMethodNotAllowed, "this path does not take "+c.Method()+"; it takes "+c.GetRespHeader(fiber.HeaderAllow))
	}
	return models.Errorf(models.NotFound, "", "there is no %s %.128s; GET /openapi.yaml lists the routes", c.Method(), c.Path())
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

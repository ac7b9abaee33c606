package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

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

// methodName is where the name of a method is kept that is not one of HTTP's.
const methodName = "method"

// anyMethod sends a request whose method fiber does not know, such as QUERY, the way of one whose method no route takes.
// Fiber would answer it by itself, before any of ours, with a text that is none of our errors.
func anyMethod(next fasthttp.RequestHandler) fasthttp.RequestHandler {
	return func(c *fasthttp.RequestCtx) {
		if name := string(c.Method()); !slices.Contains(fiber.DefaultMethods, name) {
			c.SetUserValue(methodName, name)
			c.Request.Header.SetMethod(fiber.MethodTrace)
		}
		next(c)
	}
}

// method is the request's own name of its method.
func method(c *fiber.Ctx) string {
	if name, ok := c.Locals(methodName).(string); ok {
		return name
	}
	return c.Method()
}

// noRoute answers what no route has taken. Fiber, asked to go on, looks for the path under other methods and names them
// in Allow.
func (s *Server) noRoute(c *fiber.Ctx) error {
	c.Locals(unrouted, true)
	if err := c.Next(); errors.Is(err, fiber.ErrMethodNotAllowed) {
		return fiber.NewError(fiber.StatusMethodNotAllowed, fmt.Sprintf("this path does not take %.32s; it takes ", method(c))+c.GetRespHeader(fiber.HeaderAllow))
	}
	return models.Errorf(models.NotFound, "", "there is no %.32s %.128s; GET /openapi.yaml lists the routes", method(c), c.Path())
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

package api

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"
)

// What is read of a body that its handler has left, so that the client gets to the answer: a client that is still
// sending when the connection closes may never see it.
const (
	maxDrain  = 128 << 20
	drainTime = 5 * time.Second
)

// listener hands out connections that know when the client has stopped sending. It may be closed more than once.
type listener struct {
	net.Listener
	live context.Context // connections over which nothing has come end with it
	once sync.Once
}

func (l *listener) Close() (err error) {
	l.once.Do(func() { err = l.Listener.Close() })
	return err
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, used: context.AfterFunc(l.live, func() { _ = c.Close() })}, nil
}

// conn is used by one request at a time.
type conn struct {
	net.Conn
	used func() bool // keeps the end of the server from closing it, see below
	over bool        // a read has failed: nothing more will come
}

// Read notes that something has come. To fasthttp a connection is busy before that, too, and would hold up a shutdown; browsers open
// some ahead. A connection that was reset or closed has come to its end: to Fiber it is a fault of the server's.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.used()
	}
	c.over = c.over || err != nil
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) {
		err = io.EOF
	}
	return n, err
}

func (c *conn) Close() error {
	c.used()
	return c.Conn.Close()
}

// body is a request's body as it comes in. fasthttp ends its stream in the same way whether the body is whole or the
// client has gone, and reads the next request as more of it when asked again after the end; body does neither.
type body struct {
	stream io.Reader
	conn   net.Conn
	sum    io.Writer // gets what is read, unless it is nil; never fails
	err    error     // how it ended
}

const bodyLocal = "body"

// openBody is nil where the request has no body.
func openBody(c *fiber.Ctx) *body {
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		return nil
	}
	b := &body{stream: stream, conn: c.Context().Conn()}
	c.Locals(bodyLocal, b)
	return b
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.stream.Read(p)
	if b.sum != nil {
		_, _ = b.sum.Write(p[:n])
	}
	if c, ok := b.conn.(*conn); ok && c.over && errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	b.err = err
	return n, err
}

// drain reads what is left of a body. Without it the rest would be taken for the connection's next request; where it is
// too much, or does not come, the connection is closed after the answer.
func (b *body) drain(c *fiber.Ctx) {
	if b == nil || errors.Is(b.err, io.EOF) {
		return
	}
	if err := b.conn.SetReadDeadline(time.Now().Add(drainTime)); err == nil {
		_, _ = io.CopyN(io.Discard, b, maxDrain) // how it ended stands in b.err
	}
	if !errors.Is(b.err, io.EOF) {
		c.Context().SetConnectionClose()
	}
}

package hftest

import (
	"bytes"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Trouble answers one request in the server's place.
type Trouble func(w http.ResponseWriter, r *http.Request, s *Server)

// Status answers a status with a body of any type.
func Status(status int, kind, body string) Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ *Server) { writeText(w, status, kind, body) }
}

func errorStatus(status int, message string) Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ *Server) {
		writeJSON(w, status, map[string]any{"error": message})
	}
}

// Loading answers that the model will be ready after a while.
func Loading(d time.Duration) Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ *Server) {
		writeJSON(w, http.StatusServiceUnavailable, map[string]any{"error": "Model is currently loading", "estimated_time": d.Seconds()})
	}
}

// RateLimited asks to come again after a while; with 0 it does not say when, as TEI.
func RateLimited(after time.Duration) Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ *Server) {
		if after > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
		}
		writeJSON(w, http.StatusTooManyRequests, map[string]any{"error": "We had to rate limit you", "error_type": "Overloaded"})
	}
}

// BadKey says that the key is wrong.
func BadKey() Trouble {
	return errorStatus(http.StatusUnauthorized, "Invalid credentials in Authorization header")
}

// NoCredits says that the account has spent what it had.
func NoCredits() Trouble {
	return errorStatus(http.StatusPaymentRequired, "You have depleted your monthly included credits.")
}

// NoPermission says that the key may not call providers.
func NoPermission() Trouble {
	return errorStatus(http.StatusForbidden, "This authentication method does not have sufficient permissions to call Inference Providers on behalf of user ada")
}

// NotFound is the router's word for a model that it does not serve: plain text.
func NotFound() Trouble { return Status(http.StatusNotFound, "text/plain", "Not Found") }

// Retired is what the old hosted endpoint answers.
func Retired() Trouble {
	return errorStatus(http.StatusGone, "https://api-inference.huggingface.co is no longer supported. Please use https://router.huggingface.co instead.")
}

// Broken is a status of 500 and above.
func Broken(status int) Trouble { return errorStatus(status, "unknown error") }

// HTML is the page of a proxy.
func HTML(status int) Trouble {
	return Status(status, "text/html", fmt.Sprintf("<!doctype html><html><head><title>%d Bad day</title></head><body>x</body></html>", status))
}

// Redirect sends the caller elsewhere.
func Redirect(status int, to string) Trouble {
	return func(w http.ResponseWriter, r *http.Request, _ *Server) { http.Redirect(w, r, to, status) }
}

// Truncated is the first half of the right answer, with a length that says it is all.
func Truncated() Trouble {
	return func(w http.ResponseWriter, r *http.Request, s *Server) {
		status, header, body := s.rehearse(r)
		copyHeader(w.Header(), header)
		w.WriteHeader(status)
		_, _ = w.Write(body[:len(body)/2])
	}
}

// Cut breaks the connection after the first half of the right answer.
func Cut() Trouble {
	return func(w http.ResponseWriter, r *http.Request, s *Server) {
		status, header, body := s.rehearse(r)
		copyHeader(w.Header(), header)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// HalfStream ends a stream after some events; with cut it breaks the connection as well.
func HalfStream(events int, cut bool) Trouble {
	return func(w http.ResponseWriter, r *http.Request, s *Server) {
		status, header, body := s.rehearse(r)
		copyHeader(w.Header(), header)
		w.WriteHeader(status)
		for _, event := range bytes.SplitAfter(body, []byte("\n\n"))[:events] {
			_, _ = w.Write(event)
		}
		_ = http.NewResponseController(w).Flush()
		if cut {
			panic(http.ErrAbortHandler)
		}
	}
}

// Stall sends some events of a stream and then nothing until the client gives up.
func Stall(events int) Trouble {
	return func(w http.ResponseWriter, r *http.Request, s *Server) {
		HalfStream(events, false)(w, r, s)
		s.hang(r)
	}
}

// Hang answers nothing until the client gives up.
func Hang() Trouble {
	return func(_ http.ResponseWriter, r *http.Request, s *Server) {
		s.hang(r)
		panic(http.ErrAbortHandler)
	}
}

// Reset breaks the connection before anything is answered.
func Reset() Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ *Server) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset in place of a farewell
		}
		_ = conn.Close()
	}
}

// Slow gives the right answer after a while.
func Slow(d time.Duration) Trouble {
	return func(w http.ResponseWriter, r *http.Request, s *Server) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			s.answer(w, r)
		case <-r.Context().Done():
		case <-s.closed:
		}
	}
}

func (s *Server) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closed:
	}
}

// rehearse is the right answer, whole.
func (s *Server) rehearse(r *http.Request) (int, http.Header, []byte) {
	recorder := httptest.NewRecorder()
	s.answer(recorder, r)
	return recorder.Code, recorder.Header(), recorder.Body.Bytes()
}

func copyHeader(to, from http.Header) {
	for name, values := range from {
		to[name] = values
	}
}

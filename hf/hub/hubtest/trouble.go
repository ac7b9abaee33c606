package hubtest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Trouble answers one request in the place of next, which would answer it as it should be.
type Trouble func(w http.ResponseWriter, r *http.Request, next http.Handler)

// trouble is a Trouble that waits for a request.
type trouble struct {
	method, part string
	answer       Trouble
}

// Next makes the next n requests of a method whose host and path contain part end in trouble.
func (s *Server) Next(n int, method, part string, t Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.troubles = append(s.troubles, trouble{method, part, t})
	}
}

// record keeps a request, and answers it if there is trouble for it.
func (s *Server) record(w http.ResponseWriter, r *http.Request) (answered bool) {
	t := s.take(r)
	if t == nil {
		return false
	}
	again := *r
	t(w, &again, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if "http://"+r.Host == s.CDN {
			s.cdn(w, r)
		} else {
			s.hub(w, r)
		}
	}))
	return true
}

func (s *Server) take(r *http.Request) Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Context().Value(rehearsal{}) != nil {
		return nil
	}
	s.requests = append(s.requests, Request{"http://" + r.Host, r.Method, r.URL.Path, r.Header.Clone()})
	for i, t := range s.troubles {
		if t.method == r.Method && strings.Contains("http://"+r.Host+r.URL.Path, t.part) {
			s.troubles = append(s.troubles[:i:i], s.troubles[i+1:]...)
			return t.answer
		}
	}
	return nil
}

// Status answers a status, with headers as "Name: value".
func Status(status int, headers ...string) Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Set(name, value)
		}
		fail(w, status, "", fmt.Sprint("trouble ", status))
	}
}

// Cut breaks the connection after so many bytes of the right answer.
func Cut(after int) Trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		right := rehearse(r, next)
		send(w, right, right.Body.Bytes()[:min(after, right.Body.Len())])
		panic(http.ErrAbortHandler)
	}
}

// Reset breaks the connection before anything is answered.
func Reset() Trouble {
	return func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }
}

// Stall sends so many bytes of the right answer, and then nothing.
func Stall(after int) Trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		right := rehearse(r, next)
		send(w, right, right.Body.Bytes()[:min(after, right.Body.Len())])
		<-r.Context().Done()
	}
}

// Corrupt changes a byte of the right answer.
func Corrupt() Trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		right := rehearse(r, next)
		body := right.Body.Bytes()
		body[len(body)/2] ^= 1
		send(w, right, body)
	}
}

// NoRange gives the whole file, whatever part was asked for.
func NoRange() Trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Header = r.Header.Clone()
		r.Header.Del("Range")
		right := rehearse(r, next)
		send(w, right, right.Body.Bytes())
	}
}

// Header gives the right answer with a header changed, or removed where value is empty.
func Header(name, value string) Trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		right := rehearse(r, next)
		right.Header().Del(name)
		if value != "" {
			right.Header().Set(name, value)
		}
		send(w, right, right.Body.Bytes())
	}
}

// Body answers something else with status 200.
func Body(text string) Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { _, _ = fmt.Fprint(w, text) }
}

// rehearsal marks the request within a Trouble, which is not one of a client.
type rehearsal struct{}

// rehearse is the right answer, whole.
func rehearse(r *http.Request, next http.Handler) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	next.ServeHTTP(recorder, r.WithContext(context.WithValue(r.Context(), rehearsal{}, true)))
	return recorder
}

// send writes a part of an answer under the length of the whole.
func send(w http.ResponseWriter, right *httptest.ResponseRecorder, body []byte) {
	for name, values := range right.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(right.Code)
	_, _ = w.Write(body)
	_ = http.NewResponseController(w).Flush()
}

package sse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const maxEvent = 4 << 20 // bytes; a token with its probabilities is far below

// ErrTooLong is the answer for an event, or a whole stream, that is over the limit.
var ErrTooLong = errors.New("it is too long")

// Event is what a server has sent: its data, with lines joined, and its name, empty where it has none. Other fields and comments
// are left out.
type Event struct {
	Name string
	Data []byte
}

// Reader reads a stream.
type Reader struct {
	r     *bufio.Reader
	left  int64 // bytes that the stream may still have
	begun bool
}

// New makes a reader of a stream that may have so many bytes.
func New(r io.Reader, limit int64) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 16<<10), left: limit}
}

// Next is the next event that has data. One that the end of the stream cuts off comes as it is: some servers leave out the last
// empty line. Then it answers the reader's error, io.EOF at the end.
func (s *Reader) Next() (Event, error) {
	var e Event
	some := false
	for {
		line, err := s.line()
		if value, ok := field(line, "data"); ok {
			if some {
				e.Data = append(e.Data, '\n')
			}
			e.Data, some = append(e.Data, value...), true
		} else if value, ok := field(line, "event"); ok {
			e.Name = string(value)
		}
		switch {
		case len(e.Data) > maxEvent:
			return Event{}, fmt.Errorf("an event of the stream: %w", ErrTooLong)
		case err != nil && !errors.Is(err, io.EOF):
			return Event{}, err
		case some && (errors.Is(err, io.EOF) || len(line) == 0):
			return e, nil
		case errors.Is(err, io.EOF):
			return Event{}, io.EOF
		case len(line) == 0: // a name without data is no event
			e.Name = ""
		}
	}
}

// field is the value of a line that is this field, without the one space that may stand after the colon.
func field(line []byte, name string) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(name))
	switch {
	case !ok:
		return nil, false
	case len(rest) == 0:
		return nil, true
	case rest[0] != ':': // another field, whose name begins alike
		return nil, false
	}
	return bytes.TrimPrefix(rest[1:], []byte(" ")), true
}

// line is the next line without its end. With io.EOF comes what was left.
func (s *Reader) line() ([]byte, error) {
	var line []byte
	for {
		part, err := s.r.ReadSlice('\n')
		line = append(line, part...)
		if s.left -= int64(len(part)); s.left < 0 || len(line) > maxEvent {
			return nil, fmt.Errorf("the stream: %w", ErrTooLong)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if !s.begun {
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
			s.begun = true
		}
		return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), err
	}
}

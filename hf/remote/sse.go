package remote

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

const maxEvent = 4 << 20 // bytes; a token with its probabilities is far below

var errTooLong = errors.New("it is too long")

// events reads server-sent events: the data of each, without comments and other fields.
type events struct {
	r     *bufio.Reader
	left  int64 // bytes that the stream may still have
	begun bool
}

func newEvents(r io.Reader, limit int64) *events {
	return &events{r: bufio.NewReaderSize(r, 16<<10), left: limit}
}

// next is the data of the next event, its lines joined. An event that the end of the stream cuts off comes as it is:
// some servers leave out the last empty line. Then it answers the reader's error, io.EOF at the end.
func (e *events) next() ([]byte, error) {
	var data []byte
	some := false
	for {
		line, err := e.line()
		if field, ok := bytes.CutPrefix(line, []byte("data")); ok {
			if value, ok := valueOf(field); ok {
				if some {
					data = append(data, '\n')
				}
				data, some = append(data, value...), true
			}
		}
		switch {
		case len(data) > maxEvent:
			return nil, fmt.Errorf("an event of the stream: %w", errTooLong)
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case some && (errors.Is(err, io.EOF) || len(line) == 0):
			return data, nil
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		}
	}
}

// valueOf is what follows a field's name, without the one space that may stand after the colon.
func valueOf(rest []byte) ([]byte, bool) {
	if len(rest) == 0 {
		return nil, true
	}
	if rest[0] != ':' {
		return nil, false // another field, whose name begins alike
	}
	return bytes.TrimPrefix(rest[1:], []byte(" ")), true
}

// line is the next line without its end. With io.EOF comes what was left.
func (e *events) line() ([]byte, error) {
	var line []byte
	for {
		part, err := e.r.ReadSlice('\n')
		line = append(line, part...)
		if e.left -= int64(len(part)); e.left < 0 || len(line) > maxEvent {
			return nil, fmt.Errorf("the stream: %w", errTooLong)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if !e.begun {
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
			e.begun = true
		}
		return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), err
	}
}

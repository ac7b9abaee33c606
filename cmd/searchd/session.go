package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"searchd/api/client"
)

// session is a connection for the length of one command.
type session = *client.Client

// with connects, runs fn and disconnects.
func (c *cli) with(ctx context.Context, t terminal, fn func(session) error) error {
	s, disconnect, err := c.connect(ctx, t)
	if err != nil {
		return err
	}
	return errors.Join(fn(s), disconnect())
}

// filterFlag is the JSON of --filter; none where the flag was not given.
func filterFlag(text string) (jsontext.Value, error) {
	if text == "" {
		return nil, nil
	}
	if !jsontext.Value(text).IsValid() {
		return nil, usageError(`--filter is not JSON; it looks like {"lang":"go"}, in single quotes for the shell`)
	}
	return jsontext.Value(text), nil
}

// count is a number of things in words, one or many.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// eachLine calls fn for every line that has something in it.
func eachLine(text []byte, fn func(line []byte) error) error {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if err := fn(line); err != nil {
				return err
			}
		}
	}
	return nil
}

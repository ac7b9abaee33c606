package main

import (
	"bytes"
	"context"
	"errors"

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

// raw is a flag's JSON; none where the flag was not given.
func raw(flag string) jsontext.Value {
	if flag == "" {
		return nil
	}
	return jsontext.Value(flag)
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

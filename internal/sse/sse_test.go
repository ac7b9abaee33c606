package sse_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"searchd/internal/sse"
)

func TestEvents(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"space", "data: a\n\n", []string{"a"}},
		{"no space", "data:a\n\n", []string{"a"}},
		{"one space is taken", "data:  a\n\n", []string{" a"}},
		{"carriage returns", "data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}},
		{"comments", ": hi\n\n:\n\ndata: a\n: in between\n\n", []string{"a"}},
		{"other fields", "id: 1\nretry: 5\ndatabase: no\neventful: no\ndata: a\n\n", []string{"a"}},
		{"names", "event: x \ndata: a\n\ndata: b\n\nevent: gone\n\ndata: c\n\n", []string{"x a", "b", "c"}},
		{"lines", "data: a\ndata: b\n\n", []string{"a\nb"}},
		{"a mark at the start", "\uFEFFdata: a\n\n", []string{"a"}},
		{"no empty line at the end", "data: a\n\ndata: [DONE]", []string{"a", "[DONE]"}},
		{"empty data", "data\n\ndata:\n\n", []string{"", ""}},
		{"nothing", "", nil},
		{"long", "data: " + strings.Repeat("x", 100_000) + "\n\n", []string{strings.Repeat("x", 100_000)}},
	} {
		e := sse.New(strings.NewReader(test.text), 1<<20)
		var got []string
		for {
			event, err := e.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			got = append(got, event.Name+string(event.Data))
		}
		if diff := gocmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	endless := strings.NewReader(strings.Repeat("data: x\n", 1<<20))
	if _, err := sse.New(endless, 1<<20).Next(); !errors.Is(err, sse.ErrTooLong) {
		t.Errorf("an endless event: %v", err)
	}
}

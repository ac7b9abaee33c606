package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"searchd/api/wire"
)

type searchCommand struct {
	Query        string  `arg:"" help:"What to find, in your own words."`
	Collection   string  `help:"Collection to search." default:"default"`
	Mode         string  `help:"How to find: hybrid or semantic." default:"hybrid"`
	Limit        int     `help:"Number of hits." default:"5" short:"n"`
	Offset       int     `help:"Hits to pass over." placeholder:"N"`
	Filter       string  `help:"Condition on metadata, as JSON: {\"lang\":\"go\"}." placeholder:"JSON"`
	MinRelevance float64 `help:"Leave out hits below this relevance, 0 to 1." placeholder:"R"`
	JSON         bool    `help:"Print the answer as JSON."`
}

func (s *searchCommand) Run(ctx context.Context, c *cli, t terminal) error {
	filter, err := filterFlag(s.Filter)
	if err != nil {
		return err
	}
	return c.with(ctx, t, func(session session) error {
		answer, err := session.Search(ctx, s.Collection, wire.SearchRequest{
			Query: s.Query, Mode: s.Mode, Limit: &s.Limit, Offset: s.Offset, Filter: filter, MinRelevance: s.MinRelevance,
		})
		if err != nil {
			return err
		}
		if s.JSON {
			return json.MarshalWrite(t.out, answer, jsontext.Multiline(true))
		}
		return printHits(t.out, answer, s.Offset)
	})
}

func printHits(w io.Writer, answer wire.SearchAnswer, offset int) error {
	if len(answer.Hits) == 0 {
		_, err := fmt.Fprintln(w, "no hits")
		return err
	}
	var b strings.Builder
	for i, h := range answer.Hits {
		title := h.Title
		if title == "" {
			title = h.DocumentID
		}
		fmt.Fprintf(&b, "%2d. %3.0f%%  %s\n", offset+i+1, 100*h.Relevance, title)
		for _, line := range wrap(snippet(h.Text), 92) {
			fmt.Fprintf(&b, "          %s\n", line)
		}
		fmt.Fprintf(&b, "          %s\n\n", h.DocumentID)
	}
	fmt.Fprintf(&b, "%d of %d in %.1f ms\n", len(answer.Hits), answer.Total, answer.TookMS)
	_, err := io.WriteString(w, b.String())
	return err
}

// snippet is the beginning of a passage on one line, safe to print: control characters could drive the terminal.
func snippet(text string) string {
	const longest = 240
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
	words := strings.Join(strings.Fields(clean), " ")
	runes := []rune(words)
	if len(runes) <= longest {
		return words
	}
	return string(runes[:longest]) + "…"
}

// wrap breaks a line between words so that none is wider than width, but for a word that is wider by itself.
func wrap(line string, width int) []string {
	var lines []string
	var current string
	for word := range strings.FieldsSeq(line) {
		if current != "" && len([]rune(current))+1+len([]rune(word)) > width {
			lines, current = append(lines, current), ""
		}
		if current != "" {
			current += " "
		}
		current += word
	}
	if current != "" {
		lines = append(lines, current)
	}
	return lines
}

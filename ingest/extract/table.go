package extract

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// table is CSV or TSV with a line of names: each row is a document, whose text is "name: value" a line. Short values are its
// metadata, too; a column named id, title or url is that.
type table struct{}

const (
	maxColumns    = 1000
	shortValue    = 256 // bytes of a value that may be metadata
	maxMetaFields = 64
)

func (table) Extract(ctx context.Context, f File, add func(Document) error) error {
	s, err := decode(f)
	if err != nil {
		return err
	}
	r := csv.NewReader(strings.NewReader(s))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = delimiter(s), -1, true, true
	names, err := r.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("is empty")
	}
	if err != nil {
		return err
	}
	if len(names) > maxColumns {
		return fmt.Errorf("has %d columns; at most %d are read", len(names), maxColumns)
	}
	for row := 1; ; row++ {
		values, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d := rowDocument(names, values); d.Text != "" {
			d.Part = strconv.Itoa(row)
			if err := add(d); err != nil {
				return err
			}
		}
	}
}

// delimiter is what stands most often in the first line.
func delimiter(s string) rune {
	line, _, _ := strings.Cut(s, "\n")
	best := ','
	for _, d := range []rune{';', '\t', '|'} {
		if strings.Count(line, string(d)) > strings.Count(line, string(best)) {
			best = d
		}
	}
	return best
}

func rowDocument(names, values []string) Document {
	d := Document{Metadata: map[string]any{}}
	var text strings.Builder
	for i, v := range values {
		name := fmt.Sprintf("column %d", i+1)
		if i < len(names) && strings.TrimSpace(names[i]) != "" {
			name = strings.TrimSpace(names[i])
		}
		v = strings.TrimSpace(v)
		if v == "" {
			continue
		}
		switch strings.ToLower(name) {
		case "id":
			d.ID = v
		case "title":
			d.Title = v
		case "url":
			d.URL = v
		default:
			if strings.EqualFold(name, "text") || strings.EqualFold(name, "content") {
				text.WriteString(v + "\n")
				continue
			}
			text.WriteString(name + ": " + v + "\n")
			if len(v) <= shortValue && len(d.Metadata) < maxMetaFields && !strings.HasPrefix(name, "$") {
				d.Metadata[name] = scalar(v)
			}
		}
	}
	d.Text = strings.TrimSpace(text.String())
	if d.Text == "" {
		d.Text = d.Title
	}
	return d
}

// scalar is a number where a value is written as one.
func scalar(v string) any {
	if n, err := strconv.ParseFloat(v, 64); err == nil && strconv.FormatFloat(n, 'f', -1, 64) == v {
		return n
	}
	return v
}

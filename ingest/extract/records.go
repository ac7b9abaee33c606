package extract

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// records is JSON: a list of objects, or an object a line, is a document each; other JSON is one document, of its own text.
// An object's text is its member text, content or body, and its other members metadata; one without is shown as JSON.
type records struct{ lines bool }

const maxLine = 16 << 20

func (r records) Extract(ctx context.Context, f File, add func(Document) error) error {
	if r.lines {
		return r.extractLines(ctx, f, add)
	}
	s, err := decode(f)
	if err != nil {
		return err
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(s), &list); err == nil {
		for i, object := range list {
			if err := ctx.Err(); err != nil {
				return err
			}
			d := objectDocument(object)
			d.Part = strconv.Itoa(i + 1)
			if err := add(d); err != nil {
				return err
			}
		}
		return nil
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(s), &object); err == nil {
		return add(objectDocument(object))
	}
	if !json.Valid([]byte(s)) {
		return errors.New("is not valid JSON")
	}
	return add(Document{Text: s})
}

func (records) extractLines(ctx context.Context, f File, add func(Document) error) error {
	lines := bufio.NewScanner(io.NewSectionReader(f.Content, 0, f.Size))
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line := strings.TrimPrefix(strings.TrimSpace(lines.Text()), "\ufeff")
		if line == "" {
			continue
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			return fmt.Errorf("line %d: is no JSON object: %w", n, err)
		}
		d := objectDocument(object)
		d.Part = strconv.Itoa(n)
		if err := add(d); err != nil {
			return err
		}
	}
	return lines.Err()
}

func objectDocument(object map[string]any) Document {
	d := Document{Metadata: map[string]any{}}
	take := func(name string) (s string) {
		if s, ok := object[name].(string); ok {
			delete(object, name)
			return s
		}
		return ""
	}
	d.ID, d.Title, d.URL = take("id"), take("title"), take("url")
	for _, name := range []string{"text", "content", "body"} {
		if d.Text == "" {
			d.Text = take(name)
		}
	}
	if d.Text == "" {
		whole, err := json.MarshalIndent(object, "", "  ")
		if err == nil {
			d.Text = string(whole)
		}
	}
	given, _ := object["metadata"].(map[string]any)
	delete(object, "metadata")
	for _, from := range []map[string]any{object, given} {
		for name, v := range from {
			if isMetadata(name, v) && len(d.Metadata) < maxMetaFields {
				d.Metadata[name] = v
			}
		}
	}
	return d
}

// isMetadata says whether a member may be metadata: short strings, numbers, booleans and lists of them.
func isMetadata(name string, v any) bool {
	if name == "" || len(name) > shortValue || strings.HasPrefix(name, "$") {
		return false
	}
	switch v := v.(type) {
	case string:
		return len(v) <= shortValue
	case float64, bool:
		return true
	case []any:
		for _, one := range v {
			if _, nested := one.([]any); nested || !isMetadata(name, one) {
				return false
			}
		}
		return len(v) > 0 && len(v) <= maxMetaFields
	}
	return false
}

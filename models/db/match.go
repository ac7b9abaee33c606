package db

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"gorm.io/gorm"

	"searchd/models"
)

// Match answers the chunks of the documents that meet f: each condition is one look-up in an index of the fields, and
// the sets are then combined. A nil filter is the nil set, which admits all. The set is shared and must not be changed: it is
// remembered until the collection changes.
func (d *DB) Match(ctx context.Context, collection uint64, f *models.Filter) (*roaring64.Bitmap, error) {
	if f == nil {
		return nil, nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("write the filter: %w", err)
	}
	at := remembered{collection, d.changes.of(collection), string(text)}
	if known, ok := d.sets.Get(at); ok {
		return known, nil
	}
	m := matcher{g: d.read.WithContext(ctx), collection: collection}
	set, err := m.match(f)
	if err != nil {
		return nil, err
	}
	d.sets.Put(at, set, int(set.GetSizeInBytes())+len(text))
	return set, nil
}

type matcher struct {
	g          *gorm.DB
	collection uint64
}

func (m *matcher) match(f *models.Filter) (*roaring64.Bitmap, error) {
	switch f.Op {
	case models.And, models.Or:
		return m.combine(f)
	case models.Not:
		all, err := m.chunks("SELECT seq, chunks FROM documents WHERE collection_id = ?", m.collection)
		if err != nil {
			return nil, err
		}
		inner, err := m.match(f.Of[0])
		if err != nil {
			return nil, err
		}
		all.AndNot(inner)
		return all, nil
	}
	where, args := condition(f)
	return m.chunks("SELECT DISTINCT document_seq, chunks FROM fields WHERE collection_id = ? AND key = ? AND ("+where+")",
		append([]any{m.collection, f.Key}, args...)...)
}

// combine joins the parts of $and and $or, of which there is at least one.
func (m *matcher) combine(f *models.Filter) (*roaring64.Bitmap, error) {
	var set *roaring64.Bitmap
	for _, part := range f.Of {
		s, err := m.match(part)
		if err != nil {
			return nil, err
		}
		switch {
		case set == nil:
			set = s
		case f.Op == models.And:
			set.And(s)
		default:
			set.Or(s)
		}
	}
	return set, nil
}

// chunks runs a query for (document, number of chunks) and lays the chunk ids out as ranges.
func (m *matcher) chunks(query string, args ...any) (*roaring64.Bitmap, error) {
	rows, err := m.g.Raw(query, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // the error that counts is rows.Err
	set := roaring64.New()
	for rows.Next() {
		var seq uint64
		var n int
		if err := rows.Scan(&seq, &n); err != nil {
			return nil, err
		}
		first := models.ChunkID(seq, 0)
		set.AddRange(first, first+uint64(n))
	}
	return set, rows.Err()
}

// condition is the SQL for a leaf, about the columns kind, element, text and number.
func condition(f *models.Filter) (string, []any) {
	switch f.Op {
	case models.Exists:
		return "1", nil
	case models.In:
		return anyOf(f.Values)
	case models.Contains:
		return contains(f.Values[0])
	case models.Eq:
		return compare("=", f.Values[0])
	}
	return compare(comparison[f.Op], f.Values[0])
}

var comparison = map[models.Op]string{models.Gt: ">", models.Gte: ">=", models.Lt: "<", models.Lte: "<="}

func compare(op string, v models.Value) (string, []any) {
	if v.Kind == models.KindString {
		return fmt.Sprintf("kind = ? AND text %s ?", op), []any{v.Kind, v.Text}
	}
	return fmt.Sprintf("kind = ? AND number %s ?", op), []any{v.Kind, v.Number}
}

// anyOf groups the values by kind, so that each kind is one look-up.
func anyOf(values []models.Value) (string, []any) {
	texts, numbers := []string{}, map[models.Kind][]float64{}
	for _, v := range values {
		if v.Kind == models.KindString {
			texts = append(texts, v.Text)
		} else {
			numbers[v.Kind] = append(numbers[v.Kind], v.Number)
		}
	}
	where, args := []string{"0"}, []any{}
	if len(texts) > 0 {
		where, args = append(where, "kind = ? AND text IN ?"), append(args, models.KindString, texts)
	}
	for kind, list := range numbers {
		where, args = append(where, "kind = ? AND number IN ?"), append(args, kind, list)
	}
	return strings.Join(where, " OR "), args
}

func contains(v models.Value) (string, []any) {
	where, args := compare("=", v)
	where = "element AND " + where
	if v.Kind == models.KindString || v.Kind == models.KindTime {
		where = "(" + where + ") OR (NOT element AND kind IN ('string','time') AND instr(text, ?) > 0)"
		args = append(args, v.Text)
	}
	return where, args
}

package db

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"gorm.io/gorm"

	"searchd/models"
)

// maxFacetValue is the longest value in bytes that a facet names: a text is none.
const maxFacetValue = 256

// Facet says how many documents have each value of a metadata key.
type Facet struct {
	Values  []Count // most documents first, ties by value
	LeftOut int     // further values: beyond the number asked for, or of more than 256 bytes
}

// Count is a value, written as a string, and how many documents have it.
type Count struct {
	Value     string
	Documents int
}

// Facet counts the values of a key over the documents whose first chunk is in allow; a nil set is all of the collection.
// A document counts once for each value that it has, whether alone or in an array; null is no value. Times are written
// in UTC, numbers as JSON writes them. At most most values are answered.
//
// The first facet of a key reads its fields, 3 µs each; they are remembered until the collection changes.
func (d *DB) Facet(ctx context.Context, collection uint64, key string, allow *roaring64.Bitmap, most int) (Facet, error) {
	postings, err := d.postings(ctx, collection, key)
	if err != nil {
		return Facet{}, err
	}
	var facet Facet
	for _, p := range postings {
		n := p.among(allow)
		switch {
		case n == 0:
		case p.long:
			facet.LeftOut++
		default:
			facet.Values = append(facet.Values, Count{Value: p.value, Documents: n})
		}
	}
	slices.SortFunc(facet.Values, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Documents, a.Documents), cmp.Compare(a.Value, b.Value))
	})
	if more := len(facet.Values) - most; more > 0 {
		facet.Values, facet.LeftOut = slices.Clone(facet.Values[:most]), facet.LeftOut+more
	}
	return facet, nil
}

// posting is a value and the documents that have it, each once.
type posting struct {
	value string
	long  bool // too long to be named; value is empty
	seqs  []uint64
}

// among counts those of its documents whose first chunk is in allow.
func (p posting) among(allow *roaring64.Bitmap) int {
	if allow == nil {
		return len(p.seqs)
	}
	n := 0
	for _, seq := range p.seqs {
		if allow.Contains(models.ChunkID(seq, 0)) {
			n++
		}
	}
	return n
}

// postings are the values of a key, as of the collection's last change.
func (d *DB) postings(ctx context.Context, collection uint64, key string) ([]posting, error) {
	at := remembered{collection, d.changes.of(collection), key}
	if known, ok := d.facets.Get(at); ok {
		return known, nil
	}
	var list []posting
	err := d.read.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, kind := range []models.Kind{models.KindString, models.KindNumber, models.KindBool, models.KindTime} {
			if err := readPostings(tx, collection, key, kind, &list); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list = merge(list)
	size := 0
	for _, p := range list {
		size += 64 + len(p.value) + 8*len(p.seqs)
	}
	d.facets.Put(at, list, size)
	return list, nil
}

// readPostings reads the values of one kind in the order of their index: equal ones stand together, and in them those of
// one document.
func readPostings(tx *gorm.DB, collection uint64, key string, kind models.Kind, list *[]posting) error {
	column := "number"
	if kind == models.KindString {
		column = "text"
	}
	q := tx.Raw("SELECT document_seq, text, number FROM fields WHERE collection_id = ? AND key = ? AND kind = ? ORDER BY "+column+", id",
		collection, key, kind)
	var current, v models.Value
	var p *posting
	var seq uint64
	return eachRow(q, func() error {
		v.Kind = kind
		if kind != models.KindString {
			v.Text = "" // times are equal whatever their zones
		}
		if v != current {
			current = v
			*list = append(*list, named(v))
			p = &(*list)[len(*list)-1]
		}
		if n := len(p.seqs); n == 0 || p.seqs[n-1] != seq {
			p.seqs = append(p.seqs, seq)
		}
		return nil
	}, &seq, &v.Text, &v.Number)
}

func named(v models.Value) posting {
	if len(v.Text) > maxFacetValue {
		return posting{long: true}
	}
	return posting{value: written(v)}
}

// written is a value as a person reads it.
func written(v models.Value) string {
	switch v.Kind {
	case models.KindNumber:
		text, _ := json.Marshal(v.Number + 0) // + 0 takes the sign from -0; a stored number is finite
		return string(text)
	case models.KindBool:
		return strconv.FormatBool(v.Number != 0)
	case models.KindTime:
		return time.UnixMicro(int64(v.Number)).UTC().Format(time.RFC3339Nano)
	}
	return v.Text
}

// merge makes one of values of two kinds that are written alike, such as "1" and 1. A document may have both.
func merge(list []posting) []posting {
	slices.SortStableFunc(list, func(a, b posting) int { return cmp.Compare(a.value, b.value) })
	var out []posting
	for _, p := range list {
		last := len(out) - 1
		if last < 0 || out[last].value != p.value || out[last].long || p.long {
			out = append(out, p)
			continue
		}
		out[last].seqs = append(out[last].seqs, p.seqs...)
		slices.Sort(out[last].seqs)
		out[last].seqs = slices.Compact(out[last].seqs)
	}
	return out
}

package models_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/models"
)

func text(s string) models.Value { return models.Value{Kind: models.KindString, Text: s} }

func number(x float64) models.Value { return models.Value{Kind: models.KindNumber, Number: x} }

func leaf(op models.Op, key string, values ...models.Value) *models.Filter {
	return &models.Filter{Op: op, Key: key, Values: values}
}

func tree(op models.Op, of ...*models.Filter) *models.Filter { return &models.Filter{Op: op, Of: of} }

func TestParseFilter(t *testing.T) {
	moment := models.Value{Kind: models.KindTime, Text: "1970-01-01T00:00:01Z", Number: 1e6}
	tests := []struct {
		in   string
		want *models.Filter
	}{
		{``, nil},
		{`null`, nil},
		{`{}`, nil},
		{`{"a":"x"}`, leaf(models.Eq, "a", text("x"))},
		{`{"a":null}`, leaf(models.Eq, "a", models.Value{Kind: models.KindNull})},
		{`{"a":true}`, leaf(models.Eq, "a", models.Value{Kind: models.KindBool, Number: 1})},
		{`{"a":false}`, leaf(models.Eq, "a", models.Value{Kind: models.KindBool})},
		{`{"a":-1.5e3}`, leaf(models.Eq, "a", number(-1500))},
		{`{"a":"1970-01-01T00:00:01Z"}`, leaf(models.Eq, "a", moment)},
		{`{"a":{"$eq":"x"}}`, leaf(models.Eq, "a", text("x"))},
		{`{"a":{"$ne":"x"}}`, tree(models.Not, leaf(models.Eq, "a", text("x")))},
		{`{"a":{"$gt":1}}`, leaf(models.Gt, "a", number(1))},
		{`{"a":{"$gte":1}}`, leaf(models.Gte, "a", number(1))},
		{`{"a":{"$lt":"m"}}`, leaf(models.Lt, "a", text("m"))},
		{`{"a":{"$lte":"1970-01-01T00:00:01Z"}}`, leaf(models.Lte, "a", moment)},
		{`{"a":{"$in":["x",1]}}`, leaf(models.In, "a", text("x"), number(1))},
		{`{"a":{"$in":[]}}`, &models.Filter{Op: models.In, Key: "a", Values: []models.Value{}}},
		{`{"a":{"$nin":["x"]}}`, tree(models.Not, leaf(models.In, "a", text("x")))},
		{`{"a":{"$exists":true}}`, leaf(models.Exists, "a")},
		{`{"a":{"$exists":false}}`, tree(models.Not, leaf(models.Exists, "a"))},
		{`{"a":{"$contains":"x"}}`, leaf(models.Contains, "a", text("x"))},
		{`{"a":{"$not":{"$gt":1}}}`, tree(models.Not, leaf(models.Gt, "a", number(1)))},
		{`{"a":{"$not":"x"}}`, tree(models.Not, leaf(models.Eq, "a", text("x")))},
		{`{"a":{"$gt":1,"$lt":2}}`, tree(models.And, leaf(models.Gt, "a", number(1)), leaf(models.Lt, "a", number(2)))},
		{`{"b":1,"a":2}`, tree(models.And, leaf(models.Eq, "a", number(2)), leaf(models.Eq, "b", number(1)))},
		{`{"$and":[{"a":1},{"b":2}]}`, tree(models.And, leaf(models.Eq, "a", number(1)), leaf(models.Eq, "b", number(2)))},
		{
			`{"x.y":1,"$or":[{"a":1},{"$not":{"b":2}}]}`,
			tree(models.And, tree(models.Or, leaf(models.Eq, "a", number(1)), tree(models.Not, leaf(models.Eq, "b", number(2)))), leaf(models.Eq, "x.y", number(1))),
		},
	}
	for _, test := range tests {
		got, err := models.ParseFilter([]byte(test.in))
		if err != nil {
			t.Errorf("%s: %v", test.in, err)
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s: -want +got\n%s", test.in, d)
		}
	}
}

func TestParseFilterRefuses(t *testing.T) {
	tests := []struct{ in, field string }{
		{`x`, ""},
		{`[]`, ""},
		{`"a"`, ""},
		{`1`, ""},
		{`{"a":1`, ""},
		{`{"a":1}}`, ""},
		{`{"a":1}]`, ""},
		{`{"a":1} {}`, ""},
		{"{\"a\":\"\xff\"}", ""},
		{`{"":1}`, ""},
		{`{"$or":[{"":1}]}`, "$or[0]"},
		{`{"a":[1]}`, "a"},
		{`{"a":{}}`, "a"},
		{`{"a":{"b":1}}`, "a.b"},
		{`{"a":{"$bad":1}}`, "a.$bad"},
		{`{"a":{"$or":[{"b":1}]}}`, "a.$or"},
		{`{"$eq":1}`, "$eq"},
		{`{"$bad":{"a":1}}`, "$bad"},
		{`{"$and":{}}`, "$and"},
		{`{"$and":[]}`, "$and"},
		{`{"$or":[1]}`, "$or[0]"},
		{`{"$or":[{"a":1},{"b":{"$gt":true}}]}`, "$or[1].b.$gt"},
		{`{"$not":[]}`, "$not"},
		{`{"$not":{}}`, "$not"},
		{`{"$or":[{}]}`, "$or[0]"},
		{`{"$and":[{"a":1},{}]}`, "$and[1]"},
		{`{"$not":{"a":{"$lt":null}}}`, "$not.a.$lt"},
		{`{"a":{"$gte":{}}}`, "a.$gte"},
		{`{"a":{"$lte":[]}}`, "a.$lte"},
		{`{"a":{"$eq":{"b":1}}}`, "a.$eq"},
		{`{"a":{"$in":"x"}}`, "a.$in"},
		{`{"a":{"$in":[1,{}]}}`, "a.$in[1]"},
		{`{"a":{"$nin":[[1]]}}`, "a.$nin[0]"},
		{`{"a":{"$exists":1}}`, "a.$exists"},
		{`{"a":{"$contains":[1]}}`, "a.$contains"},
		{`{"a":{"$not":{}}}`, "a.$not"},
		{`{"a":{"$not":{"$gt":false}}}`, "a.$not.$gt"},
		{`{"a":1e999}`, "a"},
		{`{"a":"x\u0000"}`, "a"},
		{`{"` + strings.Repeat("k", 257) + `":1}`, strings.Repeat("k", 257)},
		{`{"a":{"$in":[` + strings.Repeat("1,", 1000) + `1]}}`, "a.$in"},
		{strings.Repeat(`{"$not":`, 17) + `{"a":1}` + strings.Repeat("}", 17), strings.TrimSuffix(strings.Repeat("$not.", 17), ".")},
		{`{"a":` + strings.Repeat(`{"$not":`, 17) + `{"$gt":1}` + strings.Repeat("}", 18), "a." + strings.TrimSuffix(strings.Repeat("$not.", 17), ".")},
		{`{"$or":[` + strings.TrimSuffix(strings.Repeat(`{"a":1},`, 257), ",") + `]}`, "$or[256].a"},
		{`{"a":"` + strings.Repeat("x", models.MaxMetadataBytes) + `"}`, ""},
	}
	for _, test := range tests {
		f, err := models.ParseFilter([]byte(test.in))
		var e *models.Error
		if !errors.As(err, &e) || f != nil {
			t.Errorf("%.60s: got %v, %v; want an error", test.in, f, err)
			continue
		}
		if e.Code != models.Invalid || e.Field != test.field || e.Message == "" {
			t.Errorf("%.60s: field %.60q, code %s; want field %.60q", test.in, e.Field, e.Code, test.field)
		}
	}
}

func TestParseFilterAtItsLimits(t *testing.T) {
	var values []string
	for i := range 1000 {
		values = append(values, fmt.Sprint(i))
	}
	for name, in := range map[string]string{
		"values":     `{"a":{"$in":[` + strings.Join(values, ",") + `]}}`,
		"depth":      strings.Repeat(`{"$not":`, 16) + `{"a":1}` + strings.Repeat("}", 16),
		"conditions": `{"$or":[` + strings.TrimSuffix(strings.Repeat(`{"a":1},`, 256), ",") + `]}`,
	} {
		if _, err := models.ParseFilter([]byte(in)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{
		`{"lang":"go","year":{"$gte":2020}}`, `{"$or":[{"a":null},{"b":{"$nin":[1,"x",true]}}]}`, `{"$not":{}}`,
		`{"a":{"$not":{"$contains":"é"}}}`, `{"a":"2020-02-30T00:00:00Z"}`, `{"a":1}}`, `[]`, "{\"\xff\":1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, err := models.ParseFilter(raw)
		if err != nil {
			if models.CodeOf(err) != models.Invalid {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		var compact bytes.Buffer
		if len(raw) > 0 {
			if err := json.Compact(&compact, raw); err != nil {
				t.Fatalf("what is not JSON was taken: %v", err)
			}
		}
		again, err := models.ParseFilter(compact.Bytes())
		if err != nil || !cmp.Equal(first, again) {
			t.Fatalf("read again: %v\n%s", err, cmp.Diff(first, again))
		}
	})
}

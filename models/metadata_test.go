package models_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"searchd/models"
)

func TestParseMetadata(t *testing.T) {
	in := ` {"s": "x", "n": 12345678901234567890.10, "b":true, "z":null, "list":["a", 1, false], "none":[],
		"when":"2020-01-02T03:04:05.000006+02:00"} `
	m, err := models.ParseMetadata([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	wantJSON := `{"s":"x","n":12345678901234567890.10,"b":true,"z":null,"list":["a",1,false],"none":[],"when":"2020-01-02T03:04:05.000006+02:00"}`
	if m.JSON != wantJSON {
		t.Errorf("JSON %s\nwant %s", m.JSON, wantJSON)
	}
	when := float64(time.Date(2020, 1, 2, 1, 4, 5, 6000, time.UTC).UnixMicro())
	want := []models.Field{
		{Key: "b", Kind: models.KindBool, Number: 1},
		{Key: "list", Kind: models.KindString, Element: true, Text: "a"},
		{Key: "list", Kind: models.KindNumber, Element: true, Number: 1},
		{Key: "list", Kind: models.KindBool, Element: true},
		{Key: "n", Kind: models.KindNumber, Number: 12345678901234567890.10},
		{Key: "none", Kind: models.KindEmpty, Element: true},
		{Key: "s", Kind: models.KindString, Text: "x"},
		{Key: "when", Kind: models.KindTime, Text: "2020-01-02T03:04:05.000006+02:00", Number: when},
		{Key: "z", Kind: models.KindNull},
	}
	if d := cmp.Diff(want, m.Fields); d != "" {
		t.Errorf("fields: -want +got\n%s", d)
	}
}

func TestParseMetadataOfNothing(t *testing.T) {
	for _, in := range []string{"", "null", "{}"} {
		if m, err := models.ParseMetadata([]byte(in)); err != nil || m.JSON != "{}" || len(m.Fields) != 0 {
			t.Errorf("%q: %+v, %v; want the empty object", in, m, err)
		}
	}
}

func TestParseMetadataKeepsNumbersAsWritten(t *testing.T) {
	for _, n := range []string{"9007199254740993", "1.10", "1E+2", "-0", "0.1000000000000000055511151231257827", "123456789012345678901234567890"} {
		if m, err := models.ParseMetadata([]byte(`{"n":` + n + `}`)); err != nil || m.JSON != `{"n":`+n+`}` {
			t.Errorf("%s became %s, %v", n, m.JSON, err)
		}
	}
}

func TestTimesInZonesAreEqual(t *testing.T) {
	var first float64
	for i, s := range []string{"2024-02-29T12:00:00Z", "2024-02-29T14:00:00+02:00", "2024-02-28T23:30:00-12:30", "2024-02-29T12:00:00.000000Z"} {
		m, err := models.ParseMetadata([]byte(`{"t":"` + s + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		f := m.Fields[0]
		if i == 0 {
			first = f.Number
		}
		if f.Kind != models.KindTime || f.Number != first || f.Text != s {
			t.Errorf("%s: %+v, want the time %v", s, f, first)
		}
	}
	for _, s := range []string{"2024-02-30T12:00:00Z", "2024-02-29", "2024-02-29 12:00:00Z", "12:00"} {
		if m, err := models.ParseMetadata([]byte(`{"t":"` + s + `"}`)); err != nil || m.Fields[0].Kind != models.KindString {
			t.Errorf("%s: %+v, %v; want a plain string", s, m.Fields, err)
		}
	}
}

func TestParseMetadataRefuses(t *testing.T) {
	tests := []struct{ in, field string }{
		{`x`, ""},
		{`[1]`, ""},
		{`"s"`, ""},
		{`{"a":1}{}`, ""},
		{`{"a":1}}`, ""},
		{"{\"a\":\"\xc3\"}", ""},
		{`{"":1}`, ""},
		{`{"$gt":1}`, "$gt"},
		{`{"a":{"b":1}}`, "a"},
		{`{"a":[1,{"b":1}]}`, "a[1]"},
		{`{"a":[[1]]}`, "a[0]"},
		{`{"a":1e400}`, "a"},
		{`{"a":[0,-1e400]}`, "a[1]"},
		{`{"a":"\u0000"}`, "a"},
		{`{"a\u0000":1}`, "a\x00"},
		{`{"` + strings.Repeat("k", 257) + `":1}`, strings.Repeat("k", 257)},
		{`{"a":"` + strings.Repeat("x", models.MaxMetadataBytes) + `"}`, ""},
		{manyKeys(models.MaxMetadataKeys + 1), ""},
		{strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), "a"},
	}
	for _, test := range tests {
		m, err := models.ParseMetadata([]byte(test.in))
		var e *models.Error
		if !errors.As(err, &e) || e.Code != models.Invalid || e.Field != test.field || e.Message == "" {
			t.Errorf("%.60s: %v; want Invalid about field %.60q", test.in, err, test.field)
		}
		if m.JSON != "" || m.Fields != nil {
			t.Errorf("%.60s: answered metadata beside the error", test.in)
		}
	}
	if _, err := models.ParseMetadata([]byte(manyKeys(models.MaxMetadataKeys))); err != nil {
		t.Errorf("as many keys as are allowed: %v", err)
	}
}

func manyKeys(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"k%d":%d`, i, i)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func FuzzParseMetadata(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":["x",null,true],"t":"2020-01-02T03:04:05Z"}`, `{"a":{"b":1}}`, `{"a":[]}`, `{"a":"\ud800"}`, ` {"a" : 1.50 } `, "{\"\xff\":1}", `{"a":1,"a":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := models.ParseMetadata(raw)
		if err != nil {
			if models.CodeOf(err) != models.Invalid {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		again, err := models.ParseMetadata([]byte(m.JSON))
		if err != nil || !cmp.Equal(m, again) {
			t.Fatalf("read again: %v\n%s", err, cmp.Diff(m, again))
		}
	})
}

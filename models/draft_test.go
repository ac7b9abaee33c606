package models_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"searchd/models"
)

func TestDraftCheckRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	tests := []struct {
		name  string
		draft models.Draft
		field string
	}{
		{"empty text", models.Draft{}, "text"},
		{"blank text", models.Draft{Text: " \t\r\n\u00a0\u3000"}, "text"},
		{"NUL in the text", models.Draft{Text: "a\x00b"}, "text"},
		{"text is not UTF-8", models.Draft{Text: "a\xed\xa0\x80"}, "text"},
		{"text too long", models.Draft{Text: strings.Repeat("x", models.MaxTextBytes+1)}, "text"},
		{"NUL in the title", models.Draft{Text: "t", Title: "\x00"}, "title"},
		{"title too long", models.Draft{Text: "t", Title: strings.Repeat("x", models.MaxTitleBytes+1)}, "title"},
		{"URL is not UTF-8", models.Draft{Text: "t", URL: "\xff"}, "url"},
		{"URL too long", models.Draft{Text: "t", URL: strings.Repeat("x", models.MaxURLBytes+1)}, "url"},
		{"id of 1,000 characters", models.Draft{Text: "t", ID: strings.Repeat("i", 1000)}, "id"},
		{"id is .", models.Draft{Text: "t", ID: "."}, "id"},
		{"id is ..", models.Draft{Text: "t", ID: ".."}, "id"},
		{"NUL in the id", models.Draft{Text: "t", ID: "a\x00"}, "id"},
		{"newline in the id", models.Draft{Text: "t", ID: "a\nb"}, "id"},
		{"id is not UTF-8", models.Draft{Text: "t", ID: "\xc0\xaf"}, "id"},
		{"empty vector", models.Draft{Text: "t", Vector: []float32{}}, "vector"},
		{"short vector", models.Draft{Text: "t", Vector: []float32{1, 0}}, "vector"},
		{"long vector", models.Draft{Text: "t", Vector: []float32{1, 0, 0, 0}}, "vector"},
		{"NaN in the vector", models.Draft{Text: "t", Vector: []float32{1, nan, 0}}, "vector"},
		{"infinity in the vector", models.Draft{Text: "t", Vector: []float32{1, inf, 0}}, "vector"},
		{"vector of zeros", models.Draft{Text: "t", Vector: []float32{0, 0, 0}}, "vector"},
	}
	for _, test := range tests {
		err := test.draft.Check(3)
		var e *models.Error
		if !errors.As(err, &e) || e.Code != models.Invalid || e.Field != test.field || e.Message == "" {
			t.Errorf("%s: %v; want Invalid about %s", test.name, err, test.field)
		}
	}
}

func TestDraftCheckTakes(t *testing.T) {
	for _, draft := range []models.Draft{
		{Text: "t"},
		{Text: "\ufffd \u202e right to left", ID: "a/b c?d#e%f"},
		{Text: strings.Repeat("x", models.MaxTextBytes), ID: strings.Repeat("i", models.MaxIDBytes)},
		{Text: "t", ID: "..."},
		{Text: "t", ID: "灯塔", Vector: []float32{0, 0, math.SmallestNonzeroFloat32}},
		{Text: "t", Vector: []float32{math.MaxFloat32, math.MaxFloat32, -math.MaxFloat32}},
	} {
		id := draft.ID
		if err := draft.Check(3); err != nil {
			t.Errorf("%.20q %.20q: %v", draft.ID, draft.Text, err)
		}
		if draft.ID == "" || id != "" && draft.ID != id {
			t.Errorf("id %q became %q", id, draft.ID)
		}
	}
}

func TestIDFromContent(t *testing.T) {
	id := func(title, text string) string {
		d := models.Draft{Title: title, Text: text}
		if err := d.Check(3); err != nil {
			t.Fatal(err)
		}
		return d.ID
	}
	if first, again := id("a", "b"), id("a", "b"); first != again {
		t.Error("the same content has two ids")
	}
	seen := map[string]string{}
	for _, d := range [][2]string{{"", "ab"}, {"a", "b"}, {"ab", "c"}, {"a", "bc"}, {"", "b"}} {
		key := id(d[0], d[1])
		if other := seen[key]; other != "" {
			t.Errorf("%q and %s have one id", d, other)
		}
		seen[key] = d[0] + "|" + d[1]
	}
}

func TestNormalize(t *testing.T) {
	for _, v := range [][]float32{{3, 4}, {math.MaxFloat32, math.MaxFloat32}, {0, math.SmallestNonzeroFloat32}, {-1, 1e-20}} {
		var sum float64
		for _, x := range models.Normalize(v) {
			sum += float64(x) * float64(x)
		}
		if math.Abs(sum-1) > 1e-6 {
			t.Errorf("%v: squared length %v", v, sum)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "A-b_c.9", "0", strings.Repeat("n", 128)} {
		if err := models.CheckName("name", name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "-a", "_a", "a b", "a/b", "é", "a\x00", "a\n", strings.Repeat("n", 129)} {
		var e *models.Error
		if err := models.CheckName("name", name); !errors.As(err, &e) || e.Code != models.Invalid || e.Field != "name" {
			t.Errorf("%q: %v; want Invalid about name", name, err)
		}
	}
}

func TestCheckDescription(t *testing.T) {
	if err := models.CheckDescription("description", "any\ntext"); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"\x00", "\xff", strings.Repeat("d", 4097)} {
		if models.CheckDescription("description", text) == nil {
			t.Errorf("%.20q was taken", text)
		}
	}
}

func TestChunkIDs(t *testing.T) {
	for _, test := range []struct {
		seq   uint64
		index int
	}{{1, 0}, {1, models.MaxChunks - 1}, {7, 65_535}, {1 << 40, 3}} {
		id := models.ChunkID(test.seq, test.index)
		if models.DocumentSeq(id) != test.seq || models.ChunkIndex(id) != test.index {
			t.Errorf("%+v became %d, %d", test, models.DocumentSeq(id), models.ChunkIndex(id))
		}
	}
}

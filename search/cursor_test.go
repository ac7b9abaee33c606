package search

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/models"
)

func TestCursorsComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for _, c := range []cursor{
		{}, {newest: 1<<47 - 1, total: 1 << 40}, {question: [8]byte{1, 2, 3}, seen: []uint64{0}}, {seen: []uint64{1, 2, 1 << 63}}, {newest: 3, loose: true},
		{key: [16]byte{15: 1}}, {key: [16]byte{9}, at: 1 << 40, question: [8]byte{7: 9}},
	} {
		text := c.String()
		back, err := parseCursor(text)
		if d := cmp.Diff(c, back, cmp.AllowUnexported(cursor{})); err != nil || d != "" {
			t.Errorf("%+v: %v %s", c, err, d)
		}
		for range 200 { // one letter is another
			b := []byte(text)
			i := r.IntN(len(b))
			if letter := "ABCxyz019-_"[r.IntN(11)]; letter != b[i] {
				b[i] = letter
				if _, err := parseCursor(string(b)); err == nil {
					t.Fatalf("%s is taken for a cursor", b)
				}
			}
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(cursor{newest: 7, total: 3, seen: []uint64{1, 5}}.String())
	f.Add(cursor{key: [16]byte{1}, at: 40}.String())
	f.Add(cursor{newest: 7, loose: true}.String())
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(text)
		if err != nil {
			if e := err.(*models.Error); e.Field != "cursor" || e.Code != models.Invalid { //nolint:errorlint // nothing wraps it
				t.Fatal(err)
			}
			return
		}
		if c.total < 0 || c.at < 0 {
			t.Fatalf("%+v", c)
		}
	})
}

func TestQuestionsOfCursors(t *testing.T) {
	c := models.Collection{ID: 1}
	base := questionOf(c, Request{Query: "q"})
	for name, same := range map[string]Request{
		"limit": {Query: "q", Limit: 5}, "cursor": {Query: "q", Cursor: "x"}, "facets": {Query: "q", Facets: []string{"a"}}, "neighbours": {Query: "q", Neighbours: 1},
	} {
		if questionOf(c, same) != base {
			t.Errorf("another %s is another question", name)
		}
	}
	f, err := models.ParseFilter([]byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]Request{
		"query": {Query: "p"}, "vector": {Vector: []float32{1}}, "like": {Like: []string{"q"}}, "unlike": {Query: "q", Unlike: []string{"q"}},
		"mode": {Query: "q", Mode: Lexical}, "group": {Query: "q", Group: ByChunk}, "filter": {Query: "q", Filter: f},
		"relevance": {Query: "q", MinRelevance: 0.1}, "diversity": {Query: "q", Diversity: 0.1}, "collapse": {Query: "q", CollapseDuplicates: true},
	} {
		if questionOf(c, other) == base {
			t.Errorf("another %s is the same question", name)
		}
	}
	if questionOf(models.Collection{ID: 2}, Request{Query: "q"}) == base {
		t.Error("another collection is the same question")
	}
}

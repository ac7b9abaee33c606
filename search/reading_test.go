package search_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

// Facets count the documents of all hits, whatever page is asked for.
func TestFacetsCountAllHits(t *testing.T) {
	w := crowded(t)
	for _, r := range []search.Request{
		{}, {Filter: w.filter(`{"n":{"$lt":30}}`)}, {MinRelevance: 0.5}, {MinRelevance: 0.5, Filter: w.filter(`{"even":true}`)},
		{Filter: w.filter(`{"n":-1}`)}, {MinRelevance: 1},
	} {
		for _, group := range []search.Group{search.ByDocument, search.ByChunk} {
			r.Vector, r.Group = []float32{2, 1, 0, 0}, group
			r.Limit, r.Offset, r.Facets = 1000, 0, []string{"even", "n", "absent"}
			all := w.find(r)
			want := map[string]map[string]bool{}
			for _, h := range all.Hits {
				m, err := models.ParseMetadata([]byte(h.Document.Metadata))
				w.must(err)
				for _, f := range m.Fields {
					value := f.Key + "=" + fmt.Sprint(f.Number)
					if want[value] == nil {
						want[value] = map[string]bool{}
					}
					want[value][h.Document.ID] = true
				}
			}
			got := map[string]int{}
			for key, facet := range all.Facets {
				for _, c := range facet.Values {
					got[key+"="+map[string]string{"true": "1", "false": "0"}[c.Value]+map[bool]string{true: "", false: c.Value}[key == "even"]] = c.Documents
				}
			}
			if len(got) != len(want) || all.Facets["absent"].Values != nil {
				t.Errorf("%+v: facets %v, want %v", r, got, want)
			}
			for value, documents := range want {
				if got[value] != len(documents) {
					t.Errorf("%+v: %s has %d documents, want %d", r, value, got[value], len(documents))
				}
			}
			r.Limit, r.Offset = 2, 3
			if d := cmp.Diff(all.Facets, w.find(r).Facets); d != "" {
				t.Errorf("facets of another page: %s", d)
			}
		}
	}
}

func TestLikeAndUnlike(t *testing.T) {
	w := newWorld(t)
	for i, v := range [][]float32{{1, 0, 0, 0}, {3, 4, 0, 0}, {0, 1, 0, 0}, {-1, 0, 0, 0}, {0, 0, 1, 0}} {
		w.add(doc{id: fmt.Sprint(i), parts: []string{"a", "b"}, vectors: [][]float32{v, v}, metadata: fmt.Sprintf(`{"n":%d}`, i)})
	}
	for _, test := range []struct {
		r    search.Request
		want []string
	}{
		{search.Request{Like: []string{"0"}}, []string{"1", "2", "4", "3"}},
		{search.Request{Like: []string{"3"}}, []string{"2", "4", "1", "0"}},
		{search.Request{Like: []string{"0", "2"}}, []string{"1", "4", "3"}},
		{search.Request{Vector: []float32{1, 1, 0, 0}, Unlike: []string{"0"}}, []string{"2", "1", "4", "3"}},
		{search.Request{Like: []string{"1"}, Unlike: []string{"2"}, Filter: w.filter(`{"n":{"$lt":4}}`)}, []string{"0", "3"}},
	} {
		test.r.Limit = 10
		var got []string
		answer := w.find(test.r)
		for _, h := range answer.Hits {
			got = append(got, h.Document.ID)
		}
		if !slices.Equal(got, test.want) || answer.Total != len(test.want) {
			t.Errorf("like %v, unlike %v: %v of %d, want %v", test.r.Like, test.r.Unlike, got, answer.Total, test.want)
		}
	}
}

func TestCopiesAreCollapsed(t *testing.T) {
	w := newWorld(t)
	w.add(
		doc{id: "a", parts: []string{"a"}, vectors: [][]float32{{1, 0, 0, 0}}},
		doc{id: "b", parts: []string{"b"}, vectors: [][]float32{{4, 3, 0, 0}}},
		doc{id: "copy of a", parts: []string{"x", "a"}, vectors: [][]float32{{0, 0, 1, 0}, {1, 0, 0, 0}}},
	)
	got := w.find(search.Request{Vector: []float32{1, 0, 0, 0}, Limit: 10, CollapseDuplicates: true})
	if got.Total != 2 || len(got.Hits) != 2 || got.Hits[0].Document.ID != "a" || got.Hits[1].Document.ID != "b" {
		t.Fatalf("answer %+v", got)
	}
	if d := cmp.Diff([]search.Duplicate{{DocumentID: "copy of a", Chunk: 1}}, got.Hits[0].Duplicates); d != "" || got.Hits[1].Duplicates != nil {
		t.Errorf("duplicates: %s, and of b %v", d, got.Hits[1].Duplicates)
	}
}

// With diversity or without duplicates, pages of any size show the same rows once.
func TestPagesOfVariedHits(t *testing.T) {
	w := crowded(t)
	for _, r := range []search.Request{{Diversity: 0.5}, {CollapseDuplicates: true}, {Diversity: 0.9, CollapseDuplicates: true, Group: search.ByChunk}} {
		r.Vector, r.Limit = []float32{2, 1, 0, 0}, search.MaxLimit
		whole := w.find(r)
		var want []uint64
		for _, h := range whole.Hits {
			want = append(want, h.Chunk.ID)
		}
		if whole.Total != len(want) {
			t.Fatalf("%+v: total %d, %d hits", r, whole.Total, len(want))
		}
		for _, limit := range []int{7, 50} {
			var got []uint64
			for r.Limit, r.Offset = limit, 0; r.Offset < whole.Total; r.Offset += limit {
				page := w.find(r)
				if page.Total != whole.Total {
					t.Fatalf("total %d at %d, %d elsewhere", page.Total, r.Offset, whole.Total)
				}
				for _, h := range page.Hits {
					got = append(got, h.Chunk.ID)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%+v: pages of %d show %v\nwant %v", r, limit, got, want)
			}
		}
	}
}

func TestNeighbours(t *testing.T) {
	w := newWorld(t)
	d := doc{id: "d"}
	for i, part := range []string{"Ü0 ", "1 ", "2灯 ", "3 ", "4 "} {
		v := make([]float32, dimensions)
		v[min(i, 3)], v[0] = 1, v[0]+0.1
		d.parts, d.vectors = append(d.parts, part), append(d.vectors, v)
	}
	w.add(d)
	for _, test := range []struct {
		n             int
		before, after db.Span
	}{
		{0, db.Span{}, db.Span{}},
		{1, db.Span{Start: 4, End: 6, Text: "1 "}, db.Span{Start: 11, End: 13, Text: "3 "}},
		{10, db.Span{Start: 0, End: 6, Text: "Ü0 1 "}, db.Span{Start: 11, End: 15, Text: "3 4 "}},
	} {
		h := w.find(search.Request{Vector: []float32{0.1, 0, 1, 0}, Limit: 1, Neighbours: test.n}).Hits[0]
		if h.Text != "2灯 " || h.Before != test.before || h.After != test.after {
			t.Errorf("%d neighbours of %q: %+v and %+v", test.n, h.Text, h.Before, h.After)
		}
	}
}

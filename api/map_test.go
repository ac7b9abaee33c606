package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"searchd/api/wire"
)

func TestMapOfACollection(t *testing.T) {
	s := start(t)
	check(t, s)
	if m := as[wire.Map](t, s.get("/map?q=bread"), http.StatusOK); m.Points == nil || m.Passages != 0 || m.Query != nil {
		t.Errorf("of nothing: %+v", m)
	}
	var documents []wire.Document
	for i := range 12 {
		documents = append(documents,
			wire.Document{ID: fmt.Sprintf("bake%d", i), Title: "Baking", Text: fmt.Sprintf("Yeast makes the dough of loaf %d rise in the oven.", i), Metadata: []byte(`{"about":"bread","n":1.5}`)},
			wire.Document{ID: fmt.Sprintf("sea%d", i), Text: fmt.Sprintf("The moon pulls the sea at harbour %d, and the tide comes in.", i), Metadata: []byte(`{"about":["sea","moon"],"ok":true}`)})
	}
	s.add(documents...)
	m := as[wire.Map](t, s.get("/map?by=about&q=how+do+I+bake+a+loaf"), http.StatusOK)
	if m.Passages != 24 || len(m.Points) != 24 || m.Explained[0] < 0.4 || m.Explained[0] < m.Explained[1] {
		t.Errorf("%d points of %d passages, explained %v", len(m.Points), m.Passages, m.Explained)
	}
	sides := map[bool][]any{}
	var ranked []int
	for _, p := range m.Points {
		sides[p.X > 0] = append(sides[p.X > 0], p.Value)
		if p.Rank > 0 {
			ranked = append(ranked, p.Rank)
			if p.Value != "bread" || (p.X > 0) != (m.Query.X > 0) {
				t.Errorf("a hit is %+v; the question lies at %+v", p, m.Query)
			}
		}
	}
	for side, values := range sides {
		if n := len(slices.Compact(values)); slices.Contains(values, "bread") && slices.Contains(values, "sea") || len(values) != 12 || n != 1 {
			t.Errorf("x > 0 is %v: %v", side, values)
		}
	}
	if slices.Sort(ranked); !slices.Equal(ranked, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
		t.Errorf("ranks %v", ranked)
	}
	few := as[wire.Map](t, s.get("/collections/default/map?sample=2&q=bake&by=ok"), http.StatusOK)
	if n := len(few.Points); n < 10 || n > 12 || few.Points[1].Value != nil && few.Points[1].Value != true {
		t.Errorf("a sample of two with ten hits: %d points, %+v", n, few.Points[1])
	}
	if got := s.do(http.MethodDelete, "/documents/bake3", "", ""); got.status != http.StatusOK {
		t.Fatalf("delete: %d", got.status)
	}
	if m := as[wire.Map](t, s.get("/map"), http.StatusOK); len(m.Points) != 23 || m.Points[0].Value != nil {
		t.Errorf("after a deletion: %d points, %+v", len(m.Points), m.Points[0])
	}
	for path, status := range map[string]int{"/map?sample=0": 422, "/map?sample=5001": 422, "/map?n=3": 422, "/map?by=$x": 422, "/map?q=+": 422, "/collections/none/map": 404} {
		if got := s.get(path); got.status != status {
			t.Errorf("%s: status %d, want %d: %s", path, got.status, status, got.body)
		}
	}
}

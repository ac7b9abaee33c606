package api_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"searchd/api/wire"
)

func TestFieldsOfACollection(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	if got := as[wire.FieldList](t, s.get("/fields"), http.StatusOK); got.Fields == nil || got.Total != 0 || got.NextCursor != nil {
		t.Errorf("of nothing: %+v", got)
	}
	s.add(
		wire.Document{ID: "a", Text: "one", Metadata: []byte(`{"year":1999,"tags":["x","y"],"ok":true,"none":null,"mixed":1}`)},
		wire.Document{ID: "b", Text: "two", Metadata: []byte(`{"year":2024.5,"tags":"x","at":"2024-05-01T01:00:00+01:00","mixed":"1"}`)},
	)
	want := []wire.Field{
		{Key: "at", Types: []wire.FieldType{{Type: "time", Values: 1, Min: "2024-05-01T00:00:00Z", Max: "2024-05-01T00:00:00Z"}}},
		{Key: "mixed", Types: []wire.FieldType{{Type: "number", Values: 1, Min: 1.0, Max: 1.0}, {Type: "string", Values: 1}}},
		{Key: "ok", Types: []wire.FieldType{{Type: "boolean", Values: 1}}},
		{Key: "tags", Types: []wire.FieldType{{Type: "string", Values: 2}}},
		{Key: "year", Types: []wire.FieldType{{Type: "number", Values: 2, Min: 1999.0, Max: 2024.5}}},
	}
	var got []wire.Field
	path := "/collections/default/fields?limit=2"
	for pages := 0; path != ""; pages++ {
		list := as[wire.FieldList](t, s.get(path), http.StatusOK)
		got, path = append(got, list.Fields...), ""
		if list.NextCursor != nil {
			path = "/fields?limit=2&cursor=" + *list.NextCursor
		}
		if list.Total != 5 || pages > 2 {
			t.Fatalf("page %d: %+v", pages, list)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := s.do(http.MethodDelete, "/documents/a", "", ""); got.status != http.StatusOK {
		t.Fatalf("delete: %d", got.status)
	}
	if got := as[wire.FieldList](t, s.get("/fields"), http.StatusOK); got.Total != 4 || got.Fields[3].Types[0].Values != 1 {
		t.Errorf("what is deleted is remembered: %+v", got)
	}
	for path, status := range map[string]int{"/fields?limit=0": 422, "/fields?n=3": 422, "/fields?cursor=%25": 422, "/collections/none/fields": 404} {
		if got := s.get(path); got.status != status {
			t.Errorf("%s: status %d, want %d: %s", path, got.status, status, got.body)
		}
	}
}

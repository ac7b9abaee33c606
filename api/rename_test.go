package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"searchd/api/wire"
)

// A document that is renamed is the same one: its text, chunks and place in the index stay.
func TestRename(t *testing.T) {
	s, _ := startChecked(t)
	s.add(wire.Document{ID: "old name/ü", Text: "Yeast lifts the dough.", Metadata: []byte(`{"a":1}`)}, wireDocument("other", "The moon pulls the sea."))
	before := s.read("old name/ü")
	got := as[wire.StoredDocument](t, s.do("PATCH", "/documents/"+escape("old name/ü"), jsonType, `{"id":"new name","metadata":{"a":2}}`), 200)
	if got.ID != "new name" || string(got.Metadata) != `{"a":2}` {
		t.Errorf("%+v", got)
	}
	after := s.read("new name")
	if d := cmp.Diff(before, after, cmpopts.IgnoreFields(wire.StoredDocument{}, "ID", "Metadata", "UpdatedAt")); d != "" {
		t.Errorf("before (-) and after (+):\n%s", d)
	}
	as[wire.ErrorAnswer](t, s.get("/documents/"+escape("old name/ü")), 404)
	for _, mode := range []string{"semantic", "lexical"} {
		found := as[wire.SearchAnswer](t, s.get("/search?q=yeast&limit=1&mode="+mode+"&filter="+escape(`{"a":2}`)), 200)
		if len(found.Hits) != 1 || found.Hits[0].DocumentID != "new name" {
			t.Errorf("%s: %+v", mode, found.Hits)
		}
	}
	if e := as[wire.ErrorAnswer](t, s.do("PATCH", "/documents/other", jsonType, `{"id":"new name"}`), 409).Error; e.Param != "id" {
		t.Errorf("%+v", e)
	}
	as[wire.StoredDocument](t, s.do("PATCH", "/documents/other", jsonType, `{"id":"other"}`), 200)
	if job := s.add(wire.Document{ID: "new name", Text: "Yeast lifts the dough.", Metadata: []byte(`{"a":2}`)}, wireDocument("old name/ü", "Free again.")); job.Counts.Unchanged != 1 || job.Counts.Created != 1 {
		t.Errorf("%+v", job.Results)
	}
	for _, bad := range []string{`{"id":""}`, `{"id":".."}`, `{"id":"a\u0000"}`, `{"id":7}`} {
		if e := as[wire.ErrorAnswer](t, s.do("PATCH", "/documents/other", jsonType, bad), 422).Error; e.Param != "id" {
			t.Errorf("%s: %+v", bad, e)
		}
	}
}

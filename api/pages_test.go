package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"searchd/api/wire"
)

// listPage is what every list answers, whatever its rows are called.
type listPage struct {
	Documents   []any   `json:"documents"`
	Jobs        []any   `json:"jobs"`
	Collections []any   `json:"collections"`
	Requests    []any   `json:"requests"`
	Hits        []any   `json:"hits"`
	Total       int     `json:"total"`
	NextCursor  *string `json:"next_cursor"`
}

func (p listPage) rows() int {
	return len(p.Documents) + len(p.Jobs) + len(p.Collections) + len(p.Requests) + len(p.Hits)
}

// TestAFullPageIsNotFollowedByAnEmptyOne walks every list in pages of every size: each page but the last is full, the last
// has a row at least, and no other page has no cursor.
func TestAFullPageIsNotFollowedByAnEmptyOne(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	const rows = 4
	for i := range rows {
		s.add(wire.Document{ID: fmt.Sprint("d", i), Text: "A text.", Metadata: []byte(`{"even":true}`)})
		if i > 0 { // the default collection is there already
			as[wire.Collection](t, s.post("/collections", fmt.Sprintf(`{"name":"c%d"}`, i)), http.StatusCreated)
		}
		as[wire.OneSentiment](t, s.post("/sentiment", fmt.Sprintf(`{"text":"Text %d."}`, i)), http.StatusOK)
	}
	for range 200 { // a request is counted a moment after it is answered
		if as[listPage](t, s.get("/requests"), http.StatusOK).Total == rows {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, list := range []string{"/documents?", "/documents?filter=" + url.QueryEscape(`{"even":true}`) + "&", "/jobs?", "/collections?", "/requests?", "/search?q=text&", "/search?q=text&group_by=chunk&facets=even&"} {
		for limit := 1; limit <= rows+1; limit++ {
			walkPages(t, s, list, limit, rows)
		}
	}
}

func walkPages(t *testing.T, s *server, list string, limit, rows int) {
	t.Helper()
	cursor := ""
	for left := rows; left > 0; {
		got := as[listPage](t, s.get(fmt.Sprintf("%slimit=%d&cursor=%s", list, limit, cursor)), http.StatusOK)
		want := min(limit, left)
		left -= want
		if got.rows() != want || got.Total != rows || (got.NextCursor != nil) != (left > 0) {
			t.Fatalf("%s in pages of %d: %+v; want %d rows of %d, and %d after them", list, limit, got, want, rows, left)
		}
		if got.NextCursor != nil {
			cursor = *got.NextCursor
		}
	}
}

func TestDeleteWithoutAnID(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	for _, path := range []string{"/documents", "/documents/", "/collections/default/documents"} {
		got := s.do(http.MethodDelete, path, "", "")
		allow := got.header.Get("Allow")
		if got.status != http.StatusMethodNotAllowed || !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") || strings.Contains(allow, "DELETE") {
			t.Errorf("DELETE %s: %d, Allow %q: %s", path, got.status, allow, got.body)
		}
	}
}

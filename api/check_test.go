package api_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"searchd/api/wire"
)

// TestCheckOverHTTP damages the store under a server: as another process would, or a disk.
func TestCheckOverHTTP(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	s.add(wireDocument("bread", "Yeast lifts the dough."), wireDocument("boats", "A red boat at the quay."))
	file, err := sql.Open("sqlite", filepath.Join(s.dir, "searchd.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"UPDATE documents SET text = 'something else' WHERE id = 'bread'", "UPDATE fields SET key = 'x'", "UPDATE collections SET chunks = 9"} {
		if _, err := file.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	found := as[wire.CheckReport](t, s.post("/check", `{"collection":"default"}`), 200)
	if found.Remaining != found.Found || found.Found < 2 || found.Documents != 2 {
		t.Errorf("check: %+v", found)
	}
	repaired := as[wire.CheckReport](t, s.post("/check", `{"repair":true}`), 200)
	if repaired.Remaining != 0 || repaired.Quarantined < 1 || repaired.InQuarantine != 1 || repaired.Quarantine[0].DocumentID != "bread" {
		t.Errorf("repair: %+v", repaired)
	}
	if got := s.get("/documents/bread"); got.status != http.StatusNotFound {
		t.Errorf("a document in quarantine: %d %s", got.status, got.body)
	}
	if total := as[wire.DocumentList](t, s.get("/documents"), 200).Total; total != 1 {
		t.Errorf("%d documents are left; want 1", total)
	}
	if again := as[wire.CheckReport](t, s.post("/check", `{}`), 200); again.Found != 0 || again.InQuarantine != 1 {
		t.Errorf("again: %+v", again)
	}
	for body, status := range map[string]int{`{"collection":"other"}`: 404, `{"repairs":true}`: 422, `{`: 400, "": 400} {
		if got := s.post("/check", body); got.status != status || !strings.Contains(string(got.body), `"message"`) {
			t.Errorf("%s: %d %s; want %d", body, got.status, got.body, status)
		}
	}
}

package db_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"searchd/models"
	"searchd/models/db"
)

// whole are documents without a fault: some with several chunks, one that brought its vector.
func whole(t testing.TB, d *db.DB) models.Collection {
	t.Helper()
	c := collection(t, d, "c")
	docs := make([]doc, 5)
	for i := range docs {
		docs[i] = doc{id: fmt.Sprintf("d%d", i), text: strings.Repeat(fmt.Sprintf("word%d ", i), 20), metadata: `{"n":1.50,"tags":["a","b"],"none":null,"empty":[],"on":true}`, chunks: 1 + i%3}
	}
	_, items := accept(t, d, c, "whole", docs...)
	results := make([]db.Result, len(items))
	for i, item := range items {
		results[i] = result(t, item, docs[i])
		results[i].Document.Tokens = 9 // which a model has read
		for n := range results[i].Chunks {
			angle := float64(i*10 + n)
			results[i].Chunks[n].Vector = db.EncodeVector([]float32{float32(math.Cos(angle)), float32(math.Sin(angle))})
			results[i].Chunks[n].Hash = fmt.Appendf(nil, "hash %d %d", i, n)
		}
	}
	results[0].Document.Tokens, results[0].Chunks[0].Hash = 0, nil
	_, err := d.Commit(t.Context(), c.ID, results)
	must(t, err)
	return c
}

// verifyAll verifies a store, in batches.
func verifyAll(t testing.TB, d *db.DB) (damaged []db.Damaged, unsummed []db.Unsummed) {
	t.Helper()
	for after := uint64(0); ; {
		v, err := d.VerifyDocuments(t.Context(), db.Records{}, after)
		must(t, err)
		damaged, unsummed = append(damaged, v.Damaged...), append(unsummed, v.Unsummed...)
		if after = v.Last; after == 0 {
			return damaged, unsummed
		}
	}
}

// TestEachDamageIsFound damages a store and holds what is found against what was done.
func TestEachDamageIsFound(t *testing.T) {
	const (
		third = "(SELECT seq FROM documents WHERE id = 'd2')" // has chunks 0 to 2
		given = "(SELECT seq FROM documents WHERE id = 'd0')"
	)
	tests := []struct {
		name   string
		damage string
		kinds  []models.FaultKind
		cure   db.Cure
	}{
		{"a byte of a text", "UPDATE documents SET text = replace(text, 'word2', 'sword') WHERE id = 'd2'", []models.FaultKind{models.FaultText}, db.QuarantineCure},
		{"a text that is no UTF-8", "UPDATE documents SET text = CAST(X'ff41' AS TEXT), sum = 0, chunks = 1 WHERE id = 'd0'", []models.FaultKind{models.FaultText, models.FaultChunks}, db.QuarantineCure},
		{"metadata", "UPDATE documents SET metadata = '{\"n\":1.5' WHERE id = 'd2'", []models.FaultKind{models.FaultMetadata}, db.MendCure},
		{"sections", "UPDATE documents SET sections = '[{]' WHERE id = 'd2'", []models.FaultKind{models.FaultSections}, db.QuarantineCure},
		{"sections beyond the text", "UPDATE documents SET sections = '[{\"start\":9999,\"page\":1}]' WHERE id = 'd2'", []models.FaultKind{models.FaultSections}, db.QuarantineCure},
		{"a missing chunk", "DELETE FROM chunks WHERE document_seq = " + third + " AND id & 65535 = 1", []models.FaultKind{models.FaultChunks, models.FaultChunks}, db.RemakeCure},
		{"no chunk left", "DELETE FROM chunks WHERE document_seq = " + third, []models.FaultKind{models.FaultChunks}, db.RemakeCure},
		{"no chunk left of a given vector", "DELETE FROM chunks WHERE document_seq = " + given, []models.FaultKind{models.FaultChunks}, db.QuarantineCure},
		{"a chunk too many", "INSERT INTO chunks (id, document_seq, start, \"end\", tokens, vector, sum) SELECT id + 5, document_seq, start, \"end\", tokens, vector, sum FROM chunks WHERE document_seq = " + given, []models.FaultKind{models.FaultChunks, models.FaultChunks}, db.RemakeCure},
		{"offsets beyond the text", "UPDATE chunks SET \"end\" = 99999 WHERE document_seq = " + third + " AND id & 65535 = 2", []models.FaultKind{models.FaultChunks}, db.RemakeCure},
		{"offsets before the text", "UPDATE chunks SET start = -4 WHERE document_seq = " + third + " AND id & 65535 = 0", []models.FaultKind{models.FaultChunks}, db.RemakeCure},
		{"a bit of a vector", "UPDATE chunks SET vector = X'0100803f00000000' WHERE document_seq = " + third + " AND id & 65535 = 0", []models.FaultKind{models.FaultVector}, db.RemakeCure},
		{"a bit of a given vector", "UPDATE chunks SET vector = X'0100803f00000000' WHERE document_seq = " + given, []models.FaultKind{models.FaultVector}, db.QuarantineCure},
		{"a short vector", "UPDATE chunks SET vector = X'0000803f' WHERE document_seq = " + third + " AND id & 65535 = 0", []models.FaultKind{models.FaultVector}, db.RemakeCure},
		{"a vector that is no number", "UPDATE chunks SET vector = X'0000c07f00000000', sum = 0 WHERE document_seq = " + third + " AND id & 65535 = 0", []models.FaultKind{models.FaultVector}, db.RemakeCure},
		{"a vector that is too long", "UPDATE chunks SET vector = X'0000004000000000', sum = 0 WHERE document_seq = " + third + " AND id & 65535 = 0", []models.FaultKind{models.FaultVector}, db.RemakeCure},
		{"a wrong field", "UPDATE fields SET number = 7 WHERE document_seq = " + third + " AND key = 'n'", []models.FaultKind{models.FaultFields}, db.MendCure},
		{"a missing field", "DELETE FROM fields WHERE document_seq = " + third + " AND key = 'empty'", []models.FaultKind{models.FaultFields}, db.MendCure},
		{"a field too many", "INSERT INTO fields (collection_id, document_seq, key, kind, element, text, number, chunks) SELECT collection_id, document_seq, 'x', kind, element, text, number, chunks FROM fields WHERE document_seq = " + third + " LIMIT 1", []models.FaultKind{models.FaultFields}, db.MendCure},
		{"a document without collection", "UPDATE documents SET collection_id = 77 WHERE id = 'd2'", []models.FaultKind{models.FaultOrphan, models.FaultFields}, db.QuarantineCure},
		{"a row that is no row", "UPDATE documents SET sum = 'nonsense' WHERE id = 'd2'", []models.FaultKind{models.FaultUnreadable}, db.QuarantineCure},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			d := open(t, dir)
			whole(t, d)
			if damaged, unsummed := verifyAll(t, d); len(damaged)+len(unsummed) > 0 {
				t.Fatalf("before: %+v, %d without sums", damaged, len(unsummed))
			}
			must(t, d.Close())
			raw(t, dir, test.damage)
			d = open(t, dir)
			damaged, _ := verifyAll(t, d)
			if len(damaged) != 1 {
				t.Fatalf("damaged: %+v; want one document", damaged)
			}
			var kinds []models.FaultKind
			for _, f := range damaged[0].Faults {
				kinds = append(kinds, f.Kind)
			}
			if !slices.Equal(kinds, test.kinds) || damaged[0].Cure != test.cure {
				t.Errorf("found %+v, cure %d; want %v, cure %d", damaged[0].Faults, damaged[0].Cure, test.kinds, test.cure)
			}
			switch test.cure {
			case db.MendCure:
				must(t, d.Mend(t.Context(), damaged[0]))
			case db.QuarantineCure:
				_, err := d.Quarantine(t.Context(), damaged[0])
				must(t, err)
				list, total, err := d.Quarantined(t.Context(), 10)
				must(t, err)
				if total != 1 || list[0].Reason != damaged[0].Reason() || list[0].DocumentID == "" {
					t.Errorf("in quarantine: %+v", list)
				}
			default:
				return // which takes a model: see ingest
			}
			if damaged, _ := verifyAll(t, d); len(damaged) > 0 {
				t.Errorf("after the cure: %+v", damaged)
			}
			must(t, d.Orphans(t.Context(), func(o db.Orphans) { t.Errorf("after the cure: %+v", o) }))
		})
	}
}

func TestCountersAndOrphans(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	c := whole(t, d)
	m, err := d.Counters(t.Context(), c.ID)
	must(t, err)
	if m != nil {
		t.Fatalf("before: %+v", m)
	}
	must(t, d.Close())
	raw(t, dir, "UPDATE collections SET documents = 99, chunks = chunks - 1",
		"INSERT INTO chunks (id, document_seq, start, \"end\", tokens, vector) VALUES (65536000, 1000, 0, 1, 1, X'00')",
		"INSERT INTO fields (collection_id, document_seq, key, kind, element, text, number, chunks) VALUES (1, 1001, 'k', 'string', 0, 'v', 0, 1)")
	d = open(t, dir)
	if m, err = d.Counters(t.Context(), c.ID); err != nil || m == nil || m.Documents != 5 || m.Chunks != 9 {
		t.Fatalf("counters: %+v, %v", m, err)
	}
	var found []db.Orphans
	must(t, d.Orphans(t.Context(), func(o db.Orphans) { found = append(found, o) }))
	if want := []db.Orphans{{"chunks", 1000, 1}, {"fields", 1001, 1}}; !slices.Equal(found, want) {
		t.Errorf("orphans: %+v, want %+v", found, want)
	}
	must(t, d.Recount(t.Context(), c.ID))
	must(t, d.RemoveOrphans(t.Context()))
	must(t, d.Orphans(t.Context(), func(o db.Orphans) { t.Errorf("after: %+v", o) }))
	checkCounters(t, d, c, 5, 9)
}

// TestMissingSumsAreFilledIn makes a store as an earlier schema left it.
func TestMissingSumsAreFilledIn(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	whole(t, d)
	must(t, d.Close())
	raw(t, dir, "UPDATE documents SET sum = 0", "UPDATE chunks SET sum = 0, hash = NULL")
	d = open(t, dir)
	damaged, unsummed := verifyAll(t, d)
	if len(damaged) > 0 || len(unsummed) != 5+9 {
		t.Fatalf("damaged: %+v; %d without sums, want 14", damaged, len(unsummed))
	}
	must(t, d.FillSums(t.Context(), unsummed))
	if damaged, unsummed = verifyAll(t, d); len(damaged)+len(unsummed) > 0 {
		t.Errorf("after: %+v, %d without sums", damaged, len(unsummed))
	}
}

// TestMetadataOfItsFields compares what is made of fields with what the fields were made of.
func TestMetadataOfItsFields(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	c := whole(t, d)
	must(t, d.Close())
	raw(t, dir, "UPDATE documents SET metadata = 'lost'")
	d = open(t, dir)
	damaged, _ := verifyAll(t, d)
	for _, one := range damaged {
		must(t, d.Mend(t.Context(), one))
	}
	doc, err := d.Document(t.Context(), c.ID, "d2")
	must(t, err)
	if want := `{"empty":[],"n":1.5,"none":null,"on":true,"tags":["a","b"]}`; doc.Metadata != want {
		t.Errorf("metadata %s, want %s", doc.Metadata, want)
	}
}

func TestASQLiteIndexIsMadeAgain(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	whole(t, d)
	must(t, d.Close())
	// A row that an index knows nothing of, as SQLite leaves it where the page of an index is lost.
	raw(t, dir, "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = sql || ' WHERE document_seq < 0' WHERE name = 'idx_chunks_document_seq'")
	raw(t, dir, "REINDEX idx_chunks_document_seq")
	raw(t, dir, "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, ' WHERE document_seq < 0', '') WHERE name = 'idx_chunks_document_seq'")
	d = open(t, dir)
	complaints, err := d.Integrity(t.Context())
	must(t, err)
	if len(complaints) == 0 || !db.OnlyIndexes(complaints) {
		t.Fatalf("complaints: %q", complaints)
	}
	must(t, d.RebuildIndexes(t.Context()))
	if complaints, err = d.Integrity(t.Context()); err != nil || len(complaints) > 0 {
		t.Errorf("after: %q, %v", complaints, err)
	}
}

package db_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"searchd/models"
	"searchd/models/db"
)

const pageSize = 4096

// large makes a store of many pages, closes it, and answers the texts of its documents.
func large(t *testing.T, dir string) map[string]string {
	t.Helper()
	d := open(t, dir)
	c := collection(t, d, "c")
	texts := map[string]string{}
	var docs []doc
	for i := range 400 {
		id := fmt.Sprintf("d%d", i)
		texts[id] = strings.Repeat(fmt.Sprintf("text of %d ", i), 10+i%300)
		docs = append(docs, doc{id: id, text: texts[id], metadata: fmt.Sprintf(`{"n":%d}`, i)})
	}
	j, items := accept(t, d, c, "large", docs...)
	var results []db.Result
	for i, item := range items {
		r := result(t, item, docs[i])
		r.Chunks[0].Vector = db.EncodeVector([]float32{float32(math.Cos(float64(i))), float32(math.Sin(float64(i)))})
		results = append(results, r)
	}
	_, err := d.Commit(t.Context(), c.ID, results)
	must(t, err)
	must(t, d.FinishJob(t.Context(), j.Seq, models.JobDone, ""))
	must(t, d.Close())
	return texts
}

// salvaged is what is in a salvaged file, by id; documents that are damaged are left out.
func salvaged(t *testing.T, file string) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	_, err := db.Restore(t.Context(), file, dir)
	must(t, err)
	d := open(t, dir)
	damaged, _ := verifyAll(t, d)
	for _, one := range damaged {
		_, err := d.Quarantine(t.Context(), one)
		must(t, err)
	}
	must(t, d.RemoveOrphans(t.Context()))
	c, err := d.Collection(t.Context(), "c")
	must(t, err)
	if m, err := d.Counters(t.Context(), c.ID); err != nil || m != nil {
		t.Errorf("counters: %+v, %v", m, err)
	}
	list, err := d.Documents(t.Context(), c.ID, nil, db.Page{Limit: 1000})
	must(t, err)
	texts := map[string]string{}
	for _, doc := range list {
		doc, err := d.Document(t.Context(), c.ID, doc.ID)
		must(t, err)
		texts[doc.ID] = doc.Text
	}
	return texts
}

func TestSalvageOfAWholeStore(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "saved.db")
	texts := large(t, dir)
	s, err := db.Salvage(t.Context(), dir, file)
	must(t, err)
	if len(s.Lost) > 0 || s.Documents != len(texts) || s.Chunks != len(texts) || s.Collections != 1 {
		t.Errorf("salvaged %+v", s)
	}
	if got := salvaged(t, file); len(got) != len(texts) {
		t.Errorf("%d documents, want %d", len(got), len(texts))
	}
	if _, err := db.Salvage(t.Context(), dir, file); models.CodeOf(err) != models.Conflict {
		t.Errorf("over a file that is there: %v", err)
	}
}

// TestSalvage overwrites pages at random. What is salvaged is what was stored, and it is most of it.
func TestSalvage(t *testing.T) {
	for range 5 {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 0))
		dir, file := t.TempDir(), filepath.Join(t.TempDir(), "saved.db")
		texts := large(t, dir)
		path := filepath.Join(dir, "searchd.db")
		content, err := os.ReadFile(path)
		must(t, err)
		const first, pages = 60, 5 // before them are the roots of the tables
		for range pages {
			at := (first + r.IntN(len(content)/pageSize-first)) * pageSize
			for i := range pageSize {
				content[at+i] = byte(r.Uint32())
			}
		}
		must(t, os.WriteFile(path, content, 0o600))
		s, err := db.Salvage(t.Context(), dir, file)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got := salvaged(t, file)
		for id, text := range got {
			if texts[id] != text {
				t.Errorf("seed %d: %s is not what was stored: %.40q", seed, id, text)
			}
		}
		if len(got) < len(texts)/2 {
			t.Errorf("seed %d: %d of %d documents, lost %q", seed, len(got), len(texts), s.Lost)
		}
		after, err := os.ReadFile(path)
		must(t, err)
		if !bytes.Equal(after, content) {
			t.Errorf("seed %d: the damaged store has changed", seed)
		}
	}
}

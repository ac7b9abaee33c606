package ingest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"searchd/hf/hftest"
	"searchd/index"
	"searchd/index/chromem"
	"searchd/index/hnsw"
	"searchd/ingest"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

// damage changes a store while it is closed.
type damage struct {
	name    string
	do      func(*damagedWorld)
	kinds   []models.FaultKind // that must be found
	outcome models.Outcome     // after a repair
	lost    []string           // documents that are in quarantine then
}

// damagedWorld is a world whose documents are known.
type damagedWorld struct {
	*world
	texts map[string]string
	hnsw  string // folder of the index of vectors
}

func newDamagedWorld(t *testing.T) *damagedWorld {
	t.Helper()
	dir := t.TempDir()
	w := &damagedWorld{texts: map[string]string{}, hnsw: dir}
	w.world = newWorldOn(t, hftest.Set{small()}, func(c models.Collection) (index.Index, error) {
		return hnsw.Open(filepath.Join(dir, fmt.Sprint(c.ID)), c.Dimensions, hnsw.Options{})
	})
	var drafts []models.Draft
	for i := range 40 {
		id := fmt.Sprintf("d%d", i)
		w.texts[id] = strings.Repeat(fmt.Sprintf("alpha%d beta%d gamma%d ", i, i*7, i*13), 1+i%4*5)
		d := w.draft(id, w.texts[id], fmt.Sprintf(`{"n":%d,"even":%v}`, i, i%2 == 0))
		if i == 0 { // which brings its vector
			d.Vector = make([]float32, 64)
			d.Vector[3] = 1
		}
		drafts = append(drafts, titled(d, "Title"))
	}
	w.send(drafts...)
	return w
}

// sql runs statements on the closed store.
func (w *damagedWorld) sql(statements ...string) {
	w.t.Helper()
	file, err := sql.Open("sqlite", filepath.Join(w.dir, "searchd.db"))
	w.must(err)
	for _, s := range statements {
		_, err := file.ExecContext(context.Background(), s)
		w.must(err)
	}
	w.must(file.Close())
}

// flip changes a byte in the middle of each file that a pattern names.
func (w *damagedWorld) flip(pattern ...string) {
	w.t.Helper()
	names, err := filepath.Glob(filepath.Join(pattern...))
	w.must(err)
	if len(names) == 0 {
		w.t.Fatalf("there is no %s", filepath.Join(pattern...))
	}
	for _, name := range names {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		w.must(err)
		info, err := f.Stat()
		w.must(err)
		at, one := info.Size()/2, make([]byte, 1)
		_, err = f.ReadAt(one, at)
		w.must(err)
		one[0] ^= 0x40
		_, err = f.WriteAt(one, at)
		w.must(errors.Join(err, f.Close()))
	}
}

func (w *damagedWorld) check(repair bool) ingest.CheckReport {
	w.t.Helper()
	r, err := w.ingest.Check(context.Background(), ingest.CheckOptions{Repair: repair})
	w.must(err)
	return r
}

// clean makes sure that nothing is found.
func (w *damagedWorld) clean(when string) {
	w.t.Helper()
	if r := w.check(false); r.Found() > 0 {
		w.t.Fatalf("%s: %d faults: %+v", when, r.Found(), r.Faults)
	}
}

// answers makes sure that every document that is not lost is found by its own words and by its metadata, and no other is.
func (w *damagedWorld) answers(lost []string) {
	w.t.Helper()
	w.checkIndex()
	for id, text := range w.texts {
		gone := slices.Contains(lost, id)
		if id == "d0" && !gone {
			continue // its vector is not that of its text
		}
		short := strings.Join(strings.Fields(text)[:3], " ")
		for _, mode := range []search.Mode{search.Semantic, search.Lexical} {
			hits := w.find(search.Request{Query: short, Mode: mode, Limit: 40, Exact: true}).Hits
			found := slices.ContainsFunc(hits, func(h search.Hit) bool { return h.Document.ID == id })
			if found == gone {
				w.t.Errorf("%s: found by %s: %v; lost: %v", id, mode, found, gone)
			}
		}
		f, err := models.ParseFilter(fmt.Appendf(nil, `{"n":%s}`, id[1:]))
		w.must(err)
		if n := w.find(search.Request{Query: short, Filter: f, Limit: 1}).Total; n != 1 && !gone || n != 0 && gone {
			w.t.Errorf("%s: the filter finds %d documents; lost: %v", id, n, gone)
		}
	}
	if total := w.find(search.Request{Query: "alpha1", Mode: search.Semantic, Limit: 1, Exact: true}).Total; total != len(w.texts)-len(lost) {
		w.t.Errorf("%d documents are found, want %d", total, len(w.texts)-len(lost))
	}
}

const (
	d0 = "(SELECT seq FROM documents WHERE id = 'd0')" // brought its vector
	d1 = "(SELECT seq FROM documents WHERE id = 'd1')"
	d3 = "(SELECT seq FROM documents WHERE id = 'd3')" // has several chunks
)

var damages = []damage{
	{"a byte of a text", func(w *damagedWorld) {
		w.sql("UPDATE documents SET text = replace(text, 'alpha3', 'Alpha3') WHERE id = 'd3'")
	},
		[]models.FaultKind{models.FaultText}, models.Quarantines, []string{"d3"}},
	{"texts cut short", func(w *damagedWorld) { w.sql("UPDATE documents SET text = 'a' WHERE id IN ('d3', 'd5')") },
		[]models.FaultKind{models.FaultText, models.FaultChunks}, models.Quarantines, []string{"d3", "d5"}},
	{"a byte of a vector", func(w *damagedWorld) {
		w.sql("UPDATE chunks SET vector = X'ff' || substr(vector, 2) WHERE document_seq = " + d1)
	}, []models.FaultKind{models.FaultVector}, models.Repaired, nil},
	{"a byte of a given vector", func(w *damagedWorld) {
		w.sql("UPDATE chunks SET vector = CAST(X'ff' || substr(vector, 2) AS BLOB) WHERE document_seq = " + d0)
	}, []models.FaultKind{models.FaultVector}, models.Quarantines, []string{"d0"}},
	{"a vector of NaN", func(w *damagedWorld) {
		w.sql("UPDATE chunks SET sum = 0, vector = CAST(X'0000c07f' || substr(vector, 5) AS BLOB) WHERE document_seq = " + d1)
	}, []models.FaultKind{models.FaultVector}, models.Repaired, nil},
	{"short vectors", func(w *damagedWorld) {
		w.sql("UPDATE chunks SET vector = X'0000803f' WHERE document_seq IN (" + d1 + "," + d3 + ")")
		w.must(os.RemoveAll(filepath.Join(w.hnsw, "1"))) // an index that has to be built of them
	}, []models.FaultKind{models.FaultVector, models.FaultVectors}, models.Repaired, nil},
	{"a missing chunk", func(w *damagedWorld) { w.sql("DELETE FROM chunks WHERE id & 65535 = 1 AND document_seq = " + d3) },
		[]models.FaultKind{models.FaultChunks}, models.Repaired, nil},
	{"offsets beyond the text", func(w *damagedWorld) {
		w.sql("UPDATE chunks SET \"end\" = 100000 WHERE document_seq = " + d3)
		w.must(os.RemoveAll(filepath.Join(w.dir, "lexical")))
	}, []models.FaultKind{models.FaultChunks}, models.Repaired, nil},
	{"orphans", func(w *damagedWorld) {
		w.sql("INSERT INTO chunks (id, document_seq, start, \"end\", tokens, vector) SELECT 65536000, 1000, start, \"end\", tokens, vector FROM chunks WHERE document_seq = "+d1,
			"INSERT INTO fields (collection_id, document_seq, key, kind, element, text, number, chunks) VALUES (1, 1001, 'n', 'number', 0, '', 1, 1)")
	}, []models.FaultKind{models.FaultOrphan}, models.Repaired, nil},
	{"wrong counters", func(w *damagedWorld) { w.sql("UPDATE collections SET documents = 3, chunks = 99") },
		[]models.FaultKind{models.FaultCounters}, models.Repaired, nil},
	{"a wrong field", func(w *damagedWorld) { w.sql("UPDATE fields SET number = 3 WHERE key = 'n' AND document_seq = " + d1) },
		[]models.FaultKind{models.FaultFields}, models.Repaired, nil},
	{"metadata and a vector", func(w *damagedWorld) {
		w.sql("UPDATE documents SET metadata = '{' WHERE id = 'd3'", "UPDATE chunks SET vector = X'' WHERE document_seq = "+d3)
	}, []models.FaultKind{models.FaultMetadata, models.FaultVector}, models.Repaired, nil},
	{"the snapshot of the index of vectors", func(w *damagedWorld) { w.flip(w.hnsw, "1", "graph") },
		[]models.FaultKind{models.FaultVectors}, models.Repaired, nil},
	{"the vectors beside the snapshot", func(w *damagedWorld) {
		name := filepath.Join(w.hnsw, "1", "vectors.f32")
		content, err := os.ReadFile(name)
		w.must(err)
		content[100] ^= 1
		w.must(os.WriteFile(name, content, 0o600))
	}, []models.FaultKind{models.FaultVectors}, models.Repaired, nil},
	{"segments of the index of words", func(w *damagedWorld) { w.flip(w.dir, "lexical", "1", "*.zap") },
		[]models.FaultKind{models.FaultWords}, models.Repaired, nil},
	{"the list of segments", func(w *damagedWorld) {
		w.must(os.WriteFile(filepath.Join(w.dir, "lexical", "1", "root.bolt"), []byte(strings.Repeat("no list ", 1000)), 0o600))
	}, []models.FaultKind{models.FaultWords}, models.Repaired, nil},
}

// TestDamageIsFoundAndRepaired damages a closed store, and holds what is found and what is there after a repair against what
// was done.
func TestDamageIsFoundAndRepaired(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			w := newDamagedWorld(t)
			w.clean("before")
			w.close()
			d.do(w)
			w.open()
			w.run()
			found := w.check(false)
			w.names(found, d.kinds)
			repaired := w.check(true)
			if n := repaired.Outcomes[models.Remains]; n > 0 {
				t.Fatalf("%d faults remain: %+v", n, repaired.Faults)
			}
			if found.Outcomes[models.Remains] > 0 && repaired.Outcomes[d.outcome] == 0 {
				t.Errorf("outcomes %v; want %s", repaired.Outcomes, d.outcome)
			}
			if repaired.InQuarantine != len(d.lost) {
				t.Errorf("in quarantine: %+v; want %v", repaired.Quarantine, d.lost)
			}
			w.clean("after")
			w.answers(d.lost)
			for _, id := range d.lost { // sent again, it is there again
				w.send(titled(w.draft(id, w.texts[id], fmt.Sprintf(`{"n":%s}`, id[1:])), "Title"))
			}
			w.restart()
			if r := w.check(false); r.Found() > 0 || r.InQuarantine > 0 {
				t.Errorf("sent again: %+v", r)
			}
			w.answers(nil)
		})
	}
}

func (w *damagedWorld) names(r ingest.CheckReport, kinds []models.FaultKind) {
	w.t.Helper()
	found := map[models.FaultKind]bool{}
	for _, f := range r.Faults {
		found[f.Kind] = true
		if f.Message == "" {
			w.t.Errorf("%+v says nothing", f)
		}
	}
	for _, k := range kinds {
		if !found[k] {
			w.t.Errorf("no fault of %s among %+v", k, r.Faults)
		}
		delete(found, k)
	}
	if len(found) > 0 {
		w.t.Errorf("found besides: %+v", r.Faults)
	}
}

// TestAnOpenIndexThatIsNotAsTheStore changes open indexes behind the service's back.
func TestAnOpenIndexThatIsNotAsTheStore(t *testing.T) {
	for _, make := range []func(*testing.T) *damagedWorld{newDamagedWorld, func(t *testing.T) *damagedWorld {
		w := &damagedWorld{world: newWorld(t, hftest.Set{small()}), texts: map[string]string{}}
		w.texts["d1"], w.texts["d2"] = "alpha1 beta7 gamma13 ", "alpha2 beta14 gamma26"
		w.send(w.draft("d1", w.texts["d1"], `{"n":1}`), w.draft("d2", w.texts["d2"], `{"n":2}`))
		return w
	}} {
		w := make(t)
		ctx := context.Background()
		x, err := w.index.Get(ctx, w.c)
		w.must(err)
		doc, err := w.db.Document(ctx, w.c.ID, "d1")
		w.must(err)
		other := append([]float32{1}, slices.Repeat([]float32{0}, 63)...)
		w.must(x.Upsert(ctx, []index.Item{{ID: models.ChunkID(doc.Seq, 0), Vector: other}, {ID: models.ChunkID(9999, 0), Vector: other}}))
		doc, err = w.db.Document(ctx, w.c.ID, "d2")
		w.must(err)
		w.must(x.Delete(ctx, []uint64{models.ChunkID(doc.Seq, 0)}))
		w.must(w.words.Update(ctx, w.c, nil, []uint64{models.ChunkID(doc.Seq, 0)}))

		found := w.check(false)
		w.names(found, []models.FaultKind{models.FaultVectors, models.FaultWords})
		for _, said := range []string{"1 missing", "1 not in the store", "1 with another vector"} {
			if !strings.Contains(found.Faults[0].Message, said) {
				t.Errorf("%q does not say %q", found.Faults[0].Message, said)
			}
		}
		if r := w.check(true); r.Outcomes[models.Repaired] != 2 {
			t.Errorf("repair: %+v", r)
		}
		w.clean("after")
		w.answers(nil)
	}
}

// TestNoFaultWhileDocumentsComeAndGo checks and repairs again and again while documents are added, replaced, patched and
// deleted: there is never a fault.
func TestNoFaultWhileDocumentsComeAndGo(t *testing.T) {
	w := newDamagedWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for part := range 2 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("moving%d-%d", part, i%5)
				w.send(w.draft(id, strings.Repeat(fmt.Sprintf("text %d of %d ", i, part), 1+i%9), fmt.Sprintf(`{"n":%d}`, i)))
				title := fmt.Sprint("title ", i)
				_, err := w.ingest.Patch(t.Context(), w.c, id, db.Patch{Title: &title})
				w.must(err)
				if i%3 == 0 {
					_, err := w.ingest.Delete(t.Context(), w.c, []string{id})
					w.must(err)
				}
			}
		})
	}
	for i := range 30 {
		if r := w.check(i%2 == 0); r.Found() > 0 {
			t.Errorf("check %d: %+v", i, r.Faults)
		}
	}
	cancel()
	wg.Wait()
	w.clean("after")
}

func TestAnUnknownCollectionIsNotChecked(t *testing.T) {
	w := newWorld(t, hftest.Set{small()})
	_, err := w.ingest.Check(t.Context(), ingest.CheckOptions{Collection: "other"})
	if models.CodeOf(err) != models.NotFound {
		t.Errorf("check of a collection that is not there: %v", err)
	}
}

// TestFilesOfAnOpenIndex damages the snapshot of an index that is open. Segments of words are mapped and merged while they are, so
// theirs are damaged only where they are closed.
func TestFilesOfAnOpenIndex(t *testing.T) {
	w := newDamagedWorld(t)
	w.restart() // which writes them
	w.clean("before")
	w.flip(w.hnsw, "1", "graph")
	w.names(w.check(false), []models.FaultKind{models.FaultVectors})
	if r := w.check(true); r.Outcomes[models.Repaired] != 1 || r.Found() != 1 {
		t.Errorf("repair: %+v", r)
	}
	w.clean("after")
	w.answers(nil)
	w.restart()
	w.clean("after a restart")
	w.answers(nil)
}

// TestAModelThatIsGone keeps a repair from embedding: the fault remains, and so does the document.
func TestAModelThatIsGone(t *testing.T) {
	w := newDamagedWorld(t)
	w.close()
	w.sql("UPDATE chunks SET sum = 1 WHERE document_seq = " + d1)
	w.models = hftest.Set{hftest.NewModel(hftest.Options{ID: "test/other"})}
	w.open()
	r := w.check(true)
	if r.Outcomes[models.Remains] != 1 || r.Found() != 1 || !strings.Contains(r.Faults[0].Message, "searchd model pull") {
		t.Errorf("repair without the model: %+v", r)
	}
	w.restart()
	if _, err := w.db.Document(t.Context(), w.c.ID, "d1"); err != nil {
		t.Error(err)
	}
	w.close()
	w.models = hftest.Set{small()}
	w.open()
	w.run()
	if r := w.check(true); r.Outcomes[models.Repaired] != 1 || r.Found() != 1 {
		t.Errorf("repair with the model: %+v", r)
	}
	w.clean("after")
	w.answers(nil)
}

// full is an engine whose disk is full for a while.
type full struct {
	*chromem.Index
	now *atomic.Bool
}

func (x full) Upsert(ctx context.Context, items []index.Item) error {
	if x.now.Load() {
		return fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return x.Index.Upsert(ctx, items)
}

func (x full) Delete(ctx context.Context, ids []uint64) error {
	if x.now.Load() {
		return fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return x.Index.Delete(ctx, ids)
}

// TestAnIndexCatchesUp commits what an index cannot follow, since its disk is full.
func TestAnIndexCatchesUp(t *testing.T) {
	var now atomic.Bool
	w := newWorldOn(t, hftest.Set{small()}, func(c models.Collection) (index.Index, error) {
		x, err := chromem.New(c.Dimensions)
		return full{x, &now}, err
	})
	w.send(w.draft("old", "the red boat", ""), w.draft("gone", "a blue boat", ""))
	now.Store(true)
	job := w.post(w.draft("new", "yeast and flour", ""))
	if _, err := w.ingest.Delete(t.Context(), w.c, []string{"gone"}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("deleted with a full disk: %v", err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(w.ingest.Degraded()) < 2 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	if list := w.ingest.Degraded(); len(list) != 2 || !strings.Contains(list[0], "the disk is full") || !strings.Contains(list[1], "behind the store") {
		t.Errorf("degraded: %q", list)
	}
	now.Store(false)
	if job, items := w.wait(job); job.Status != models.JobDone || items[0].Status != created {
		t.Errorf("job %s: %+v", job.Status, items)
	}
	for range 100 {
		if r, err := w.ingest.Check(t.Context(), ingest.CheckOptions{}); err != nil {
			t.Fatal(err)
		} else if r.Found() == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if list := w.ingest.Degraded(); len(list) > 0 {
		t.Errorf("degraded in the end: %q", list)
	}
	w.checkIndex()
	for query, id := range map[string]string{"yeast and flour": "new", "a blue boat": "old"} {
		if hits := w.find(search.Request{Query: query, Limit: 1}).Hits; len(hits) != 1 || hits[0].Document.ID != id {
			t.Errorf("%q finds %+v; want %s", query, hits, id)
		}
	}
}

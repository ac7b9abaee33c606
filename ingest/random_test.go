package ingest_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"searchd/hf/hftest"
	"searchd/index"
	"searchd/index/chromem"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

// known is what a plain map remembers of a document.
type known struct{ text, metadata string }

// randomWorld is a world and what should be in it.
type randomWorld struct {
	*world
	model  *hftest.Model
	random *rand.Rand
	want   map[string]known
	seed   uint64
}

// Any order of additions, changes, deletions and restarts leaves in the search what a plain map would hold.
func TestRandomOperationsAgainstAMap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	m := small()
	w := &randomWorld{world: newWorld(t, hftest.Set{m}), model: m, random: rand.New(rand.NewPCG(seed, 0)), want: map[string]known{}, seed: seed}
	operations := []func(*randomWorld){
		(*randomWorld).upload, (*randomWorld).upload, (*randomWorld).upload, (*randomWorld).deleteIDs, (*randomWorld).deleteMatching,
		(*randomWorld).patch, (*randomWorld).restart, (*randomWorld).interruptedUpload,
	}
	for range 60 {
		operations[w.random.IntN(len(operations))](w)
		w.check()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (w *randomWorld) restart() { w.world.restart() }

// drafts are a few documents: new ones, changed ones, some as they are.
func (w *randomWorld) drafts() []models.Draft {
	var drafts []models.Draft
	for _, n := range w.random.Perm(25)[:1+w.random.IntN(6)] {
		id := fmt.Sprint("doc/", n)
		k := w.want[id]
		if k.text == "" || w.random.IntN(2) == 0 {
			k.text = w.text()
		}
		if k.metadata == "" || w.random.IntN(2) == 0 {
			k.metadata = fmt.Sprintf(`{"n":%d}`, w.random.IntN(4))
		}
		drafts = append(drafts, w.draft(id, k.text, k.metadata))
	}
	return drafts
}

// text has words that are in no other; now and then it is longer than the model reads.
func (w *randomWorld) text() string {
	words := 4 + w.random.IntN(8)
	if w.random.IntN(4) == 0 {
		words = 40 + w.random.IntN(100)
	}
	var b strings.Builder
	for range words {
		fmt.Fprintf(&b, "%07x ", w.random.Uint64N(1<<28))
	}
	return strings.TrimSpace(b.String())
}

func (w *randomWorld) upload() {
	drafts := w.drafts()
	want := make([]models.ItemStatus, len(drafts))
	for i, d := range drafts {
		old, exists := w.want[d.ID]
		switch {
		case !exists:
			want[i] = created
		case old == known{d.Text, d.Metadata.JSON}:
			want[i] = unchanged
		default:
			want[i] = updated
		}
	}
	if got := statuses(w.send(drafts...)); !slices.Equal(got, want) {
		w.t.Fatalf("seed %d: statuses %v, want %v", w.seed, got, want)
	}
	w.remember(drafts)
}

// interruptedUpload ends the process between the acknowledgement and the work, or in its midst.
func (w *randomWorld) interruptedUpload() {
	entered, release := w.model.Hold(0)
	drafts := w.drafts()
	job := w.post(drafts...)
	select {
	case <-entered:
	case <-time.After(20 * time.Millisecond): // nothing to embed
	}
	w.close()
	release()
	w.open()
	w.run()
	w.wait(job)
	w.remember(drafts)
}

func (w *randomWorld) remember(drafts []models.Draft) {
	for _, d := range drafts {
		w.want[d.ID] = known{d.Text, d.Metadata.JSON}
	}
}

func (w *randomWorld) deleteIDs() {
	ids := []string{fmt.Sprint("doc/", w.random.IntN(25)), fmt.Sprint("doc/", w.random.IntN(25)), "none"}
	before := len(w.want)
	for _, id := range ids {
		delete(w.want, id)
	}
	if n, err := w.ingest.Delete(context.Background(), w.c, ids); err != nil || n != before-len(w.want) {
		w.t.Fatalf("seed %d: deleted %d, %v; want %d", w.seed, n, err, before-len(w.want))
	}
}

func (w *randomWorld) deleteMatching() {
	metadata := fmt.Sprintf(`{"n":%d}`, w.random.IntN(4))
	before := len(w.want)
	maps.DeleteFunc(w.want, func(_ string, k known) bool { return k.metadata == metadata })
	if n, err := w.ingest.DeleteMatching(context.Background(), w.c, w.filter(metadata)); err != nil || n != before-len(w.want) {
		w.t.Fatalf("seed %d: deleted %d, %v; want %d", w.seed, n, err, before-len(w.want))
	}
}

func (w *randomWorld) filter(s string) *models.Filter {
	f, err := models.ParseFilter([]byte(s))
	w.must(err)
	return f
}

func (w *randomWorld) patch() {
	if len(w.want) == 0 {
		return
	}
	ids := slices.Sorted(maps.Keys(w.want))
	id := ids[w.random.IntN(len(ids))]
	k := w.want[id]
	k.metadata = fmt.Sprintf(`{"n":%d}`, w.random.IntN(4))
	m, err := models.ParseMetadata([]byte(k.metadata))
	w.must(err)
	_, err = w.db.PatchDocument(context.Background(), w.c.ID, id, db.Patch{Metadata: &m})
	w.must(err)
	w.want[id] = k
}

// check searches for every document by its own text.
func (w *randomWorld) check() {
	w.checkIndex()
	perFilter := map[string]int{}
	for id, k := range w.want {
		perFilter[k.metadata]++
		got := w.find(search.Request{Query: k.text, Limit: 1000})
		if got.Total != len(w.want) || len(got.Hits) != len(w.want) {
			w.t.Fatalf("seed %d: total %d, %d hits; want %d", w.seed, got.Total, len(got.Hits), len(w.want))
		}
		if first := got.Hits[0]; first.Document.ID != id || !strings.Contains(k.text, first.Text) {
			w.t.Fatalf("seed %d: %s is not found by its own text, but %s", w.seed, id, first.Document.ID)
		}
		seen := map[string]bool{}
		for _, h := range got.Hits {
			if w.want[h.Document.ID].metadata != h.Document.Metadata || seen[h.Document.ID] {
				w.t.Fatalf("seed %d: hit %s with %s, want %+v, seen before: %v", w.seed, h.Document.ID, h.Document.Metadata, w.want[h.Document.ID], seen[h.Document.ID])
			}
			seen[h.Document.ID] = true
		}
	}
	for metadata, n := range perFilter {
		got := w.find(search.Request{Query: "any", Limit: 1000, Filter: w.filter(metadata)})
		if got.Total != n || len(got.Hits) != n {
			w.t.Fatalf("seed %d: %s: total %d, %d hits; want %d", w.seed, metadata, got.Total, len(got.Hits), n)
		}
	}
}

// Uploads, deletions and searches at the same time leave no vector without its document, and none missing.
func TestRacingUploadsAndDeletions(t *testing.T) {
	w := newWorldOn(t, hftest.Set{small()}, func(c models.Collection) (index.Index, error) {
		x, err := chromem.New(c.Dimensions)
		return slowIndex{x}, err
	})
	r := func(i int) *rand.Rand { return rand.New(rand.NewPCG(uint64(i), 0)) }
	var uploads, others sync.WaitGroup
	for i := range 2 {
		uploads.Go(func() {
			r := r(i)
			for range 25 {
				w.upload(r, i == 0)
			}
		})
	}
	uploaded := make(chan struct{})
	for i, work := range []func(*rand.Rand){w.deleteTwo, w.deleteSome, w.searchOnce} {
		others.Go(func() {
			for r := r(10 + i); ; {
				select {
				case <-uploaded:
					return
				case <-time.After(5 * time.Millisecond): // deletions take what is waiting too: some must come through
					work(r)
				}
			}
		})
	}
	uploads.Wait()
	w.send(w.draft("last", "the last one", "")) // every job before it is finished
	close(uploaded)
	others.Wait()
	w.checkIndex()
	w.restart()
	w.checkIndex()
}

func (w *world) deleteTwo(r *rand.Rand) {
	_, err := w.ingest.Delete(context.Background(), w.c, []string{fmt.Sprint(r.IntN(8)), fmt.Sprint(r.IntN(8))})
	check(w.t, err)
}

func (w *world) deleteSome(r *rand.Rand) {
	f, err := models.ParseFilter([]byte(fmt.Sprintf(`{"n":%d}`, r.IntN(3))))
	check(w.t, err)
	_, err = w.ingest.DeleteMatching(context.Background(), w.c, f)
	check(w.t, err)
}

func (w *world) searchOnce(r *rand.Rand) {
	c, err := w.db.Collection(context.Background(), w.c.Name)
	check(w.t, err)
	_, err = w.search.Search(context.Background(), c, search.Request{Query: fmt.Sprint("text ", r.IntN(8)), Limit: 5})
	check(w.t, err)
}

// slowIndex is late to learn what is new, so that a deletion has time to overtake.
type slowIndex struct{ index.Index }

func (x slowIndex) Upsert(ctx context.Context, items []index.Item) error {
	time.Sleep(3 * time.Millisecond)
	return x.Index.Upsert(ctx, items)
}

// upload takes two documents in, and waits for them or not.
func (w *world) upload(r *rand.Rand, wait bool) {
	in := w.ingest.Begin(w.c)
	for _, id := range r.Perm(8)[:2] {
		text := fmt.Sprint("text ", id, " ", r.Uint64(), strings.Repeat(" more", r.IntN(60)))
		check(w.t, in.Add(context.Background(), "", w.draft(fmt.Sprint(id), text, fmt.Sprintf(`{"n":%d}`, r.IntN(3))), nil))
	}
	job, err := in.Commit(context.Background())
	check(w.t, err)
	if wait {
		_, err = w.ingest.Wait(context.Background(), job.ID, 30*time.Second)
		check(w.t, err)
	}
}

// check is for goroutines, which must not end the test.
func check(t testing.TB, err error) {
	if err != nil {
		t.Error(err)
	}
}

package search_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"searchd/models"
	"searchd/search"
)

// profile waits for what was measured of the collection to be stored.
func (w *world) profile() models.Profile {
	w.t.Helper()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		p, err := w.db.Profile(w.t.Context(), w.c.ID)
		w.must(err)
		if p != nil {
			return *p
		}
		if time.Since(start) > 20*time.Second {
			w.t.Fatal("no profile is stored")
		}
	}
}

// restart leaves nothing of the service but what is stored.
func (w *world) restart() {
	w.search.Close()
	w.search = search.New(w.db, w.index, w.words, w.available, nil)
}

// After a restart the first hybrid search ranks as the last one before it did, and the model reads nothing but the question.
func TestWhatWasMeasuredIsKept(t *testing.T) {
	w := newWordy(t)
	w.profile()
	r := search.Request{Query: "saddle raven", Limit: 50}
	before := w.find(r)
	w.restart()
	read := len(w.model.Embedded())
	after := w.find(r)
	w.search.Close() // which waits for what goes on in the background
	before.Phases, after.Phases = nil, nil
	if diff := cmp.Diff(before, after); diff != "" || before.WordWeight == 0 {
		t.Errorf("after a restart the first answer is another:\n%s", diff)
	}
	if n := len(w.model.Embedded()) - read; n != 1 {
		t.Errorf("the model has read %d texts", n)
	}
}

// What is stored and cannot be true is measured again.
func TestProfilesThatAreWrong(t *testing.T) {
	w := newWordy(t)
	good := w.profile()
	for name, change := range map[string]func(*models.Profile){
		"no rho": func(p *models.Profile) { p.Rho = 0 }, "another sample": func(p *models.Profile) { p.Sample = make([]byte, len(p.Sample)) },
		"a long sample": func(p *models.Profile) { p.Sample = append(p.Sample, p.Sample...) }, "of another size": func(p *models.Profile) { p.Chunks = 3 },
	} {
		bad := good
		bad.Sample = append([]byte(nil), good.Sample...)
		change(&bad)
		w.must(w.db.KeepProfile(t.Context(), bad))
		w.restart()
		for start := time.Now(); ; time.Sleep(time.Millisecond) {
			w.find(search.Request{Query: "comet", Limit: 1})
			if now := w.profile(); cmp.Equal(now, good) {
				break
			}
			if time.Since(start) > 20*time.Second {
				t.Fatalf("%s: not measured again", name)
			}
		}
	}
}

func TestProfilesGoWithTheirCollection(t *testing.T) {
	w := newWordy(t)
	kept := w.profile()
	w.search.Close()
	_, _, err := w.db.DeleteCollection(t.Context(), w.c.Name)
	w.must(err)
	w.must(w.db.KeepProfile(t.Context(), kept)) // as one that is measured meanwhile would
	if p, err := w.db.Profile(t.Context(), w.c.ID); p != nil || err != nil {
		t.Errorf("%+v is left, %v", p, err)
	}
}

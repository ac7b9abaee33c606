package lexical

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/google/go-cmp/cmp"
)

func open(t testing.TB, dir string) *Index {
	t.Helper()
	x, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// search answers all hits.
func search(t testing.TB, x *Index, query string, allow *roaring64.Bitmap) ([]Hit, Found) {
	t.Helper()
	f, err := x.Search(t.Context(), query, allow)
	must(t, err)
	defer f.Close()
	return f.Above(0), *f
}

// found are the ids of the hits, best first.
func found(t testing.TB, x *Index, query string) []uint64 {
	t.Helper()
	hits, _ := search(t, x, query, nil)
	ids := []uint64{}
	for _, h := range hits {
		ids = append(ids, h.ID)
	}
	return ids
}

// vocabulary is known by its stems alone: no two words are near each other, and none is a stop word.
var vocabulary = strings.Fields("basalt comet dolphin ember fjord glacier harbor ivory jungle kettle lantern meadow nebula orchid pebble quartz raven saddle thistle umbrella velvet walnut xenon yonder zephyr")

// formula is BM25 and its null distribution, from the texts.
func formula(items map[uint64]string, query string) (scores map[uint64]float64, mean, deviation float64) {
	n, total := float64(len(items)), 0
	for _, text := range items {
		total += len(strings.Fields(text))
	}
	scores = map[uint64]float64{}
	variance := 0.0
	for _, w := range strings.Fields(query) {
		times := map[uint64]float64{}
		for id, text := range items {
			for _, have := range strings.Fields(text) {
				if have == w {
					times[id]++
				}
			}
		}
		df := float64(len(times))
		idf, p := math.Log(1+(n-df+0.5)/(df+0.5)), (df+0.5)/(n+1)
		mean += idf * p
		variance += idf * idf * p * (1 - p)
		for id, tf := range times {
			length := float64(len(strings.Fields(items[id])))
			scores[id] += idf * tf * 2.2 / (tf + 1.2*(0.25+0.75*length*n/float64(total)))
		}
	}
	return scores, mean, math.Sqrt(variance)
}

// TestScoresAreThoseOfTheFormula adds, replaces and deletes at random, opens the index again, and compares each score.
func TestScoresAreThoseOfTheFormula(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	x := open(t, dir)
	defer func() { must(t, x.Close()) }()
	want := map[uint64]string{}
	pick := func(n int) string {
		var list []string
		for range n {
			list = append(list, vocabulary[int(float64(len(vocabulary))*math.Pow(random.Float64(), 2))])
		}
		return strings.Join(list, " ")
	}
	for round := range 60 {
		var items []Item
		var gone []uint64
		for range 1 + random.IntN(8) {
			id := uint64(random.IntN(80)) << 16
			if random.IntN(3) == 0 {
				gone = append(gone, id)
			} else {
				items = append(items, Item{ID: id, Title: pick(1), Text: pick(1 + random.IntN(30))})
			}
		}
		must(t, x.Delete(t.Context(), gone))
		for _, id := range gone {
			delete(want, id)
		}
		must(t, x.Upsert(t.Context(), items))
		for _, item := range items {
			want[item.ID] = item.Title + " " + item.Text
		}
		if round%20 == 19 {
			must(t, x.Close())
			x = open(t, dir)
		}
		query := strings.Join(slices.Compact(slices.Sorted(slices.Values(strings.Fields(pick(1+random.IntN(4)))))), " ")
		compare(t, x, want, query+" .", random)
	}
}

func compare(t *testing.T, x *Index, want map[uint64]string, query string, random *rand.Rand) {
	t.Helper()
	scores, mean, deviation := formula(want, strings.TrimSuffix(query, " ."))
	var allow *roaring64.Bitmap
	if random.IntN(2) == 0 {
		allow = roaring64.New()
		for id := range uint64(80) {
			if random.IntN(3) == 0 {
				allow.Add(id << 16)
			} else {
				delete(scores, id<<16)
			}
		}
	}
	f, err := x.Search(t.Context(), query, allow)
	must(t, err)
	defer f.Close()
	if len(want) > 0 && (math.Abs(f.Mean-mean) > 1e-9 || math.Abs(f.Deviation-deviation) > 1e-9) {
		t.Errorf("%q: null %v ± %v, want %v ± %v", query, f.Mean, f.Deviation, mean, deviation)
	}
	hits := f.Above(0)
	if chunks, documents := f.Count(); len(hits) != len(scores) || chunks != len(scores) || documents != len(scores) {
		t.Fatalf("%q: %d hits, %d chunks of %d documents; want %d", query, len(hits), chunks, documents, len(scores))
	}
	for i, h := range hits {
		if math.Abs(float64(h.Score)-scores[h.ID]) > 1e-4 || f.Score(h.ID) != h.Score || i > 0 && Compare(hits[i-1], h) >= 0 {
			t.Errorf("%q: %d-th is %+v, looked up %v; want %v", query, i, h, f.Score(h.ID), scores[h.ID])
		}
	}
	for k := 1; k < len(hits)+2; k++ {
		if got := f.Top(k); !slices.Equal(got, hits[:min(k, len(hits))]) {
			t.Errorf("%q: the best %d are %v of %v", query, k, got, hits)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"Luther's last-minute":  "luther last-minute last minute",
		"mean_date writeÄrger2": "mean_date mean date writeärger2 write ärger 2",
		"utf8 ABC-123 _x_ -":    "utf8 utf 8 abc-123 abc 123 x",
		"l’avion qu'il don't":   "avion qu don",
		"中文维基 a 中":              "中文 文维 维基 a 中",
		"ｆｕｌｌ ﬁne":              "full fine",
		"नमस्ते":                "नमस्ते",
		"":                      "",
		"\xff\xfe a":            "a",
	} {
		var got []string
		for _, w := range words(text) {
			got = append(got, w.text)
		}
		if d := cmp.Diff(want, strings.Join(got, " ")); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

func TestQueries(t *testing.T) {
	x := open(t, t.TempDir())
	defer func() { must(t, x.Close()) }()
	texts := []string{
		1: "The quick brown foxes jumped over the lazy dog, and that was all there is to it.",
		2: "Brown bears and quick rabbits do not meet the foxes of the north.",
		3: "Photosynthesis is what plants do with the light of the sun.",
		4: "Die Kinder spielten in den Gärten hinter dem Haus, und sie waren müde.",
		5: "Las canciones de los niños son más bonitas en la plaza que en el teatro.",
		6: "北京大学的图书馆",
		7: "def writeBoolean(self, mean_date): pass",
	}
	for id, text := range texts[1:] {
		must(t, x.Upsert(t.Context(), []Item{{ID: uint64(id + 1), Text: text}}))
	}
	for query, want := range map[string][]uint64{
		"jumping":                {1},
		"brown fox.":             {1, 2},
		"kind garten.":           {4},
		"una canción":            {5},
		"图书馆":                    {6},
		"boolean?":               {7},
		"mean_date":              {7},
		"photosyn":               {3}, // the beginning of the last word
		"photosyn.":              {},
		"photosinthesis.":        {3}, // a slip
		"rabbist.":               {2},
		"the of and":             {1, 2, 3}, // all there is
		"what is photosynthesis": {3},
		"nothing-like-it":        {},
		"?!":                     {},
	} {
		got := found(t, x, query)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", query, d)
		}
	}
	for query, want := range map[string][]uint64{
		`"brown fox"`: {1}, `"quick rabbit" meets`: {2}, `"brown foxes" "lazy dogs"`: {1}, `"brown foxes" "quick rabbits"`: {}, `"fox brown"`: {}, `"图书馆"`: {6},
	} {
		set, err := x.Phrases(query)
		must(t, err)
		if d := cmp.Diff(want, append([]uint64{}, set.ToArray()...)); d != "" {
			t.Errorf("%s (-want +got):\n%s", query, d)
		}
	}
	for _, query := range []string{"no phrase", `one quote "`, `""`, `"?"`} {
		if set, err := x.Phrases(query); set != nil || err != nil || HasPhrase(query) {
			t.Errorf("%s: %v, %v", query, set, err)
		}
	}
}

// TestPhrasesAgainstTheTexts looks for phrases of frequent and of rare words, in several segments of which some chunks are gone.
func TestPhrasesAgainstTheTexts(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	x := open(t, t.TempDir())
	defer func() { must(t, x.Close()) }()
	texts := map[uint64]string{}
	text := func(most int) string {
		var list []string
		for range 1 + r.IntN(most) {
			list = append(list, vocabulary[int(float64(len(vocabulary))*math.Pow(r.Float64(), 4))])
		}
		return strings.Join(list, " ")
	}
	for range 8 {
		var items []Item
		for range 60 {
			id := uint64(r.IntN(300))
			texts[id] = text(30)
			items = append(items, Item{ID: id, Text: texts[id]})
		}
		must(t, x.Upsert(t.Context(), lastOf(items)))
		gone := uint64(r.IntN(300))
		delete(texts, gone)
		must(t, x.Delete(t.Context(), []uint64{gone}))
	}
	for range 500 {
		phrase := text(4)
		want := []uint64{}
		for id, text := range texts {
			if strings.Contains(" "+text+" ", " "+phrase+" ") {
				want = append(want, id)
			}
		}
		slices.Sort(want)
		set, err := x.Phrases(`"` + phrase + `"`)
		must(t, err)
		if d := cmp.Diff(want, append([]uint64{}, set.ToArray()...)); d != "" {
			t.Fatalf("seed %d: %q (-want +got):\n%s", seed, phrase, d)
		}
	}
}

// lastOf keeps the last item of each id, in order.
func lastOf(items []Item) []Item {
	byID := map[uint64]Item{}
	for _, i := range items {
		byID[i.ID] = i
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b Item) int { return int(a.ID) - int(b.ID) })
}

// TestNearWordsWeighLess makes sure that who has the word comes before who has something like it.
func TestNearWordsWeighLess(t *testing.T) {
	x := open(t, t.TempDir())
	defer func() { must(t, x.Close()) }()
	must(t, x.Upsert(t.Context(), []Item{{ID: 1, Text: "lanterns lanternfish lanternfish lanternfish"}, {ID: 2, Text: "lantern meadow basalt quartz"}, {ID: 3, Text: "a pebble"}}))
	if got := found(t, x, "lantern"); !slices.Equal(got, []uint64{1, 2}) && !slices.Equal(got, []uint64{2, 1}) {
		t.Errorf("lantern: %v", got)
	}
	exact, _ := search(t, x, "pebble.", nil)
	slip, _ := search(t, x, "pebbel.", nil)
	begun, _ := search(t, x, "pebb", nil)
	if len(slip) != 1 || slip[0].Score > exact[0].Score/3 || len(begun) != 1 || begun[0].Score > exact[0].Score/3 {
		t.Errorf("exact %v, slip %v, begun %v", exact, slip, begun)
	}
}

// TestDamage cuts, empties and turns over bytes of each file: the index opens and answers as before, or is an error.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir)
	for i := range uint64(40) {
		must(t, x.Upsert(t.Context(), []Item{{ID: i, Text: fmt.Sprint("comet ", vocabulary[i%25], " number ", i)}}))
	}
	must(t, x.Close())
	files, err := filepath.Glob(filepath.Join(dir, "*.zap"))
	if must(t, err); len(files) == 0 {
		t.Fatal("no segments")
	}
	for _, name := range append(files[:1:1], filepath.Join(dir, "root.bolt")) {
		whole, err := os.ReadFile(name)
		must(t, err)
		turned := slices.Clone(whole)
		for i := len(turned) / 3; i < len(turned)/3+64; i++ {
			turned[i] ^= 0x5a
		}
		for _, content := range [][]byte{nil, whole[:len(whole)/2], turned} {
			must(t, os.WriteFile(name, content, 0o600))
			if x, _, err := openWhole(dir); err == nil {
				if got := len(found(t, x, "comet")); got != 40 && got != 0 {
					t.Errorf("%s with %d bytes of %d: %d hits", filepath.Base(name), len(content), len(whole), got)
				}
				must(t, x.Close())
			}
		}
		must(t, os.WriteFile(name, whole, 0o600))
	}
}

func TestSearchesWhileChanging(t *testing.T) {
	x := open(t, t.TempDir())
	var work sync.WaitGroup
	for g := range uint64(3) {
		work.Go(func() {
			for i := range uint64(40) {
				id := g<<32 | i
				if err := x.Upsert(t.Context(), []Item{{ID: id, Text: "comet ember " + vocabulary[i%25]}}); err != nil {
					t.Error(err)
				}
				if i%3 == 0 {
					if err := x.Delete(t.Context(), []uint64{id}); err != nil {
						t.Error(err)
					}
				}
			}
		})
		work.Go(func() {
			for range 60 {
				f, err := x.Search(t.Context(), "comet velvet lant", nil)
				if err != nil {
					t.Error(err)
					return
				}
				for _, h := range f.Top(20) {
					if f.Score(h.ID) != h.Score {
						t.Errorf("%+v is looked up as %v", h, f.Score(h.ID))
					}
				}
				f.Close()
			}
		})
	}
	work.Wait()
	if got := len(found(t, x, "comet.")); got != 3*26 {
		t.Errorf("%d hits, want %d", got, 3*26)
	}
	must(t, x.Close())
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"a_b-c'd", "writeBoolean2", "中文 x", "'", "\xff", "e\u0301é", "ǅungla"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		place := 0
		for _, w := range words(text) {
			if w.text == "" || w.place < place {
				t.Fatalf("%q: %+v after place %d", text, w, place)
			}
			place = w.place
			for _, l := range languages() {
				if l.stem(w) == "" {
					t.Fatalf("%q has no stem in %s", w.text, l.code)
				}
			}
		}
	})
}

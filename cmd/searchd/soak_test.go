package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"searchd/hf"
	"searchd/hf/hftest"
	"searchd/index"
	"searchd/index/lexical"
	"searchd/ingest"
	"searchd/models"
	"searchd/models/db"
	"searchd/search"
)

const (
	soakMany       = 100 // vectors at which auto goes over to hnsw
	soakFew        = 40  // documents between which the collection shrinks
	soakMost       = 260 // and grows
	soakDimensions = 24
)

// soak is a store with its services, and what should be in it by a plain map.
type soak struct {
	t         *testing.T
	r         *rand.Rand
	dir, name string // name of the step at hand
	model     *hftest.Model
	want      map[string]kept
	growing   bool
	restarts  [2]int // with few vectors, and with many
	damaged   int    // snapshots

	db     *db.DB
	index  *index.Registry
	words  *lexical.Registry
	ingest *ingest.Service
	search *search.Service
	c      models.Collection
	stop   func()
}

// kept is a document of the map.
type kept struct {
	text   string
	given  bool      // whether the vector was given; else it is the model's
	vector []float32 // of unit length
	n      int
	tags   []string
}

// TestSoak does anything in any order: documents with texts or vectors are added, changed, deleted and searched, and the process
// ends and begins again, now and then with a damaged snapshot. At every step the service agrees with a plain map. The
// collection grows and shrinks past the number of vectors at which its engine changes.
//
// SEARCHD_STEPS sets how long, SEARCHD_SEED where it begins.
func TestSoak(t *testing.T) {
	steps := setting(t, "SEARCHD_STEPS", 2000)
	if testing.Short() {
		steps = min(steps, 300)
	}
	seed := setting(t, "SEARCHD_SEED", rand.Uint64())
	t.Logf("seed %d, %d steps", seed, steps)
	s := &soak{
		t: t, r: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), growing: true, want: map[string]kept{},
		model: hftest.NewModel(hftest.Options{Dimensions: soakDimensions, MaxTokens: 64}),
	}
	s.open()
	defer func() { s.close() }()
	for step := range steps {
		s.name = fmt.Sprintf("step %d of seed %d", step, seed)
		s.step()
		s.compare()
	}
	t.Logf("%d restarts with few vectors, %d with many, %d damaged snapshots", s.restarts[0], s.restarts[1], s.damaged)
	if steps >= 2000 && (s.restarts[0] == 0 || s.restarts[1] == 0) {
		t.Error("there was no restart with one of the engines")
	}
}

func setting(t *testing.T, name string, preset uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return preset
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func (s *soak) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", s.name, err)
	}
}

func (s *soak) open() {
	ctx := context.Background()
	store, err := db.Open(ctx, s.dir)
	s.must(err)
	s.db = store
	available, quiet := hftest.Set{s.model}, slog.New(slog.DiscardHandler)
	s.index = index.NewRegistry(engines{dir: s.dir, many: soakMany, log: quiet}, store)
	s.words = lexical.NewRegistry(filepath.Join(s.dir, "lexical"), store, quiet)
	s.ingest = ingest.New(store, s.index, s.words, available, ingest.Options{})
	s.search = search.New(store, s.index, s.words, available, nil)
	s.c, err = s.ingest.Collection(ctx, models.DefaultCollection)
	s.must(err)
	work, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { s.ingest.Run(work) })
	s.stop = func() { cancel(); running.Wait() }
}

func (s *soak) close() {
	s.stop()
	s.must(errors.Join(s.index.Close(), s.words.Close(), s.db.Close()))
}

func (s *soak) step() {
	if s.growing && len(s.want) >= soakMost || !s.growing && len(s.want) <= soakFew {
		s.growing = !s.growing
		s.restart()
		return
	}
	upload, remove := 12, 2
	if !s.growing {
		upload, remove = 3, 12
	}
	switch n := s.r.IntN(20); {
	case n < upload:
		s.upload()
	case n < upload+remove:
		s.remove()
	case n == 19 && s.r.IntN(3) == 0:
		s.removeMatching()
	case n == 18 && s.r.IntN(4) == 0:
		s.restart()
	default:
		s.patch()
	}
}

// restart ends the process and begins another. Now and then a bit of what it kept has changed meanwhile.
func (s *soak) restart() {
	many := 0
	if len(s.want) >= soakMany {
		many = 1
	}
	s.restarts[many]++
	s.close()
	kept, err := filepath.Glob(filepath.Join(s.dir, "hnsw", "*", "*"))
	s.must(err)
	if len(kept) > 0 && s.r.IntN(4) == 0 {
		s.damaged++
		s.flip(kept[s.r.IntN(len(kept))])
	}
	s.open()
}

func (s *soak) flip(path string) {
	content, err := os.ReadFile(path)
	s.must(err)
	if len(content) > 0 {
		content[s.r.IntN(len(content))] ^= 1 << s.r.IntN(8)
		s.must(os.WriteFile(path, content, 0o600))
	}
}

func (s *soak) upload() {
	in := s.ingest.Begin(s.c)
	for _, n := range s.r.Perm(2 * soakMost)[:1+s.r.IntN(6)] {
		id := fmt.Sprint("d", n)
		k, known := s.want[id]
		if !known || s.r.IntN(3) == 0 {
			k = s.content()
		}
		if !known || s.r.IntN(2) == 0 {
			k.n, k.tags = s.r.IntN(20), [][]string{nil, {"red"}, {"red", "blue"}, {"green"}}[s.r.IntN(4)]
		}
		d := models.Draft{ID: id, Text: k.text, Metadata: s.metadata(k)}
		if k.given {
			d.Vector = k.vector
		}
		s.must(in.Add(context.Background(), "", d, nil))
		s.want[id] = k
	}
	job, err := in.Commit(context.Background())
	s.must(err)
	job, err = s.ingest.Wait(context.Background(), job.ID, time.Minute)
	s.must(err)
	if job.Status != models.JobDone || job.Failed > 0 {
		s.t.Fatalf("%s: job is %s, %d failed", s.name, job.Status, job.Failed)
	}
}

// content is new: a vector by chance, now and then that of another document, or what the model makes of a text.
func (s *soak) content() kept {
	k := kept{text: fmt.Sprintf("text %d of %d", s.r.IntN(50), s.r.IntN(50)), given: s.r.IntN(3) > 0}
	switch {
	case !k.given:
		k.vector = s.embed(k.text)
	case s.r.IntN(10) == 0 && len(s.want) > 0:
		k.vector = s.want[s.some()].vector
	default:
		k.vector = s.vector()
	}
	return k
}

func (s *soak) vector() []float32 {
	v := make([]float32, soakDimensions)
	for i := range v {
		v[i] = float32(s.r.NormFloat64())
	}
	return models.Normalize(v)
}

func (s *soak) embed(text string) []float32 {
	e, err := s.model.Embed(context.Background(), hf.Document, []string{text})
	s.must(err)
	return e[0].Vector
}

// some is the id of a document.
func (s *soak) some() string {
	ids := slices.Sorted(maps.Keys(s.want))
	return ids[s.r.IntN(len(ids))]
}

func (s *soak) metadata(k kept) models.Metadata {
	text := fmt.Sprintf(`{"n":%d}`, k.n)
	if k.tags != nil {
		text = fmt.Sprintf(`{"n":%d,"tag":["%s"]}`, k.n, join(k.tags))
	}
	m, err := models.ParseMetadata([]byte(text))
	s.must(err)
	return m
}

func join(tags []string) string {
	text := tags[0]
	for _, tag := range tags[1:] {
		text += `","` + tag
	}
	return text
}

func (s *soak) remove() {
	ids := []string{"none"}
	for range 1 + s.r.IntN(5) {
		ids = append(ids, fmt.Sprint("d", s.r.IntN(2*soakMost)))
	}
	before := len(s.want)
	for _, id := range ids {
		delete(s.want, id)
	}
	n, err := s.ingest.Delete(context.Background(), s.c, ids)
	s.must(err)
	if n != before-len(s.want) {
		s.t.Fatalf("%s: deleted %d, want %d", s.name, n, before-len(s.want))
	}
}

func (s *soak) removeMatching() {
	n := s.r.IntN(20)
	before := len(s.want)
	maps.DeleteFunc(s.want, func(_ string, k kept) bool { return k.n == n })
	gone, err := s.ingest.DeleteMatching(context.Background(), s.c, s.filter(fmt.Sprintf(`{"n":%d}`, n)))
	s.must(err)
	if gone != before-len(s.want) {
		s.t.Fatalf("%s: deleted %d by filter, want %d", s.name, gone, before-len(s.want))
	}
}

func (s *soak) patch() {
	if len(s.want) == 0 {
		return
	}
	id := s.some()
	k := s.want[id]
	k.n = s.r.IntN(20)
	m := s.metadata(k)
	_, err := s.db.PatchDocument(context.Background(), s.c.ID, id, db.Patch{Metadata: &m})
	s.must(err)
	s.want[id] = k
}

func (s *soak) filter(text string) *models.Filter {
	f, err := models.ParseFilter([]byte(text))
	s.must(err)
	return f
}

// compare asks for something by chance, and what the map would answer.
func (s *soak) compare() {
	n := s.r.IntN(20)
	filters := []struct {
		text string
		of   func(kept) bool
	}{
		{"", func(kept) bool { return true }},
		{fmt.Sprintf(`{"n":%d}`, n), func(k kept) bool { return k.n == n }},
		{fmt.Sprintf(`{"n":{"$gte":%d}}`, n), func(k kept) bool { return k.n >= n }},
		{`{"tag":"red"}`, func(k kept) bool { return slices.Contains(k.tags, "red") }},
		{fmt.Sprintf(`{"$or":[{"tag":"blue"},{"n":{"$lt":%d}}]}`, n), func(k kept) bool { return slices.Contains(k.tags, "blue") || k.n < n }},
	}
	f := filters[s.r.IntN(len(filters))]
	r := search.Request{
		Mode: search.Semantic, Limit: 1 + s.r.IntN(30), Offset: s.r.IntN(2) * s.r.IntN(60), Facets: []string{"n", "tag"}, Exact: s.r.IntN(4) == 0,
	}
	if f.text != "" {
		r.Filter = s.filter(f.text)
	}
	v := s.vector()
	if s.r.IntN(3) == 0 {
		r.Query = fmt.Sprintf("text %d", s.r.IntN(50))
		v = s.embed(r.Query)
	} else {
		r.Vector = v
	}
	c, err := s.db.Collection(context.Background(), s.c.Name)
	s.must(err)
	got, err := s.search.Search(context.Background(), c, r)
	s.must(err)
	s.check(got, r, v, f.of)
	if c.Documents != len(s.want) {
		s.t.Fatalf("%s: the collection counts %d documents, want %d", s.name, c.Documents, len(s.want))
	}
}

// check compares hits by their scores, since equal ones may stand in any order of the map.
func (s *soak) check(got search.Response, r search.Request, v []float32, admits func(kept) bool) {
	s.t.Helper()
	var scores []float32
	facets := map[string]map[string]int{"n": {}, "tag": {}}
	for _, k := range s.want {
		if !admits(k) {
			continue
		}
		scores = append(scores, cosine(v, k.vector))
		facets["n"][strconv.Itoa(k.n)]++
		for _, tag := range k.tags {
			facets["tag"][tag]++
		}
	}
	slices.SortFunc(scores, func(a, b float32) int { return int(math.Copysign(1, float64(b-a))) })
	page := scores[min(r.Offset, len(scores)):min(r.Offset+r.Limit, len(scores))]
	if got.Total != len(scores) || len(got.Hits) != len(page) {
		s.t.Fatalf("%s: total %d, %d hits; want %d, %d", s.name, got.Total, len(got.Hits), len(scores), len(page))
	}
	seen := map[string]bool{}
	for i, h := range got.Hits {
		k, exists := s.want[h.Document.ID]
		if !exists || seen[h.Document.ID] || !admits(k) || h.Text != k.text || h.Document.Metadata != s.metadata(k).JSON {
			s.t.Fatalf("%s: hit %d is %+v, want %+v; seen before: %v", s.name, i, h, k, seen[h.Document.ID])
		}
		seen[h.Document.ID] = true
		const tolerance = 1e-5
		if own := cosine(v, k.vector); math.Abs(float64(h.Score-own)) > tolerance || math.Abs(float64(h.Score-page[i])) > tolerance {
			s.t.Fatalf("%s: hit %d has score %v, its vector's is %v, that of this place %v", s.name, i, h.Score, own, page[i])
		}
	}
	for key, want := range facets {
		counted := map[string]int{}
		for _, c := range got.Facets[key].Values {
			counted[c.Value] = c.Documents
		}
		if !maps.Equal(counted, want) {
			s.t.Fatalf("%s: facet %s is %v, want %v", s.name, key, counted, want)
		}
	}
}

func cosine(a, b []float32) float32 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return float32(sum)
}

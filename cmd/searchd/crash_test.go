package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/samber/lo"

	"searchd/api/client"
	"searchd/api/wire"
)

const uploaders = 3

// crashes is how often the server is killed.
func crashes(t *testing.T) int {
	said, ok := os.LookupEnv("SEARCHD_CRASHES")
	switch {
	case ok:
		n, err := strconv.Atoi(said)
		if err != nil || n < 1 {
			t.Fatalf("SEARCHD_CRASHES is %q; give a number", said)
		}
		return n
	case testing.Short():
		return 5
	}
	return 12
}

// TestKilledAtAnyMoment kills the server with SIGKILL at random moments of mixed work: documents are added, replaced, patched and
// deleted, the collection goes back and forth between two models, backups and checks are made. After each restart, everything
// that was acknowledged is there in its newest version, can be searched, and is there once, and a check finds no fault.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := crashes(t)
	seed := rand.Uint64()
	t.Logf("seed %d, %d rounds", seed, rounds)
	r := rand.New(rand.NewPCG(seed, 0))
	data := filepath.Join(t.TempDir(), "data")
	l := &ledger{docs: map[string]*entry{}}
	for round := range rounds {
		p, c := serveForCrash(t, data)
		fresh := l.changed()
		verify(t, c, l, fresh)
		checkStore(t, c)
		if t.Failed() {
			p.kill() // or it may still be about to say why
			t.Fatalf("round %d; server: %s", round, p.stderr)
		}
		uploadUntilKilled(t.Context(), p, c, l, r)
	}
	p, c := serveForCrash(t, data)
	defer p.stop()
	verify(t, c, l, l.all())
	checkStore(t, c)
	acknowledged, deleted := l.count()
	t.Logf("%d documents acknowledged, %d of them deleted again", acknowledged, deleted)
	if acknowledged < rounds {
		t.Errorf("only %d documents were acknowledged: the test did not test", acknowledged)
	}
}

func serveForCrash(t *testing.T, data string) (*process, *client.Client) {
	t.Helper()
	p, err := startServer(context.WithoutCancel(t.Context()), data, "--log", "error", "--models", "../../fixtures/encoder/models")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	c, err := client.New(p.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, c.WithRetries(0) // what fails is to be seen
}

// ledger knows what was sent and what was acknowledged.
type ledger struct {
	mu    sync.Mutex
	next  int
	docs  map[string]*entry
	fresh map[string]bool // sent since the last restart
}

// entry is one document: version numbers count what was sent, deletions too.
type entry struct {
	number  int
	sent    int
	acked   int
	deleted map[int]bool // versions that are deletions
}

func (l *ledger) changed() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id := range l.fresh {
		ids = append(ids, id)
	}
	l.fresh = map[string]bool{}
	return ids
}

func (l *ledger) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for id := range l.docs {
		ids = append(ids, id)
	}
	return ids
}

func (l *ledger) count() (acknowledged, deleted int) {
	for _, e := range l.docs {
		if e.acked > 0 {
			acknowledged++
		}
		if e.deleted[e.acked] {
			deleted++
		}
	}
	return acknowledged, deleted
}

// send notes a new version of a document, a new document where id is empty.
func (l *ledger) send(id string, deletion bool) (string, int, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id == "" {
		id = fmt.Sprintf("doc/%05d", l.next)
		l.docs[id] = &entry{number: l.next, deleted: map[int]bool{}}
		l.next++
	}
	e := l.docs[id]
	e.sent++
	e.deleted[e.sent] = deletion
	l.fresh[id] = true
	return id, e.number, e.sent
}

func (l *ledger) ack(id string, version int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.docs[id].acked = max(l.docs[id].acked, version)
}

// uploadUntilKilled sends documents from several connections until the server is killed in the midst of them. Each
// connection keeps to its own documents, so that the order of their versions is known.
func uploadUntilKilled(ctx context.Context, p *process, c *client.Client, l *ledger, r *rand.Rand) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for range uploaders {
		own := rand.New(rand.NewPCG(r.Uint64(), 1))
		wg.Go(func() {
			var mine []string
			for ctx.Err() == nil && upload(ctx, c, l, own, &mine) {
			}
		})
	}
	own := rand.New(rand.NewPCG(r.Uint64(), 2))
	wg.Go(func() {
		for ctx.Err() == nil && disturb(ctx, c, own) {
		}
	})
	time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
	p.kill()
	cancel()
	wg.Wait()
}

// disturb does something to the whole collection. It answers false when the server is gone.
func disturb(ctx context.Context, c *client.Client, r *rand.Rand) bool {
	var err error
	switch r.IntN(8) {
	case 0, 1, 2:
		_, err = c.Reembed(ctx, "", []string{"all-MiniLM-L6-v2", "xlm-roberta"}[r.IntN(2)], 1)
	case 3:
		err = c.DropPrevious(ctx, "")
	case 4:
		var backup io.ReadCloser
		if backup, err = c.Backup(ctx); err == nil {
			_, err = io.Copy(io.Discard, backup)
			err = errors.Join(err, backup.Close())
		}
	case 5:
		_, err = c.Check(ctx, wire.CheckRequest{})
	default:
		time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
	}
	var refused *wire.Error // another reembedding or backup is going on, or there is nothing to drop
	return err == nil || errors.As(err, &refused)
}

// checkStore makes sure that the store and its indexes have no fault. That an index was cut off by the crash, and was made anew when it
// was opened, is said too, and is none.
func checkStore(t *testing.T, c *client.Client) {
	t.Helper()
	report, err := c.Check(t.Context(), wire.CheckRequest{})
	remade := lo.CountBy(report.Faults, func(f wire.StoreFault) bool { return f.Kind == "keyword_index" && f.Outcome == "repaired" })
	if err != nil || report.Found != remade || report.InQuarantine != 0 {
		t.Errorf("check: %v, %+v", err, report)
	}
}

// upload sends one request and notes the acknowledgement. It answers false when the server is gone.
func upload(ctx context.Context, c *client.Client, l *ledger, r *rand.Rand, mine *[]string) bool {
	if len(*mine) > 0 && r.IntN(6) == 0 {
		id := (*mine)[r.IntN(len(*mine))]
		_, _, version := l.send(id, true)
		if _, err := c.Delete(ctx, "", wire.DeleteRequest{IDs: []string{id}}); err != nil {
			return false
		}
		l.ack(id, version)
		return true
	}
	if len(*mine) > 0 && r.IntN(8) == 0 {
		address := fmt.Sprint("https://example.org/", r.IntN(1000))
		_, err := c.Patch(ctx, "", (*mine)[r.IntN(len(*mine))], wire.DocumentPatch{URL: &address})
		var gone *wire.Error
		return err == nil || errors.As(err, &gone)
	}
	var docs []wire.Document
	versions := map[string]int{}
	for range 1 + r.IntN(12) {
		id := ""
		if len(*mine) > 0 && r.IntN(4) == 0 {
			id = (*mine)[r.IntN(len(*mine))]
		}
		if versions[id] > 0 {
			continue // once in a request
		}
		id, number, version := l.send(id, false)
		versions[id] = version
		docs = append(docs, wire.Document{
			ID: id, Text: crashText(number, version), Metadata: crashMetadata(number, version),
		})
	}
	wait := 30 * r.IntN(2)
	job, err := c.Ingest(ctx, "", docs, wait)
	if err != nil || job.Failed > 0 {
		return false
	}
	for id, version := range versions {
		l.ack(id, version)
		*mine = append(*mine, id)
	}
	return true
}

var crashWords = strings.Fields(`amber anvil arch badger barley basin beacon birch bolt bridge candle canyon cedar chalk
	cinder clover cobalt copper coral crane dagger dune ember falcon fern flint forge glacier granite harbour hazel heron
	iron ivory jade juniper kelp lantern larch ledger lichen linen lotus maple marble meadow mercury moss nectar oak
	obsidian onyx opal orchard otter pebble pepper pine plum quarry quartz raven reed river saffron sage salmon slate
	spruce sparrow thistle timber topaz valley velvet walnut willow zephyr`)

// crashText is a text that no other document or version has. Every seventh is long enough for several chunks.
func crashText(number, version int) string {
	r := rand.New(rand.NewPCG(uint64(number), uint64(version)))
	sentences := 1
	if number%7 == 0 {
		sentences = 30
	}
	var b strings.Builder
	for range sentences {
		for i := range 12 {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(crashWords[r.IntN(len(crashWords))])
		}
		b.WriteString(". ")
	}
	fmt.Fprintf(&b, "Entry %d, revision %d.", number, version)
	return b.String()
}

func crashMetadata(number, version int) jsontext.Value {
	return jsontext.Value(fmt.Sprintf(`{"n":%d,"version":%d}`, number, version))
}

// verify holds the store against the ledger, once it has done what it was working on.
func verify(t *testing.T, c *client.Client, l *ledger, ids []string) {
	t.Helper()
	last, err := c.Ingest(t.Context(), "", []wire.Document{{ID: "last", Text: "What was acknowledged before this is done before it."}}, 600)
	if err != nil || last.Status != "done" {
		t.Fatalf("the store does not come to an end with its work: %+v, %v", last, err)
	}
	for _, id := range ids {
		e := l.docs[id]
		version, err := storedVersion(t, c, id, e)
		if err != nil {
			t.Errorf("%s: %v (acknowledged version %d of %d)", id, err, e.acked, e.sent)
			continue
		}
		// What was sent and not acknowledged may have been done or not; from here on, what is there counts.
		l.ack(id, version)
		e.sent = max(e.sent, version)
	}
}

// storedVersion is the version that the server has now: the acknowledged one, or one that was sent after it.
func storedVersion(t *testing.T, c *client.Client, id string, e *entry) (int, error) {
	ctx, deadline := t.Context(), time.Now().Add(time.Minute)
	for {
		doc, err := c.Document(ctx, "", id)
		version, problem := judge(doc, err, e)
		if problem == nil && err == nil {
			problem = searchable(ctx, c, id, e, doc)
		}
		// An acknowledged job goes on after the restart, so a document may take a moment to appear.
		if problem == nil || time.Now().After(deadline) {
			return version, problem
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func judge(doc wire.StoredDocument, err error, e *entry) (int, error) {
	var gone *wire.Error
	if errors.As(err, &gone) && gone.Type == "not_found_error" {
		for v := e.acked; v <= e.sent; v++ {
			if v == 0 || e.deleted[v] {
				return v, nil
			}
		}
		return 0, errors.New("it is gone")
	}
	if err != nil {
		return 0, err
	}
	for v := max(e.acked, 1); v <= e.sent; v++ {
		if !e.deleted[v] && *doc.Text == crashText(e.number, v) {
			return v, nil
		}
	}
	return 0, fmt.Errorf("it has a text that is older than what was acknowledged: %.80q", *doc.Text)
}

// searchable makes sure that a document's own text finds it first, and that it is in the index once.
func searchable(ctx context.Context, c *client.Client, id string, e *entry, doc wire.StoredDocument) error {
	one := 1
	text := (*doc.Text)[doc.Chunks[0].Start:doc.Chunks[0].End]
	answer, err := c.Search(ctx, "", wire.SearchRequest{Query: text, Limit: &one})
	if err != nil {
		return err
	}
	if len(answer.Hits) != 1 || answer.Hits[0].DocumentID != id {
		return fmt.Errorf("its own text does not find it first, but %+v", answer.Hits)
	}
	// A least relevance makes the answer count what the index holds, not what the store says.
	chunks, err := c.Search(ctx, "", wire.SearchRequest{
		Query: text, GroupBy: "chunk", MinRelevance: 1e-12, Filter: jsontext.Value(fmt.Sprintf(`{"n":%d}`, e.number)),
	})
	if err != nil {
		return err
	}
	if chunks.Total != doc.ChunkCount {
		return fmt.Errorf("the index has %d chunks of it, the store %d", chunks.Total, doc.ChunkCount)
	}
	return nil
}

package ingest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/samber/lo"
	"golang.org/x/sync/errgroup"

	"searchd/internal/cores"
	"searchd/models"
	"searchd/models/db"
)

// Limits of what an intake holds in memory before it writes to the store.
const (
	intakeItems = 500
	intakeBytes = 4 << 20
	itemBytes   = 1 << 10 // what an item counts for beside its payload
	largeUpload = 16      // documents: from here on it is worth threads of their own
)

// Intake turns the documents of one request into a job. Documents come one at a time, so that a body may be larger than
// memory; a bad one fails alone.
type Intake struct {
	OnConflict models.OnConflict // of documents that are there; may be set before the first Add
	Chunking   models.Chunking   // of all documents; likewise

	service    *Service
	collection models.Collection
	job        models.Job
	seen       map[string]int // position by id
	buffer     []models.JobItem
	bytes      int
	next       int
	valid      int
	firstError error
	rehearsal  *rehearsal // nil where documents are kept

	raw      []raw // documents as they were sent, which nobody has looked into yet
	rawBytes int
	decode   Decode

	looking    *errgroup.Group // looks into the parts before raw; nil where there are none
	lookingCtx context.Context // ends when that fails
	before     chan struct{}   // is closed when the last part was looked into
}

// Decode reads a document as it was sent. It is called from several goroutines.
type Decode func(sent []byte) (models.Draft, error)

// raw is a document as it was sent, and its place in the request.
type raw struct {
	at   string
	sent []byte
	hash []byte // of sent, and of how it is to be split
}

// payload is a checked document as a job keeps it.
type payload struct {
	Title    string           `json:"title,omitempty"`
	URL      string           `json:"url,omitempty"`
	Text     string           `json:"text"`
	Metadata string           `json:"metadata"`
	Sections []models.Section `json:"sections,omitempty"`
	Vector   []byte           `json:"vector,omitempty"` // as db.EncodeVector has it
	Sent     []byte           `json:"sent,omitempty"`   // see raw

	OnConflict models.OnConflict `json:"on_conflict,omitempty"`
	Chunking   models.Chunking   `json:"chunking,omitempty"`
}

// Begin starts an intake into a collection.
func (s *Service) Begin(c models.Collection) *Intake {
	return &Intake{
		service: s, collection: c, seen: map[string]int{},
		job: models.Job{ID: newJobID(), Kind: models.IngestJob, CollectionID: c.ID, Collection: c.Name},
	}
}

// Read takes the next document in as it was sent, which decode reads where that is needed: one that is stored just as it was
// sent before is known by its bytes. at is as for Add; either Add or Read is called for the documents of an intake.
func (in *Intake) Read(ctx context.Context, at string, sent []byte, decode Decode) error {
	h := sha256.New()
	h.Write([]byte(cmp.Or(in.Chunking, models.AutoChunks) + "\n"))
	h.Write(sent)
	in.raw = append(in.raw, raw{at: at, sent: bytes.Clone(sent), hash: h.Sum(nil)[:16]})
	in.rawBytes += len(sent)
	if in.decode == nil { // the same for all; others read it meanwhile
		in.decode = decode
	}
	if len(in.raw) >= intakeItems || in.rawBytes >= intakeBytes {
		return in.lookAhead(ctx)
	}
	return nil
}

// lookAhead looks into the documents that were read, while the next are. Which of them are known is asked beside what is done
// about those before.
func (in *Intake) lookAhead(ctx context.Context) error {
	if in.looking == nil {
		in.looking, in.lookingCtx = errgroup.WithContext(ctx)
		in.looking.SetLimit(2)
	}
	ctx = in.lookingCtx
	list, before, done := in.raw, in.before, make(chan struct{})
	in.raw, in.rawBytes, in.before = nil, 0, done
	in.looking.Go(func() error {
		defer close(done)
		known, err := in.known(ctx, list)
		if err != nil {
			return err
		}
		if before != nil {
			<-before
		}
		if err := ctx.Err(); err != nil { // those before have failed
			return err
		}
		return in.lookInto(ctx, list, known)
	})
	if ctx.Err() != nil {
		return in.looked()
	}
	return nil
}

// looked waits until nobody looks into documents any more.
func (in *Intake) looked() error {
	if in.looking == nil {
		return nil
	}
	err := in.looking.Wait()
	in.looking, in.before = nil, nil
	return err
}

// look looks into all documents that were read.
func (in *Intake) look(ctx context.Context) error {
	if err := in.looked(); err != nil {
		return err
	}
	list := in.raw
	in.raw, in.rawBytes = nil, 0
	known, err := in.known(ctx, list)
	if err != nil {
		return err
	}
	return in.lookInto(ctx, list, known)
}

// lookInto decides what becomes of documents: those that are known need no more.
func (in *Intake) lookInto(ctx context.Context, list []raw, known map[string]models.Document) error {
	var err error
	drafts := decodeAll(list, known, in.decode)
	for i, r := range list {
		if doc, there := known[string(r.hash)]; there {
			err = in.addKnown(ctx, r.at, doc)
		} else {
			err = in.add(ctx, r.at, drafts[i].draft, models.Within(r.at, drafts[i].err), r.hash)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decoded is what a document that was sent says, or why that cannot be read.
type decoded struct {
	draft models.Draft
	err   error
}

// decodeAll reads the documents that are not known. Those of a large upload are read in the background: whoever sends it
// waits for more than that.
func decodeAll(list []raw, known map[string]models.Document, decode Decode) []decoded {
	drafts := make([]decoded, len(list))
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < len(list); i = int(next.Add(1)) - 1 {
			if _, there := known[string(list[i].hash)]; !there {
				drafts[i].draft, drafts[i].err = decode(list[i].sent)
			}
		}
	}
	if len(list) < largeUpload {
		work()
		return drafts
	}
	var wait sync.WaitGroup
	for range cores.Count() {
		wait.Go(func() {
			cores.Lower()
			work()
		})
	}
	wait.Wait()
	return drafts
}

// still is the collection as it is now, whose model may have been changed since the body began, and whether nothing waits
// that may still change its documents.
func (in *Intake) still(ctx context.Context) (models.Collection, bool, error) {
	c, err := in.service.db.LiveOf(ctx, in.collection.ID)
	if err != nil {
		return c, false, err
	}
	waiting, err := in.service.db.Waiting(ctx, c.ID)
	return c, !waiting, err
}

// known are the documents that are stored just as they were sent, by hash, where it makes no difference whether that is said
// now or in their turn.
func (in *Intake) known(ctx context.Context, list []raw) (map[string]models.Document, error) {
	if in.rehearsal != nil || in.OnConflict != "" && in.OnConflict != models.Replace {
		return nil, nil
	}
	c, still, err := in.still(ctx)
	if err != nil || !still {
		return nil, err
	}
	return in.service.db.Sent(ctx, c.ID, lo.Map(list, func(r raw, _ int) []byte { return r.hash }))
}

func (in *Intake) addKnown(ctx context.Context, at string, doc models.Document) error {
	if err := models.Within(at, in.once(doc.ID)); err != nil {
		return in.put(ctx, failed(models.JobItem{DocumentID: doc.ID}, err), err)
	}
	return in.put(ctx, models.JobItem{DocumentID: doc.ID, Status: models.ItemUnchanged, Chunks: doc.Chunks, Tokens: doc.Tokens}, nil)
}

// Add takes the next document in. at is its place in the request, as in documents[3]. decodeErr says that it could not
// even be read. The error of a bad document is kept for its result; Add itself fails only when the store does.
func (in *Intake) Add(ctx context.Context, at string, draft models.Draft, decodeErr error) error {
	return in.add(ctx, at, draft, decodeErr, nil)
}

func (in *Intake) add(ctx context.Context, at string, draft models.Draft, decodeErr error, sent []byte) error {
	err := decodeErr
	if err == nil {
		err = in.check(at, &draft)
	}
	item := models.JobItem{Status: models.ItemPending}
	if models.CheckID("id", draft.ID) == nil {
		item.DocumentID = draft.ID
	}
	if err == nil {
		item.Payload, err = json.Marshal(payload{
			Title: draft.Title, URL: draft.URL, Text: draft.Text, Metadata: draft.Metadata.JSON, Sections: draft.Sections, Vector: db.EncodeVector(draft.Vector),
			OnConflict: in.OnConflict, Chunking: in.Chunking, Sent: sent,
		})
	}
	if err != nil {
		item = failed(item, err)
	}
	return in.put(ctx, item, err)
}

// put takes an item in; err says why it is not good.
func (in *Intake) put(ctx context.Context, item models.JobItem, err error) error {
	item.Position = in.next
	in.next++
	if err == nil {
		in.valid++
	} else {
		in.firstError = cmp.Or(in.firstError, err)
	}
	in.buffer = append(in.buffer, item)
	in.bytes += len(item.Payload) + itemBytes
	if in.bytes >= intakeBytes {
		return in.flush(ctx, false)
	}
	return nil
}

func (in *Intake) check(at string, draft *models.Draft) error {
	if err := draft.Check(in.collection.Dimensions); err != nil {
		return models.Within(at, err)
	}
	return models.Within(at, in.once(draft.ID))
}

// once notes an id, and fails where it was there before.
func (in *Intake) once(id string) error {
	if first, double := in.seen[id]; double {
		return models.Errorf(models.Invalid, "id", "%q stands in this request twice, first as document %d; send each document once", id, first)
	}
	in.seen[id] = in.next
	return nil
}

func (in *Intake) flush(ctx context.Context, whole bool) error {
	if in.rehearsal != nil {
		if err := in.rehearsal.take(ctx, in.buffer); err != nil {
			return err
		}
	} else if err := in.keep(ctx, whole); err != nil {
		return fmt.Errorf("keep the job: %w", err)
	}
	in.buffer, in.bytes = nil, 0
	return nil
}

func (in *Intake) keep(ctx context.Context, whole bool) error {
	if err := in.settle(ctx); err != nil {
		return err
	}
	if err := in.service.db.Accept(ctx, &in.job, in.buffer, whole); err != nil {
		return err
	}
	for _, item := range in.buffer {
		if item.Status == models.ItemUnchanged {
			in.service.opts.Observe(item)
		}
	}
	return nil
}

// settle ends the items whose documents are stored just as they were sent, so that nothing of them waits. It does so only
// where no earlier job may still change those documents: then it makes no difference whether they are compared now or in
// their turn.
func (in *Intake) settle(ctx context.Context) error {
	c, still, err := in.still(ctx)
	if err != nil || !still {
		return err
	}
	for some := range slices.Chunk(in.buffer, intakeItems) {
		if err := in.settleSome(ctx, c, some); err != nil {
			return err
		}
	}
	return nil
}

func (in *Intake) settleSome(ctx context.Context, c models.Collection, items []models.JobItem) error {
	pending := lo.Filter(items, func(item models.JobItem, _ int) bool { return item.Status == models.ItemPending })
	if len(pending) == 0 {
		return nil
	}
	stored, err := in.service.stored(ctx, c, pending)
	if err != nil || len(stored) == 0 {
		return err
	}
	for i, item := range items {
		old, there := stored[item.DocumentID]
		if !there || item.Status != models.ItemPending {
			continue
		}
		p, doc, metadata, err := read(c, item)
		if err != nil {
			continue
		}
		if r, _ := compare(item, p, old, doc, metadata); r.Item.Status == models.ItemUnchanged {
			items[i], items[i].Payload = r.Item, nil
		}
	}
	return nil
}

// Repeatable gives the job the key of its request, and the hash of what that said, before Commit.
func (in *Intake) Repeatable(key string, hash []byte) {
	in.job.IdempotencyKey, in.job.RequestHash = key, hash
}

// Commit ends the intake: when it returns without an error, the documents are kept. Where not one of them is good,
// nothing is kept, and the first one's error is answered.
func (in *Intake) Commit(ctx context.Context) (models.Job, error) {
	if err := in.look(ctx); err != nil {
		return models.Job{}, err
	}
	if err := in.anyGood(ctx); err != nil {
		return models.Job{}, err
	}
	if err := in.flush(ctx, true); err != nil {
		return models.Job{}, err
	}
	if in.job.Status.Finished() {
		in.service.prune(ctx)
	} else {
		in.service.poke()
	}
	return in.job, nil
}

func (in *Intake) anyGood(ctx context.Context) error {
	switch {
	case in.next == 0:
		return models.Errorf(models.Invalid, "documents", "has no documents; give at least one")
	case in.valid == 0:
		return errors.Join(in.firstError, in.Abort(ctx))
	}
	return nil
}

// Abort forgets what was taken in so far.
func (in *Intake) Abort(ctx context.Context) error {
	_ = in.looked() // whose error is about what is forgotten
	if in.job.Seq == 0 {
		return nil
	}
	return in.service.db.DropJob(context.WithoutCancel(ctx), in.job.Seq)
}

package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"searchd/models"
	"searchd/models/db"
)

// Limits of what an intake holds in memory before it writes to the store.
const (
	intakeItems = 500
	intakeBytes = 4 << 20
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
}

// payload is a checked document as a job keeps it.
type payload struct {
	Title    string           `json:"title,omitempty"`
	URL      string           `json:"url,omitempty"`
	Text     string           `json:"text"`
	Metadata string           `json:"metadata"`
	Sections []models.Section `json:"sections,omitempty"`
	Vector   []byte           `json:"vector,omitempty"` // as db.EncodeVector has it

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

// Add takes the next document in. at is its place in the request, as in documents[3]. decodeErr says that it could not
// even be read. The error of a bad document is kept for its result; Add itself fails only when the store does.
func (in *Intake) Add(ctx context.Context, at string, draft models.Draft, decodeErr error) error {
	err := decodeErr
	if err == nil {
		err = in.check(at, &draft)
	}
	item := models.JobItem{Position: in.next, Status: models.ItemPending}
	in.next++
	if models.CheckID("id", draft.ID) == nil {
		item.DocumentID = draft.ID
	}
	if err == nil {
		item.Payload, err = json.Marshal(payload{
			Title: draft.Title, URL: draft.URL, Text: draft.Text, Metadata: draft.Metadata.JSON, Sections: draft.Sections, Vector: db.EncodeVector(draft.Vector),
			OnConflict: in.OnConflict, Chunking: in.Chunking,
		})
	}
	if err == nil {
		in.valid++
	} else {
		item = failed(item, err)
		in.firstError = cmp.Or(in.firstError, err)
	}
	in.buffer = append(in.buffer, item)
	in.bytes += len(item.Payload)
	if len(in.buffer) >= intakeItems || in.bytes >= intakeBytes {
		return in.flush(ctx, false)
	}
	return nil
}

func (in *Intake) check(at string, draft *models.Draft) error {
	if err := draft.Check(in.collection.Dimensions); err != nil {
		return models.Within(at, err)
	}
	if first, double := in.seen[draft.ID]; double {
		field := models.Within(at, models.Errorf(models.Invalid, "id", "%q stands in this request twice, first as document %d; send each document once", draft.ID, first))
		return field
	}
	in.seen[draft.ID] = in.next
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
	waiting, err := in.service.db.Waiting(ctx, in.collection.ID)
	if err != nil || waiting {
		return err
	}
	stored, err := in.service.stored(ctx, in.collection, in.buffer)
	if err != nil || len(stored) == 0 {
		return err
	}
	for i, item := range in.buffer {
		old, there := stored[item.DocumentID]
		if !there || item.Status != models.ItemPending {
			continue
		}
		p, doc, metadata, err := read(in.collection, item)
		if err != nil {
			continue
		}
		if r, _ := compare(item, p, old, doc, metadata); r.Item.Status == models.ItemUnchanged {
			in.buffer[i], in.buffer[i].Payload = r.Item, nil
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
	if err := in.anyGood(ctx); err != nil {
		return models.Job{}, err
	}
	if err := in.flush(ctx, true); err != nil {
		return models.Job{}, err
	}
	in.service.poke()
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
	if in.job.Seq == 0 {
		return nil
	}
	return in.service.db.DropJob(context.WithoutCancel(ctx), in.job.Seq)
}

package api

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"
	"github.com/samber/lo"

	"searchd/api/wire"
	"searchd/ingest"
	"searchd/models"
	"searchd/models/db"
)

// addDocuments takes documents in as JSON (one object, {"documents":[…]}, a list, or one object a line), or as files.
func (s *Server) addDocuments(c *fiber.Ctx) error {
	p := query(c, "wait", "on_conflict", "chunking", "dry_run", "model")
	wait, how, dryRun, model := p.wait(), terms{p.onConflict(), p.chunking()}, p.bool("dry_run"), p.optional("model")
	if model != nil && !dryRun {
		p.fail(models.Errorf(models.Invalid, "model", "is of a collection that would be made, with dry_run; to make one, POST /collections"))
	}
	if p.err != nil {
		return p.err
	}
	kind, err := mediaType(c)
	if err != nil {
		return err
	}
	if dryRun {
		return s.previewDocuments(c, kind, how, model)
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	job, err := s.takeIn(c, collection, kind, how)
	if err != nil {
		return err
	}
	return s.sendWhenDone(c, job, wait)
}

// terms are how the documents of a request are taken in.
type terms struct {
	onConflict models.OnConflict
	chunking   models.Chunking
}

// takeIn makes a job of a body, or finds the one that the same request has made before.
func (s *Server) takeIn(c *fiber.Ctx, collection models.Collection, kind string, how terms) (models.Job, error) {
	// An upload may take longer than other requests; the server's read timeout ends one that stands still.
	ctx := context.Background()
	in := s.Ingest.Begin(collection)
	in.OnConflict, in.Chunking = how.onConflict, how.chunking
	key, err := idempotencyKey(c)
	switch {
	case err != nil:
		return models.Job{}, err
	case key == "":
		return s.receive(ctx, c, kind, in, nil)
	}
	release, err := s.Ingest.Claim(key)
	if err != nil {
		return models.Job{}, err
	}
	defer release()
	request := newRepeatable(key, collection.Name, kind, string(how.onConflict), string(how.chunking))
	earlier, err := s.Ingest.Earlier(ctx, key)
	if err != nil {
		return models.Job{}, err
	}
	if earlier != nil {
		return request.again(ctx, c, kind, *earlier)
	}
	return s.receive(ctx, c, kind, in, request)
}

// receive makes a job of a body. What cannot be read whole leaves nothing behind.
func (s *Server) receive(ctx context.Context, c *fiber.Ctx, kind string, in *ingest.Intake, request *repeatable) (models.Job, error) {
	sum := io.Discard
	if request != nil {
		sum = request.sum
	}
	if kind != typeForm { // of which the boundary is another each time
		sumBody(c, sum)
	}
	if err := readDocuments(ctx, c, kind, in, sum); err != nil {
		if gone := in.Abort(ctx); gone != nil {
			s.Log.Error("intake not dropped", "error", gone)
		}
		return models.Job{}, err
	}
	if request != nil {
		in.Repeatable(request.key, request.sum.Sum(nil))
	}
	return in.Commit(ctx)
}

func readDocuments(ctx context.Context, c *fiber.Ctx, kind string, in *ingest.Intake, sum io.Writer) error {
	switch kind {
	case typeJSON:
		return addJSON(ctx, c, in)
	case typeNDJSON, "application/jsonl", "application/x-jsonlines":
		return addLines(ctx, c, in)
	case typeForm:
		return addFiles(ctx, c, in, sum)
	}
	return models.Errorf(models.UnsupportedMedia, "", "the Content-Type is %.64q; send application/json, one document a line as %s, or files as %s", kind, typeNDJSON, typeForm)
}

// intake is the part of ingest.Intake that reading a body needs.
type intake interface {
	Read(ctx context.Context, at string, sent []byte, decode ingest.Decode) error
}

func addJSON(ctx context.Context, c *fiber.Ctx, in intake) error {
	body, err := readBody(c)
	if err != nil {
		return err
	}
	list, single, err := documentsOf(body)
	if err != nil {
		return err
	}
	if len(list) > maxDocuments {
		return models.Errorf(models.TooLarge, "documents", "has %d documents; at most %d go into one body: send several, or stream them as %s", len(list), maxDocuments, typeNDJSON)
	}
	for i, raw := range list {
		at := fmt.Sprintf("documents[%d]", i)
		if single {
			at = ""
		}
		if err := in.Read(ctx, at, raw, decodeDraft); err != nil {
			return err
		}
	}
	return nil
}

// documentsOf finds the documents in a body. single says that the body is itself the document.
func documentsOf(body []byte) (list []jsontext.Value, single bool, err error) {
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) > 0 && trimmed[0] == '[' {
		err = decode(body, &list)
		return list, false, within("documents", err)
	}
	// What stands beside "documents" decides which of the two forms this is, whatever the order of the fields.
	var members map[string]jsontext.Value
	if err := decode(body, &members); err != nil {
		return nil, false, err
	}
	if _, ok := members["documents"]; !ok {
		return []jsontext.Value{trimmed}, true, nil
	}
	var wrapped struct {
		Documents []jsontext.Value `json:"documents"`
	}
	err = decode(body, &wrapped)
	return wrapped.Documents, false, err
}

// within is models.Within for an error that may be nil, or about no field at all.
func within(prefix string, err error) error {
	if err == nil || models.CodeOf(err) == models.Malformed {
		return err
	}
	return models.Within(prefix, err)
}

// decodeDraft reads one document. The id is answered even where the rest is bad, if it can be read.
func decodeDraft(raw []byte) (models.Draft, error) {
	var d wire.Document
	err := explainJSON(unmarshal(raw, &d, json.RejectUnknownMembers(true)))
	draft := models.Draft{ID: d.ID, Title: d.Title, URL: d.URL, Text: d.Text, Vector: d.Vector,
		Sections: lo.Map(d.Sections, func(s wire.Section, _ int) models.Section { return models.Section(s) })}
	if err != nil {
		return draft, err
	}
	draft.Metadata, err = models.ParseMetadata(d.Metadata)
	if err != nil {
		return draft, models.Within("metadata", err)
	}
	return draft, checkGivenID(raw, d.ID)
}

// checkGivenID tells an empty id, which is a mistake, from none, which asks for one.
func checkGivenID(raw []byte, id string) error {
	if id != "" {
		return nil
	}
	var given struct {
		ID *string `json:"id"`
	}
	if err := json.Unmarshal(raw, &given); err == nil && given.ID != nil {
		return models.Errorf(models.Invalid, "id", "is empty; leave it out to have one made from the content")
	}
	return nil
}

func (s *Server) readDocument(c *fiber.Ctx) error {
	collection, id, err := s.target(c)
	if err != nil {
		return err
	}
	doc, err := s.DB.Document(c.UserContext(), collection.ID, id)
	if err != nil {
		return err
	}
	chunks, err := s.DB.ChunksOf(c.UserContext(), doc.Seq)
	if err != nil {
		return err
	}
	sections, err := models.DecodeSections(doc.Sections)
	if err != nil {
		return fmt.Errorf("sections of document %q: %w", id, err)
	}
	answer := wireDocument(collection, doc)
	answer.Text = &doc.Text
	answer.Sections = lo.Map(sections, func(s models.Section, _ int) wire.Section { return wire.Section(s) })
	answer.Chunks = lo.Map(chunks, func(c models.Chunk, _ int) wire.Chunk { return wireChunk(c) })
	return send(c, answer)
}

// target is the collection and the document that a path names.
func (s *Server) target(c *fiber.Ctx) (models.Collection, string, error) {
	if p := query(c); p.err != nil {
		return models.Collection{}, "", p.err
	}
	id, err := pathID(c)
	if err != nil {
		return models.Collection{}, "", err
	}
	collection, err := s.collection(c)
	return collection, id, err
}

func (s *Server) listDocuments(c *fiber.Ctx) error {
	p := query(c, "filter", "limit", "cursor")
	page, filter := p.page(), p.filter("filter")
	if p.err != nil {
		return p.err
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	allow, err := s.DB.Match(c.UserContext(), collection.ID, filter)
	if err != nil {
		return err
	}
	docs, err := s.DB.Documents(c.UserContext(), collection.ID, allow, page)
	if err != nil {
		return err
	}
	docs, next := shown(docs, page, func(d models.Document) string { return d.ID })
	return send(c, wire.DocumentList{
		Documents:  lo.Map(docs, func(d models.Document, _ int) wire.StoredDocument { return wireDocument(collection, d) }),
		Total:      totalDocuments(collection, allow),
		NextCursor: next,
	})
}

func totalDocuments(collection models.Collection, allow *roaring64.Bitmap) int {
	if allow == nil {
		return collection.Documents
	}
	return db.CountDocuments(allow)
}

func (s *Server) patchDocument(c *fiber.Ctx) error {
	collection, id, err := s.target(c)
	if err != nil {
		return err
	}
	var body wire.DocumentPatch
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	patch, err := documentPatch(body)
	if err != nil {
		return err
	}
	doc, err := s.Ingest.Patch(c.UserContext(), collection, id, patch)
	if err != nil {
		return err
	}
	return send(c, wireDocument(collection, doc))
}

func documentPatch(body wire.DocumentPatch) (db.Patch, error) {
	patch := db.Patch{ID: body.ID, Title: body.Title, URL: body.URL}
	if body.ID == nil && body.Title == nil && body.URL == nil && body.Metadata == nil {
		return patch, models.Errorf(models.Invalid, "", "changes nothing; give id, title, url or metadata (a new text is sent with POST /documents)")
	}
	if body.ID != nil {
		if err := models.CheckID("id", *body.ID); err != nil {
			return patch, err
		}
	}
	if body.Metadata != nil {
		m, err := models.ParseMetadata(body.Metadata)
		if err != nil {
			return patch, models.Within("metadata", err)
		}
		patch.Metadata = &m
	}
	return patch, models.CheckTitleAndURL(body.Title, body.URL)
}

func (s *Server) deleteDocument(c *fiber.Ctx) error {
	collection, id, err := s.target(c)
	if err != nil {
		return err
	}
	n, err := s.Ingest.Delete(c.UserContext(), collection, []string{id})
	if err == nil && n == 0 {
		err = models.Errorf(models.NotFound, "id", "there is no document %q in this collection", id)
	}
	if err != nil {
		return err
	}
	return send(c, wire.Deleted{Deleted: n})
}

func (s *Server) deleteDocuments(c *fiber.Ctx) error {
	if p := query(c); p.err != nil {
		return p.err
	}
	var body wire.DeleteRequest
	if err := decodeBody(c, &body); err != nil {
		return err
	}
	if (body.IDs == nil) == (body.Filter == nil) {
		return models.Errorf(models.Invalid, "ids", "and filter: give one of them, and only one")
	}
	filter, err := parseFilter(body.Filter)
	if err != nil {
		return err
	}
	collection, err := s.collection(c)
	if err != nil {
		return err
	}
	var n int
	if body.IDs != nil {
		n, err = s.Ingest.Delete(c.UserContext(), collection, body.IDs)
	} else {
		n, err = s.Ingest.DeleteMatching(c.UserContext(), collection, filter)
	}
	if err != nil {
		return err
	}
	return send(c, wire.Deleted{Deleted: n})
}

func wireDocument(collection models.Collection, doc models.Document) wire.StoredDocument {
	return wire.StoredDocument{
		ID: doc.ID, Collection: collection.Name, Title: doc.Title, URL: doc.URL, Metadata: jsontext.Value(doc.Metadata),
		ChunkCount: doc.Chunks, Tokens: doc.Tokens, CreatedAt: doc.CreatedAt.UTC(), UpdatedAt: doc.UpdatedAt.UTC(),
	}
}

func wireChunk(c models.Chunk) wire.Chunk {
	return wire.Chunk{Index: models.ChunkIndex(c.ID), Start: c.Start, End: c.End, Tokens: c.Tokens}
}

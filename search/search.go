package search

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/hf"
	"searchd/index"
	"searchd/models"
	"searchd/models/db"
)

// Mode is how hits are found.
type Mode string

const (
	Hybrid   Mode = "hybrid"
	Semantic Mode = "semantic"
	Lexical  Mode = "lexical"
)

// Group says what one hit is.
type Group string

const (
	ByDocument Group = "document" // a document, shown by its best chunk
	ByChunk    Group = "chunk"
)

// Limits of one request.
const (
	MaxLimit      = 1000
	MaxOffset     = 100_000
	MaxQueryBytes = 64 << 10
	DefaultLimit  = 10
)

// Request asks for hits Offset to Offset+Limit of a collection. Exactly one of Query and Vector is set.
type Request struct {
	Query        string
	Vector       []float32
	Mode         Mode  // empty means Hybrid
	Group        Group // empty means ByDocument
	Limit        int
	Offset       int
	Filter       *models.Filter
	MinRelevance float64 // 0 to 1
}

// Response is a page of hits.
type Response struct {
	Hits           []Hit
	Total          int  // hits in all pages, exact
	Mode           Mode // the one that was used
	Model          string
	QueryTokens    int  // read by the model
	QueryTruncated bool // the query was longer than the model reads
}

// Hit is a passage and how near it is.
type Hit struct {
	Document  models.Document // without its text
	Chunk     models.Chunk    // without its vector
	Text      string          // of the chunk
	Score     float32         // cosine
	Relevance float64         // 0 to 1, the same for every model
}

// Service answers searches.
type Service struct {
	db     *db.DB
	index  *index.Registry
	models hf.Models
	log    *slog.Logger
}

// New makes a service on an open store.
func New(store *db.DB, registry *index.Registry, available hf.Models, log *slog.Logger) *Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Service{db: store, index: registry, models: available, log: log}
}

// Search answers a request. Equal scores stand in the order in which the documents were taken in, so that pages never
// overlap.
func (s *Service) Search(ctx context.Context, c models.Collection, r Request) (Response, error) {
	r.Mode, r.Group = cmp.Or(r.Mode, Hybrid), cmp.Or(r.Group, ByDocument)
	if err := check(r, c); err != nil {
		return Response{}, err
	}
	m, err := hf.ModelOf(s.models, c)
	if err != nil {
		return Response{}, err
	}
	answer := Response{Mode: Semantic, Model: c.Model}
	vector, err := s.vector(ctx, m, r, &answer)
	if err != nil {
		return Response{}, err
	}
	allow, err := s.db.Match(ctx, c.ID, r.Filter)
	if err != nil {
		return Response{}, fmt.Errorf("filter: %w", err)
	}
	x, err := s.index.Get(ctx, c.ID, c.Dimensions)
	if err != nil {
		return Response{}, err
	}
	null := m.Card().Null
	q := index.Query{Vector: vector, Allow: allow, MinScore: minScore(r.MinRelevance, null)}
	found, total, err := s.find(ctx, x, q, r, c, allow)
	if err != nil {
		return Response{}, err
	}
	answer.Total = total
	answer.Hits, err = s.describe(ctx, found, null)
	return answer, err
}

func check(r Request, c models.Collection) error {
	switch {
	case r.Mode == Lexical:
		return models.Errorf(models.Invalid, "mode", `"lexical" is not there yet; use "semantic" or "hybrid"`)
	case r.Mode != Hybrid && r.Mode != Semantic:
		return models.Errorf(models.Invalid, "mode", `%.32q is not a mode; use "hybrid" or "semantic"`, r.Mode)
	case r.Group != ByDocument && r.Group != ByChunk:
		return models.Errorf(models.Invalid, "group_by", `%.32q is not a group; use "document" or "chunk"`, r.Group)
	case r.Limit < 1 || r.Limit > MaxLimit:
		return models.Errorf(models.Invalid, "limit", "is %d; it can be 1 to %d", r.Limit, MaxLimit)
	case r.Offset < 0 || r.Offset > MaxOffset:
		return models.Errorf(models.Invalid, "offset", "is %d; it can be 0 to %d", r.Offset, MaxOffset)
	case !(r.MinRelevance >= 0 && r.MinRelevance <= 1):
		return models.Errorf(models.Invalid, "min_relevance", "is %v; it can be 0 to 1", r.MinRelevance)
	case r.Vector != nil && r.Query != "":
		return models.Errorf(models.Invalid, "vector", "stands beside query; give one of them")
	case r.Vector != nil:
		return models.CheckVector("vector", r.Vector, c.Dimensions)
	}
	return checkQuery(r.Query)
}

// vector is the query's place among the documents.
func (s *Service) vector(ctx context.Context, m hf.Model, r Request, answer *Response) ([]float32, error) {
	if r.Vector != nil {
		return models.Normalize(r.Vector), nil
	}
	e, err := m.Embed(ctx, hf.Query, []string{r.Query})
	if err != nil {
		return nil, fmt.Errorf("embed the query: %w", err)
	}
	answer.QueryTokens, answer.QueryTruncated = e[0].Tokens, e[0].Truncated
	return e[0].Vector, nil
}

// find answers the hits of the page, and how many there are in all.
func (s *Service) find(ctx context.Context, x index.Index, q index.Query, r Request, c models.Collection, allow *roaring64.Bitmap) ([]index.Hit, int, error) {
	if r.MinRelevance > 0 { // only the scores say how many there are
		q.K = max(x.Len(), 1)
		hits, err := x.Search(ctx, q)
		groups := group(hits, r.Group)
		return page(groups, r), len(groups), err
	}
	total := c.Documents
	switch {
	case r.Group == ByChunk && allow != nil:
		total = int(allow.GetCardinality())
	case r.Group == ByChunk:
		total = c.Chunks
	case allow != nil:
		total = db.CountDocuments(allow)
	}
	perHit := 1
	if r.Group == ByDocument && c.Documents > 0 {
		perHit = c.Chunks/c.Documents + 1
	}
	for q.K = (r.Offset + r.Limit) * perHit; ; q.K *= 2 {
		hits, err := x.Search(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		groups := group(hits, r.Group)
		if len(groups) >= r.Offset+r.Limit || len(hits) < q.K {
			return page(groups, r), total, nil
		}
	}
}

// group keeps the best chunk of each document.
func group(hits []index.Hit, by Group) []index.Hit {
	if by == ByChunk {
		return hits
	}
	seen := make(map[uint64]bool, len(hits))
	var groups []index.Hit
	for _, h := range hits {
		if seq := models.DocumentSeq(h.ID); !seen[seq] {
			seen[seq] = true
			groups = append(groups, h)
		}
	}
	return groups
}

func page(hits []index.Hit, r Request) []index.Hit {
	from := min(r.Offset, len(hits))
	return hits[from:min(from+r.Limit, len(hits))]
}

// describe adds what the store knows about each hit. A hit whose document has been deleted meanwhile is left out.
func (s *Service) describe(ctx context.Context, found []index.Hit, null hf.Null) ([]Hit, error) {
	ids := make([]uint64, len(found))
	for i, h := range found {
		ids[i] = h.ID
	}
	passages, err := s.db.Passages(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read the hits: %w", err)
	}
	hits := make([]Hit, 0, len(found))
	for _, h := range found {
		if p, ok := passages[h.ID]; ok {
			hits = append(hits, Hit{Document: p.Document, Chunk: p.Chunk, Text: p.Text, Score: h.Score, Relevance: relevance(h.Score, null)})
		}
	}
	return hits, nil
}

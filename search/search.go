package search

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

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
	answer := Response{Model: c.Model}
	vector, err := s.vector(ctx, m, r, &answer)
	if err != nil {
		return Response{}, err
	}
	allow, err := s.db.Match(ctx, c.ID, r.Filter)
	if err != nil {
		return Response{}, fmt.Errorf("filter: %w", err)
	}
	p := plan{mode: r.Mode, words: r.Query, vector: vector, allow: allow, least: r.MinRelevance, null: m.Card().Null}
	found, err := s.find(ctx, c, p, r, &answer)
	if err != nil {
		return Response{}, err
	}
	answer.Hits, err = s.describe(ctx, found)
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

// find answers the hits of the page, and puts into answer how many there are in all.
func (s *Service) find(ctx context.Context, c models.Collection, p plan, r Request, answer *Response) ([]scored, error) {
	perHit := 1
	if r.Group == ByDocument && c.Documents > 0 {
		perHit = c.Chunks/c.Documents + 1
	}
	for k := (r.Offset + r.Limit) * perHit; ; k *= 2 {
		ranked, err := s.rank(ctx, c, p, k)
		if err != nil {
			return nil, err
		}
		groups := group(ranked.hits, r.Group)
		if len(groups) < r.Offset+r.Limit && !ranked.complete {
			continue // a few documents have taken all places
		}
		answer.Mode, answer.Total = ranked.mode, ranked.chunks
		if r.Group == ByDocument {
			answer.Total = ranked.documents
		}
		return page(groups, r), nil
	}
}

// group keeps the best chunk of each document.
func group(hits []scored, by Group) []scored {
	if by == ByChunk {
		return hits
	}
	seen := make(map[uint64]bool, len(hits))
	var groups []scored
	for _, h := range hits {
		if seq := models.DocumentSeq(h.ID); !seen[seq] {
			seen[seq] = true
			groups = append(groups, h)
		}
	}
	return groups
}

func page(hits []scored, r Request) []scored {
	from := min(r.Offset, len(hits))
	return hits[from:min(from+r.Limit, len(hits))]
}

// describe adds what the store knows about each hit. A hit whose document has been deleted meanwhile is left out.
func (s *Service) describe(ctx context.Context, found []scored) ([]Hit, error) {
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
			hits = append(hits, Hit{Document: p.Document, Chunk: p.Chunk, Text: p.Text, Score: h.Score, Relevance: h.Relevance})
		}
	}
	return hits, nil
}

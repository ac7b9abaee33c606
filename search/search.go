package search

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"searchd/hf"
	"searchd/index"
	"searchd/index/lexical"
	"searchd/internal/lru"
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

// Request asks for hits Offset to Offset+Limit of a collection. Exactly one of Query, Vector and Like is set.
type Request struct {
	Query              string
	Vector             []float32
	Like               []string // documents, by id: find others like them
	Unlike             []string // documents, by id: turn away from them; beside any of the three
	Mode               Mode     // empty means Hybrid, which is Semantic where there is no Query
	Group              Group    // empty means ByDocument
	Limit              int
	Offset             int
	Cursor             string // NextCursor of the page before; then Offset is 0
	Filter             *models.Filter
	MinRelevance       float64     // 0 to 1
	Facets             []string    // metadata keys whose values are counted
	Diversity          float64     // 0, by score alone, to 1
	CollapseDuplicates bool        // show one of passages that are copies
	Rerank             bool        // let a cross-encoder order the best hits
	RerankModel        string      // empty means the first there is
	RerankProvider     string      // whose; empty means this process's
	Reranker           hf.Reranker `json:"-"` // of RerankProvider
	Neighbours         int         // chunks before and after each hit whose text is answered too
	Highlight          bool        // mark the sentences that are nearest to the question
	Exact              bool        // look at every vector, as no engine for many does of its own accord
}

// Response is a page of hits.
type Response struct {
	Hits           []Hit
	Total          int                 // hits in all pages, exact; on later pages of a walk that of the first
	NextCursor     string              // of the next page; empty where this is the last
	Facets         map[string]db.Facet // by key, over all hits
	Mode           Mode                // the one that was used
	Model          string
	QueryTokens    int     // read by the model
	QueryTruncated bool    // the query was longer than the model reads
	PhrasesMissing bool    // nothing has the phrases of the query, and hits need not
	WordWeight     float64 // what words count in a hybrid ranking; 0 until the collection has been measured
	Phases         []Phase // what took how long
}

// Phase is a part of the work. Some run at the same time.
type Phase struct {
	Name string
	Took time.Duration
}

// Hit is a passage and how near it is.
type Hit struct {
	Document      models.Document // without its text
	Chunk         models.Chunk    // without its vector
	Text          string          // of the chunk
	Score         float32         // orders, but for rerank and diversity
	Relevance     float64         // 0 to 1, the same for every model
	Why           Why
	Duplicates    []Duplicate     // copies of the passage, where they are collapsed
	Before, After db.Span         // the neighbours' text
	Highlights    []db.Span       // sentences, in the order of the text
	Location      models.Location // of the middle of the chunk
}

// Duplicate is a passage that its hit stands for.
type Duplicate struct {
	DocumentID string
	Chunk      int // its place in the document, from 0
}

// Why says where a hit comes from.
type Why struct {
	Place    int      // by score, from 1, before rerank and diversity
	Mode     Mode     // the one that was used: which of the legs have something to say
	Semantic Leg      // what the vectors say
	Lexical  Leg      // what the words say
	Feedback Leg      // what the best hits say; nothing where they were not asked
	Reranked *float32 // what the cross-encoder says; nil where it did not read the hit
}

// Service answers searches.
type Service struct {
	db      *db.DB
	index   *index.Registry
	words   *lexical.Registry
	models  hf.Models
	walks   *lru.Cache[[16]byte, *kept]
	read    *lru.Cache[uint64, []sentence] // of chunks
	maps    *lru.Cache[mapOf, *drawn]
	asked   *lru.Cache[asked, hf.Embedding]
	recalls sync.Map // a collection's id → the mean that was last measured
	log     *slog.Logger

	profiles sync.Map // a collection's id → *profiled
	stopped  context.Context
	stop     context.CancelFunc
	work     sync.WaitGroup // in the background
}

// New makes a service on an open store.
func New(store *db.DB, vectors *index.Registry, words *lexical.Registry, available hf.Models, log *slog.Logger) *Service {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		db: store, index: vectors, words: words, models: available, log: log,
		walks: lru.New[[16]byte, *kept](maxKept, keptIdle), read: lru.New[uint64, []sentence](maxSentences, 0),
		maps: lru.New[mapOf, *drawn](maxMaps, 0), asked: lru.New[asked, hf.Embedding](maxAsked, 0),
	}
	s.stopped, s.stop = context.WithCancel(context.Background())
	return s
}

// Close ends what goes on in the background.
func (s *Service) Close() {
	s.stop()
	s.work.Wait()
}

// Search answers a request. Equal scores stand in the order in which the documents were taken in, so that pages never
// overlap. Where the collection's model is changed meanwhile, it is answered by what is live then.
func (s *Service) Search(ctx context.Context, c models.Collection, r Request) (Response, error) {
	answer, err := s.search(ctx, c, r)
	if err == nil {
		return answer, nil
	}
	if live, gone := s.db.LiveOf(ctx, c.ID); gone == nil && live.ID != c.ID {
		return s.search(ctx, live, r)
	}
	return answer, err
}

func (s *Service) search(ctx context.Context, c models.Collection, r Request) (Response, error) {
	r.Mode, r.Group = cmp.Or(r.Mode, Hybrid), cmp.Or(r.Group, ByDocument)
	if r.Mode == Hybrid && (r.Vector != nil || len(r.Like) > 0) { // there are no words
		r.Mode = Semantic
	}
	if err := check(r, c); err != nil {
		return Response{}, err
	}
	m, err := hf.ModelOf(s.models, c)
	if err != nil {
		return Response{}, err
	}
	if r.Cursor != "" {
		return s.proceed(ctx, m, c, r)
	}
	answer := Response{Model: c.Model}
	newest := s.db.Newest()
	p, err := s.plan(ctx, m, c, r, asFound, &answer)
	if err != nil {
		return Response{}, err
	}
	l, err := s.list(ctx, c, p, r, r.Offset+r.Limit)
	if err != nil {
		return Response{}, err
	}
	answer.Mode, answer.Total, answer.PhrasesMissing = l.ranked.mode, l.total, p.loose
	answer.WordWeight = l.ranked.weight
	answer.took(l.ranked)
	if r.Rerank {
		answer.spent("rerank", l.rerank)
	}
	among, err := s.among(ctx, c, p, r, l.ranked)
	if err != nil {
		return Response{}, err
	}
	if err := s.count(ctx, c, r.Facets, among, &answer); err != nil {
		return Response{}, err
	}
	if err := s.begin(ctx, c, p, r, l, newest, &answer); err != nil {
		return Response{}, err
	}
	from := min(r.Offset, len(l.rows))
	if err := s.describe(ctx, l.rows[from:min(from+r.Limit, len(l.rows))], r, &answer); err != nil {
		return Response{}, err
	}
	return answer, s.highlight(ctx, m, r, p.vector, &answer)
}

// spent notes how long a phase took.
func (a *Response) spent(name string, took time.Duration) {
	a.Phases = append(a.Phases, Phase{name, took})
}

// took notes how long the legs took that were asked, and what came of both.
func (a *Response) took(r ranking) {
	if r.mode != Lexical {
		a.spent("semantic", r.took.Semantic)
	}
	if r.mode != Semantic {
		a.spent("lexical", r.took.Lexical)
	}
	if r.mode == Hybrid {
		a.spent("fusion", r.took.Fusion)
	}
}

// plan makes a request ready for ranking.
func (s *Service) plan(ctx context.Context, m hf.Model, c models.Collection, r Request, insist insistence, answer *Response) (plan, error) {
	start := time.Now()
	vector, err := s.vector(ctx, m, r, answer)
	if err != nil {
		return plan{}, err
	}
	answer.spent("embed", time.Since(start))
	start = time.Now()
	allow, loose, err := s.allowed(ctx, c, r, insist)
	if err != nil {
		return plan{}, fmt.Errorf("filter: %w", err)
	}
	p := plan{mode: r.Mode, words: r.Query, vector: vector, allow: allow, loose: loose, least: r.MinRelevance, null: m.Card().Null, exact: r.Exact}
	err = s.examples(ctx, c, r, &p)
	answer.spent("filter", time.Since(start))
	return p, err
}

// insistence says whether a hit must have the phrases of the query.
type insistence int

const (
	asFound  insistence = iota // in a hybrid search only where something has them: somebody may have pasted a text with quotes
	strictly                   // always
	loosely                    // never
)

// allowed are the chunks that the filter admits and that have the phrases of the query, where words count; nil for all. Loose says that
// phrases were not insisted on.
func (s *Service) allowed(ctx context.Context, c models.Collection, r Request, insist insistence) (allow *roaring64.Bitmap, loose bool, err error) {
	allow, err = s.db.Match(ctx, c.ID, r.Filter)
	if err != nil || r.Mode == Semantic || insist == loosely || !lexical.HasPhrase(r.Query) {
		return allow, false, err
	}
	x, err := s.words.Get(ctx, c)
	if err != nil {
		return nil, false, err
	}
	phrases, err := x.Phrases(r.Query)
	if err != nil {
		return nil, false, err
	}
	if phrases.IsEmpty() && r.Mode == Hybrid && insist == asFound {
		return allow, true, nil
	}
	if allow != nil {
		phrases.And(allow)
	}
	return phrases, false, nil
}

// vector is the query's place among the documents; nil where only examples are given.
func (s *Service) vector(ctx context.Context, m hf.Model, r Request, answer *Response) ([]float32, error) {
	switch {
	case len(r.Like) > 0 || r.Mode == Lexical && !r.Highlight: // highlights are by meaning in every mode
		return nil, nil
	case r.Vector != nil:
		return models.Normalize(r.Vector), nil
	}
	e, err := s.embed(ctx, m, r.Query)
	if err != nil {
		return nil, fmt.Errorf("embed the query: %w", err)
	}
	answer.QueryTokens, answer.QueryTruncated = e.Tokens, e.Truncated
	return e.Vector, nil
}

// asked is a query as a model reads it.
type asked struct{ model, revision, pooling, prompt, query string }

// maxAsked bounds what is remembered of queries, in bytes.
const maxAsked = 16 << 20

// embed is a query's embedding, which nobody may change. The same query is asked again with another filter, for another page, for
// facets; a text's vector is always the same, and to read it takes longer than all the rest.
func (s *Service) embed(ctx context.Context, m hf.Model, query string) (hf.Embedding, error) {
	card := m.Card()
	at := asked{card.ID, card.Revision, card.Pooling, card.Prompts[hf.Query], query}
	if known, ok := s.asked.Get(at); ok {
		return known, nil
	}
	e, err := m.Embed(ctx, hf.Query, []string{query})
	if err != nil {
		return hf.Embedding{}, err
	}
	s.asked.Put(at, e[0], 4*len(e[0].Vector)+len(query)+200)
	return e[0], nil
}

package wire

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// SearchRequest is the body of POST /search.
type SearchRequest struct {
	Query              string         `json:"query,omitempty"`
	Vector             []float32      `json:"vector,omitempty"`
	Like               []string       `json:"like,omitempty"`
	Unlike             []string       `json:"unlike,omitempty"`
	Mode               Choice         `json:"mode,omitempty"`
	Limit              *int           `json:"limit,omitzero"`
	Offset             int            `json:"offset,omitzero"`
	Cursor             *string        `json:"cursor,omitzero"`
	Filter             jsontext.Value `json:"filter,omitempty"`
	MinRelevance       float64        `json:"min_relevance,omitzero"`
	Facets             []string       `json:"facets,omitempty"`
	GroupBy            Choice         `json:"group_by,omitempty"`
	CollapseDuplicates bool           `json:"collapse_duplicates,omitzero"`
	Diversity          float64        `json:"diversity,omitzero"`
	Rerank             bool           `json:"rerank,omitzero"`
	RerankModel        string         `json:"rerank_model,omitempty"`
	RerankProvider     string         `json:"rerank_provider,omitempty"`
	Neighbours         int            `json:"neighbours,omitzero"`
	Highlight          bool           `json:"highlight,omitzero"`
	Explain            bool           `json:"explain,omitzero"`
	Exact              bool           `json:"exact,omitzero"`
}

// SearchAnswer is a page of hits.
type SearchAnswer struct {
	Hits           []Hit              `json:"hits"`
	Total          int                `json:"total"`
	TotalRelation  string             `json:"total_relation"`
	Facets         map[string]Counts  `json:"facets,omitempty"`
	FacetsLeftOut  map[string]int     `json:"facets_left_out,omitempty"` // values that are not shown, by key
	Mode           string             `json:"mode"`
	Model          string             `json:"model"`
	QueryTruncated bool               `json:"query_truncated,omitzero"`
	PhrasesMissing bool               `json:"phrases_missing,omitzero"`
	NextCursor     *string            `json:"next_cursor"`
	TookMS         float64            `json:"took_ms"`
	WordWeight     float64            `json:"word_weight,omitzero"` // where it was asked to explain
	TimingsMS      map[string]float64 `json:"timings_ms,omitempty"` // where it was asked to explain
}

// Hit is a found passage.
type Hit struct {
	DocumentID string         `json:"document_id"`
	Chunk      Chunk          `json:"chunk"`
	Title      string         `json:"title"`
	URL        string         `json:"url"`
	Text       string         `json:"text"`
	Metadata   jsontext.Value `json:"metadata"`
	Score      float32        `json:"score"`
	Relevance  float64        `json:"relevance"`
	Before     *Span          `json:"before,omitzero"`
	After      *Span          `json:"after,omitzero"`
	Location   *Location      `json:"location,omitzero"`
	Highlights []Span         `json:"highlights,omitempty"`
	Duplicates []Duplicate    `json:"duplicates,omitempty"`
	Explain    *Explain       `json:"explain,omitzero"`
}

// Location is where in its document a hit stands.
type Location struct {
	Page     int      `json:"page,omitzero"`
	Headings []string `json:"headings,omitempty"`
}

// Span is the bytes start to end of a document's text.
type Span struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Text  string `json:"text"`
}

// Duplicate is a passage that a hit stands for.
type Duplicate struct {
	DocumentID string `json:"document_id"`
	ChunkIndex int    `json:"chunk_index"`
}

// Explain says why a hit stands where it does.
type Explain struct {
	Place    int      `json:"place"`
	Semantic *Leg     `json:"semantic,omitzero"`
	Lexical  *Leg     `json:"lexical,omitzero"`
	Feedback *Leg     `json:"feedback,omitzero"`
	Rerank   *float32 `json:"rerank,omitzero"`
}

// Leg is what one way of finding says about a hit.
type Leg struct {
	Score    float32 `json:"score"`
	Evidence float32 `json:"evidence"`
	Rank     int     `json:"rank,omitzero"`
}

// Map is a collection in two dimensions.
type Map struct {
	Points    []MapPoint `json:"points"`
	Passages  int        `json:"passages"`  // there are
	Explained []float64  `json:"explained"` // share of the variance, of x and of y
	Query     *MapPlace  `json:"query"`
	TookMS    float64    `json:"took_ms"`
}

// MapPoint is a passage on it.
type MapPoint struct {
	MapPlace   `json:",inline"`
	DocumentID string `json:"document_id"`
	ChunkIndex int    `json:"chunk_index"`
	Title      string `json:"title"`
	Value      any    `json:"value,omitzero"` // of the key that was asked for: a string, a number or a boolean
	Rank       int    `json:"rank,omitzero"`  // among the passages nearest to the query
}

// MapPlace is a place on it.
type MapPlace struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Counts are the values of a facet and how many documents have each, most first. In JSON they are an object, whose
// members are in that order.
type Counts []Count

// Count is a value and its documents.
type Count struct {
	Value     string
	Documents int
}

// MarshalJSONTo writes an object.
func (c Counts) MarshalJSONTo(enc *jsontext.Encoder) error {
	err := enc.WriteToken(jsontext.BeginObject)
	for _, count := range c {
		err = errors.Join(err, enc.WriteToken(jsontext.String(count.Value)), enc.WriteToken(jsontext.Int(int64(count.Documents))))
	}
	return errors.Join(err, enc.WriteToken(jsontext.EndObject))
}

// UnmarshalJSONFrom reads an object and keeps its order.
func (c *Counts) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	*c = Counts{}
	for dec.PeekKind() != '}' {
		var count Count
		if err := errors.Join(json.UnmarshalDecode(dec, &count.Value), json.UnmarshalDecode(dec, &count.Documents)); err != nil {
			return err
		}
		*c = append(*c, count)
	}
	_, err := dec.ReadToken()
	return err
}

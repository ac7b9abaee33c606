package wire

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Document is a document as it is sent.
type Document struct {
	ID       string         `json:"id,omitempty"`
	Title    string         `json:"title,omitempty"`
	URL      string         `json:"url,omitempty"`
	Text     string         `json:"text"`
	Metadata jsontext.Value `json:"metadata,omitempty"`
	Sections []Section      `json:"sections,omitempty"`
	Vector   []float32      `json:"vector,omitempty"`
}

// Section is where a page or a heading of a document begins.
type Section struct {
	Start   int    `json:"start"`
	Page    int    `json:"page,omitzero"`
	Heading string `json:"heading,omitempty"`
	Level   int    `json:"level,omitzero"`
}

// StoredDocument is a document as it is read. Text and Chunks are left out of lists.
type StoredDocument struct {
	ID         string         `json:"id"`
	Collection string         `json:"collection"`
	Title      string         `json:"title"`
	URL        string         `json:"url"`
	Text       *string        `json:"text,omitzero"`
	Metadata   jsontext.Value `json:"metadata"`
	ChunkCount int            `json:"chunk_count"`
	Tokens     int            `json:"tokens"`
	Sections   []Section      `json:"sections,omitempty"`
	Chunks     []Chunk        `json:"chunks,omitempty"`
	CreatedAt  time.Time      `json:"created_at"`
	UpdatedAt  time.Time      `json:"updated_at"`
}

// Chunk is a part of a document: the bytes start to end of its text.
type Chunk struct {
	Index  int `json:"index"`
	Start  int `json:"start"`
	End    int `json:"end"`
	Tokens int `json:"tokens,omitzero"`
}

// DocumentPatch changes what is known about a document, not its text.
type DocumentPatch struct {
	ID       *string        `json:"id,omitzero"`
	Title    *string        `json:"title,omitzero"`
	URL      *string        `json:"url,omitzero"`
	Metadata jsontext.Value `json:"metadata,omitempty"`
}

// DocumentList is a page of documents.
type DocumentList struct {
	Documents  []StoredDocument `json:"documents"`
	Total      int              `json:"total"`
	NextCursor *string          `json:"next_cursor"`
}

// DeleteRequest names the documents to delete, by ids or by filter.
type DeleteRequest struct {
	IDs    []string       `json:"ids,omitempty"`
	Filter jsontext.Value `json:"filter,omitempty"`
}

// Deleted says how many documents there were.
type Deleted struct {
	Deleted int `json:"deleted"`
}

// Collection is a collection as it is read.
type Collection struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Model       string    `json:"model"`
	Revision    string    `json:"revision"`
	Dimensions  int       `json:"dimensions"`
	Pooling     string    `json:"pooling"`
	Engine      string    `json:"engine"`
	Documents   int       `json:"documents"`
	Chunks      int       `json:"chunks"`
	IndexState  string    `json:"index_state"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`

	Building *Generation `json:"building,omitzero"` // by a job that has another model read the documents
	Previous *Generation `json:"previous,omitzero"` // kept, to go back to
}

// Generation is a collection as another model has read it.
type Generation struct {
	Model      string `json:"model"`
	Revision   string `json:"revision"`
	Dimensions int    `json:"dimensions"`
	Documents  int    `json:"documents"`
	Chunks     int    `json:"chunks"`
}

// Reembed names the model that is to read a collection's documents.
type Reembed struct {
	Model string `json:"model"`
}

// FieldList is a page of metadata keys.
type FieldList struct {
	Fields     []Field `json:"fields"`
	Total      int     `json:"total"`
	NextCursor *string `json:"next_cursor"`
}

// Field is a metadata key and what its values are.
type Field struct {
	Key   string      `json:"key"`
	Types []FieldType `json:"types"`
}

// FieldType is one type of the values of a key.
type FieldType struct {
	Type   string `json:"type"`          // "string", "number", "boolean" or "time"
	Values int    `json:"values"`        // different ones
	Min    any    `json:"min,omitempty"` // a number or a time
	Max    any    `json:"max,omitempty"`
}

// Recall is how many of the ten nearest chunks the index of a collection finds.
type Recall struct {
	Vectors     int     `json:"vectors"`
	Queries     int     `json:"queries"`
	Recall      float64 `json:"recall"`
	LeastRecall float64 `json:"least_recall"`
	IndexMS     float64 `json:"index_ms"`
	ExactMS     float64 `json:"exact_ms"`
	IndexState  string  `json:"index_state"`
}

// NewCollection asks for a collection.
type NewCollection struct {
	Name        string `json:"name"`
	Model       string `json:"model,omitempty"`
	Engine      Choice `json:"engine,omitempty"`
	Dimensions  int    `json:"dimensions,omitzero"`
	Description string `json:"description,omitempty"`
}

// CollectionPatch changes a collection.
type CollectionPatch struct {
	Description *string `json:"description,omitzero"`
}

// CollectionList is a page of collections.
type CollectionList struct {
	Collections []Collection `json:"collections"`
	Total       int          `json:"total"`
	NextCursor  *string      `json:"next_cursor"`
}

// Job is a body of documents on its way in.
type Job struct {
	ID         string      `json:"id"`
	Kind       string      `json:"kind"`
	Collection string      `json:"collection"`
	Status     string      `json:"status"`
	Total      int         `json:"total"`
	Done       int         `json:"done"`
	Failed     int         `json:"failed"`
	CreatedAt  time.Time   `json:"created_at"`
	FinishedAt *time.Time  `json:"finished_at"`
	ETA        *int64      `json:"eta_ms"`
	Error      string      `json:"error"`
	Counts     *ItemCounts `json:"counts,omitzero"` // where there are results
	Results    []Result    `json:"results,omitzero"`
}

// ItemCounts is how many documents of a job have which status.
type ItemCounts struct {
	Pending   int `json:"pending"`
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Skipped   int `json:"skipped"`
	Failed    int `json:"failed"`
}

// PreviewAnswer is what a dry run answers.
type PreviewAnswer struct {
	Preview Preview `json:"preview"`
}

// Preview is what adding documents would do.
type Preview struct {
	Collection       string          `json:"collection"`
	Model            string          `json:"model"`
	Total            int             `json:"total"`
	Counts           ItemCounts      `json:"counts"`
	Duplicates       int             `json:"duplicates"`
	Chunks           int             `json:"chunks"`
	Tokens           int             `json:"tokens"`
	NewChunks        int             `json:"new_chunks"`
	NewTokens        int             `json:"new_tokens"`
	TokensPerSecond  float64         `json:"tokens_per_second"`
	EstimatedMS      float64         `json:"estimated_ms"` // of the model
	EstimatedCostUSD float64         `json:"estimated_cost_usd"`
	Results          []PreviewResult `json:"results"`
}

// PreviewResult is what would become of one document.
type PreviewResult struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	Chunks      int    `json:"chunks"`
	Tokens      int    `json:"tokens"`
	DuplicateOf string `json:"duplicate_of,omitempty"`
	Error       *Error `json:"error,omitzero"`
}

// Result is what became of one document.
type Result struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Chunks    int    `json:"chunks"`
	Tokens    int    `json:"tokens"`
	Truncated bool   `json:"truncated"`
	Error     *Error `json:"error,omitzero"`
}

// JobAnswer wraps a job.
type JobAnswer struct {
	Job Job `json:"job"`
}

// JobList is a page of jobs, newest first.
type JobList struct {
	Jobs       []Job   `json:"jobs"`
	Total      int     `json:"total"`
	NextCursor *string `json:"next_cursor"`
}

// Model describes a model that can be used.
type Model struct {
	ID           string   `json:"id"`
	Revision     string   `json:"revision"`
	Task         string   `json:"task"`
	Architecture string   `json:"architecture"`
	Parameters   int64    `json:"parameters"`
	Dimensions   int      `json:"dimensions"`
	MaxTokens    int      `json:"max_tokens"`
	Pooling      string   `json:"pooling"`
	Licence      string   `json:"licence"`
	Precision    string   `json:"precision"`
	Arithmetic   string   `json:"arithmetic"`
	Runs         []string `json:"runs"`                             // where: "bundled"
	Hosted       string   `json:"hosted"`                           // what hosted Hugging Face can do with it
	Price        float64  `json:"price_usd_per_million_characters"` // there; nothing is paid for what runs elsewhere
	Default      bool     `json:"default"`
}

// ModelList is the catalogue.
type ModelList struct {
	Models []Model `json:"models"`
	Total  int     `json:"total"`
}

// Error is what is wrong with a request, or with one document of it.
type Error struct {
	Message   string `json:"message"`
	Type      string `json:"type"`
	Code      string `json:"code"`
	Param     string `json:"param"`
	RequestID string `json:"request_id,omitempty"`

	// Of a failed provider: what kind of failure, its HTTP status, and every attempt.
	Fault          string    `json:"fault,omitempty"`
	UpstreamStatus int       `json:"upstream_status,omitzero"`
	Attempts       []Attempt `json:"attempts,omitempty"`
}

// Attempt is one try at one provider.
type Attempt struct {
	Provider       string  `json:"provider"`
	Model          string  `json:"model"`
	Fault          string  `json:"fault"` // empty where it succeeded
	UpstreamStatus int     `json:"upstream_status,omitzero"`
	Message        string  `json:"message"`
	TookMS         float64 `json:"took_ms"`
}

func (e *Error) Error() string {
	if e.Param != "" {
		return e.Param + ": " + e.Message
	}
	return e.Message
}

// ErrorAnswer wraps an error.
type ErrorAnswer struct {
	Error Error `json:"error"`
}

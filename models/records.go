package models

import (
	"hash/crc32"
	"time"
)

// Generation tells the collections of one name apart: the one that is searched, and those of other models beside it.
type Generation string

// Generations of a collection. There is at most one of each under a name.
const (
	Live     Generation = ""
	Building Generation = "building" // by a job that embeds its documents again; it becomes the live one when it is whole
	Previous Generation = "previous" // the live one before the last change of model, or one whose building was given up
)

// Collection is a set of documents read by one model. Another model never mixes in.
type Collection struct {
	ID          uint64     `gorm:"primaryKey;autoIncrement"`
	Name        string     `gorm:"not null;uniqueIndex:collection_name,priority:1"`
	Generation  Generation `gorm:"not null;default:'';uniqueIndex:collection_name,priority:2"`
	Description string
	Engine      string `gorm:"not null"` // what was asked for: one of Engines
	Model       string `gorm:"not null"`
	Revision    string `gorm:"not null"` // content hash of the weights
	Dimensions  int    `gorm:"not null"`
	Pooling     string
	QueryPrompt string
	DocPrompt   string
	Documents   int `gorm:"not null"` // kept true by every transaction that adds or removes documents
	Chunks      int `gorm:"not null"`
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Profile is what was measured of a collection, so that it need not be measured again at every start: see search.
type Profile struct {
	CollectionID uint64  `gorm:"primaryKey;autoIncrement:false"`
	Chunks       int     `gorm:"not null"` // that there were
	Rho          float64 `gorm:"not null"` // how well words find, compared with vectors
	Sample       []byte  `gorm:"not null"` // chunks whose vectors stand for all, eight bytes each
}

// Document is a text that can be found. Its row exists only together with its chunks.
type Document struct {
	Seq          uint64 `gorm:"primaryKey;autoIncrement"` // a new content gets a new Seq; never used again
	CollectionID uint64 `gorm:"not null;uniqueIndex:document_id,priority:1;index:document_sent,priority:1,where:sent IS NOT NULL"`
	ID           string `gorm:"not null;uniqueIndex:document_id,priority:2"`
	Title        string
	URL          string
	Text         string   `gorm:"not null"`
	Metadata     string   `gorm:"not null"`                       // JSON object, as it was given but for spaces
	Sections     string   `gorm:"not null;default:''"`            // see EncodeSections
	ContentHash  []byte   `gorm:"not null"`                       // of what was embedded: see ingest
	Chunking     Chunking `gorm:"not null;default:''"`            // how Text became chunks
	Sent         []byte   `gorm:"index:document_sent,priority:2"` // hash of the JSON that it was last sent as: see ingest. NULL where it was changed since, or was a file
	Sum          uint32   `gorm:"not null;default:0"`             // of Text: see Sum
	Chunks       int      `gorm:"not null"`
	Tokens       int      `gorm:"not null"` // read by the model, special tokens and overlap included
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Chunk is the part of a document that one vector stands for.
type Chunk struct {
	ID          uint64 `gorm:"primaryKey;autoIncrement:false"` // ChunkID(document, index)
	DocumentSeq uint64 `gorm:"not null;index"`
	Start       int    `gorm:"not null"` // the bytes Text[Start:End] of the document
	End         int    `gorm:"not null"`
	Tokens      int    `gorm:"not null"`
	Vector      []byte `gorm:"not null"`                                // little-endian float32, unit length
	Sum         uint32 `gorm:"not null;default:0"`                      // of Vector: see Sum
	Hash        []byte `gorm:"index:chunk_hash,where:hash IS NOT NULL"` // of model and text, see ingest: the same text need not be read again. NULL where the vector was given
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Sum is the checksum (CRC-32C) that stored texts and vectors are checked with. It is never 0, which stands in records
// that were made without one.
func Sum[T string | []byte](b T) uint32 { return max(1, crc32.Checksum([]byte(b), castagnoli)) }

// MaxChunks is the most chunks that one document can have.
const MaxChunks = 1 << chunkBits

const chunkBits = 16

// ChunkID names chunk index of document seq. The document can be read back from it, so an index that knows only ids
// and vectors can still be asked for one hit a document.
func ChunkID(seq uint64, index int) uint64 { return seq<<chunkBits | uint64(index) }

// DocumentSeq is the document that a chunk belongs to.
func DocumentSeq(chunk uint64) uint64 { return chunk >> chunkBits }

// ChunkIndex is the place of a chunk in its document, from 0.
func ChunkIndex(chunk uint64) int { return int(chunk & (MaxChunks - 1)) }

// Field is one value of a document's metadata, laid out so that a filter can be answered by an index. An array gives
// a row for each element.
type Field struct {
	ID           uint64  `gorm:"primaryKey;autoIncrement"`
	CollectionID uint64  `gorm:"not null;index:field_text,priority:1;index:field_number,priority:1"`
	DocumentSeq  uint64  `gorm:"not null;index"`
	Key          string  `gorm:"not null;index:field_text,priority:2;index:field_number,priority:2"`
	Kind         Kind    `gorm:"not null;index:field_text,priority:3;index:field_number,priority:3"`
	Element      bool    `gorm:"not null"` // the value stood in an array
	Text         string  `gorm:"not null;index:field_text,priority:4"`
	Number       float64 `gorm:"not null;index:field_number,priority:4"`
	Chunks       int     `gorm:"not null"` // of the document: constant, as a new content is a new Seq
}

// JobStatus is where a job stands.
type JobStatus string

const (
	JobReceiving JobStatus = "receiving" // its body is still being read; dropped if the process ends before it is whole
	JobQueued    JobStatus = "queued"
	JobRunning   JobStatus = "running"
	JobDone      JobStatus = "done"
	JobFailed    JobStatus = "failed"
	JobCancelled JobStatus = "cancelled"
)

// Finished says that nothing more will happen to the job.
func (s JobStatus) Finished() bool { return s == JobDone || s == JobFailed || s == JobCancelled }

// Kinds of jobs.
const (
	IngestJob  = "ingest"  // takes documents in
	ReembedJob = "reembed" // has another model read those that are there
)

// Job is work on a collection that goes on after its request was answered.
type Job struct {
	Seq          uint64    `gorm:"primaryKey;autoIncrement"` // the order of work
	ID           string    `gorm:"uniqueIndex;not null"`
	Kind         string    `gorm:"not null"`
	CollectionID uint64    `gorm:"not null;index"`
	Collection   string    `gorm:"not null"`
	Status       JobStatus `gorm:"not null;index"`
	Total        int       `gorm:"not null"`
	Done         int       `gorm:"not null"` // finished items, failed ones not counted
	Failed       int       `gorm:"not null"`
	Error        string
	CreatedAt    time.Time
	StartedAt    *time.Time
	FinishedAt   *time.Time

	// The request that the job was made of, where that can be repeated; see api.
	IdempotencyKey string `gorm:"not null;default:'';index"`
	RequestHash    []byte
}

// OnConflict is what to do about a document whose id is stored already.
type OnConflict string

const (
	Replace       OnConflict = "replace" // with the new one; the empty OnConflict means this, too
	SkipConflicts OnConflict = "skip"    // the new one, whatever it says
	FailConflicts OnConflict = "fail"
)

// Chunking is how a text becomes chunks.
type Chunking string

const (
	AutoChunks Chunking = "auto" // as many as the model needs to read it all; the empty Chunking means this, too
	NoChunking Chunking = "none" // one: whoever sends it has cut it
)

// ItemStatus is what became of one document of a job.
type ItemStatus string

const (
	ItemPending   ItemStatus = "pending"
	ItemCreated   ItemStatus = "created"
	ItemUpdated   ItemStatus = "updated"
	ItemUnchanged ItemStatus = "unchanged"
	ItemSkipped   ItemStatus = "skipped"
	ItemFailed    ItemStatus = "failed"
)

// JobItem is one document of a job: what was sent until it is taken in, and the outcome after.
type JobItem struct {
	JobSeq     uint64     `gorm:"primaryKey;autoIncrement:false;index:waiting_items,priority:1,where:status = 'pending'"`
	Position   int        `gorm:"primaryKey;autoIncrement:false;index:waiting_items,priority:2"`
	DocumentID string     `gorm:"not null;index:waiting_documents,where:status = 'pending'"`
	Status     ItemStatus `gorm:"not null"`
	Payload    []byte     // a Draft; dropped when the document is taken in
	Chunks     int        `gorm:"not null"`
	Tokens     int        `gorm:"not null"`
	Truncated  bool       `gorm:"not null"`
	ErrorCode  Code
	ErrorField string
	Error      string
}

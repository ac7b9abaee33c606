package models

import "time"

// FaultKind is the part of a store that is not as it should be.
type FaultKind string

// Kinds of faults.
const (
	FaultFile       FaultKind = "file"       // SQLite's own complaint about its pages
	FaultUnreadable FaultKind = "unreadable" // a row that cannot be read
	FaultText       FaultKind = "text"
	FaultMetadata   FaultKind = "metadata"
	FaultSections   FaultKind = "sections"
	FaultChunks     FaultKind = "chunks" // missing, too many, or not within the text
	FaultVector     FaultKind = "vector"
	FaultFields     FaultKind = "fields" // what filters look up is not what the metadata says
	FaultCounters   FaultKind = "counters"
	FaultOrphan     FaultKind = "orphan" // a row without the one that it belongs to
	FaultVectors    FaultKind = "vector_index"
	FaultWords      FaultKind = "keyword_index"
)

// Outcome is what became of a fault.
type Outcome string

// Outcomes of a fault. Only Remains asks for something to be done.
const (
	Remains     Outcome = "remains"
	Repaired    Outcome = "repaired"
	Quarantines Outcome = "quarantined"
)

// Fault is something about a store that is not as it should be.
type Fault struct {
	Kind       FaultKind
	Collection string // empty where it is of the whole store
	Generation Generation
	Document   string // empty where it is of no document
	Message    string
	Outcome    Outcome
}

// Quarantined is a damaged document that was taken out of its collection so that the rest serves: its rows, as far as they
// could be read.
type Quarantined struct {
	ID           uint64     `gorm:"primaryKey;autoIncrement"`
	CollectionID uint64     `gorm:"not null;index:quarantined_document,priority:1"`
	Collection   string     `gorm:"not null"`
	Generation   Generation `gorm:"not null;default:''"`
	DocumentID   string     `gorm:"not null;index:quarantined_document,priority:2"`
	Reason       string     `gorm:"not null"`
	At           time.Time
	Rows         []byte `gorm:"not null"` // JSON: the rows of the document and its chunks, what is no UTF-8 in base64
}

// TableName is how the table is called.
func (Quarantined) TableName() string { return "quarantined" }

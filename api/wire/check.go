package wire

import "time"

// CheckRequest asks for a check of the store and its indexes: of one collection, or of everything.
type CheckRequest struct {
	Collection string `json:"collection,omitempty"`
	Repair     bool   `json:"repair,omitzero"`
}

// CheckReport is what a check has found. Faults and Quarantine have the first 100 each; the numbers count all.
type CheckReport struct {
	Collections  int           `json:"collections"`
	Documents    int           `json:"documents"`
	Unsummed     int           `json:"unsummed"` // records of an earlier searchd that have no checksum yet
	Faults       []StoreFault  `json:"faults"`
	Found        int           `json:"found"`
	Repaired     int           `json:"repaired"`
	Quarantined  int           `json:"quarantined"`
	Remaining    int           `json:"remaining"`
	Quarantine   []Quarantined `json:"quarantine"`
	InQuarantine int           `json:"in_quarantine"`
	TookMS       float64       `json:"took_ms"`
}

// StoreFault is something that is not as it should be, and what became of it.
type StoreFault struct {
	Kind       string `json:"kind"`
	Collection string `json:"collection,omitempty"`
	Generation string `json:"generation,omitempty"`
	DocumentID string `json:"document_id,omitempty"`
	Message    string `json:"message"`
	Outcome    string `json:"outcome"` // "remains", "repaired" or "quarantined"
}

// Quarantined is a damaged document that was taken out of its collection.
type Quarantined struct {
	Collection string    `json:"collection"`
	Generation string    `json:"generation,omitempty"`
	DocumentID string    `json:"document_id"`
	Reason     string    `json:"reason"`
	At         time.Time `json:"at"`
}

// CheckProgress is how far a check has come, in documents and chunks.
type CheckProgress struct {
	Running bool `json:"running"`
	Done    int  `json:"done"`
	Total   int  `json:"total"`
}

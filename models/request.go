package models

import "time"

// ModelRequest is one call of a model, for the log and for what it has cost. It holds no text unless that was asked for.
type ModelRequest struct {
	Seq                  uint64    `gorm:"primaryKey;autoIncrement"`
	At                   time.Time `gorm:"index;not null"` // UTC, as all times of the log are compared as they are written
	Task                 string    `gorm:"not null"`
	Provider             string    `gorm:"not null"`
	ProviderType         string    `gorm:"not null;default:''"`
	Model                string    `gorm:"not null"`
	Status               string    `gorm:"not null"` // RequestOK, or the kind of failure
	Attempts             int       `gorm:"not null"`
	FromCache            bool      `gorm:"not null"`
	PromptCharacters     int       `gorm:"not null"`
	CompletionCharacters int       `gorm:"not null"`
	PromptTokens         int       `gorm:"not null"`
	CompletionTokens     int       `gorm:"not null"`
	LatencyMS            float64   `gorm:"not null"`
	CostUSD              float64   `gorm:"not null"`
	Prompt               string    `gorm:"not null;default:''"` // empty unless prompts are logged
}

// RequestOK is the status of a request that was answered.
const RequestOK = "ok"

package models

import "strings"

// DefaultCollection is where documents go when no collection is named. It is made on first use.
const DefaultCollection = "default"

const (
	maxNameBytes        = 128
	maxDescriptionBytes = 4 << 10
)

// CheckName makes sure that name can name a collection.
func CheckName(field, name string) error {
	if name == "" {
		return Errorf(Invalid, field, "is empty; give the collection a name")
	}
	if len(name) > maxNameBytes {
		return Errorf(Invalid, field, "has %d characters; at most %d are allowed", len(name), maxNameBytes)
	}
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._-", rune(c))) {
			return Errorf(Invalid, field, "may have letters, digits and, after the first, . _ -")
		}
	}
	return nil
}

// CheckDescription makes sure that a collection's description can be stored.
func CheckDescription(field, text string) error { return checkString(field, text, maxDescriptionBytes) }

// The engines that a collection may ask for.
const (
	EngineAuto    = "auto" // lets searchd choose by the number of vectors
	EngineChromem = "chromem"
	EngineHNSW    = "hnsw"
)

// Engines are the names a collection's engine may have; the first is taken where none is given.
var Engines = []string{EngineAuto, EngineChromem, EngineHNSW}

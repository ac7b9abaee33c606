package search

import (
	"strings"
	"unicode/utf8"

	"searchd/models"
)

func checkQuery(query string) error {
	switch {
	case strings.TrimSpace(query) == "":
		return models.Errorf(models.Invalid, "query", "is empty; say what to find, or give a vector")
	case len(query) > MaxQueryBytes:
		return models.Errorf(models.Invalid, "query", "has %d bytes; at most %d are allowed", len(query), MaxQueryBytes)
	case !utf8.ValidString(query):
		return models.Errorf(models.Invalid, "query", "is not valid UTF-8")
	}
	return nil
}

package search

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"searchd/models"
)

// Limits of one request.
const (
	MaxLimit       = 1000
	MaxOffset      = 100_000
	MaxQueryBytes  = 64 << 10
	MaxExamples    = 100 // documents of like, and of unlike
	MaxFacets      = 20
	MaxFacetValues = 100 // of one facet
	MaxNeighbours  = 10
	DefaultLimit   = 10
)

// check refuses what cannot be searched for, naming the field.
func check(r Request, c models.Collection) error {
	switch {
	case r.Mode != Hybrid && r.Mode != Semantic && r.Mode != Lexical:
		return models.Errorf(models.Invalid, "mode", `%.32q is not a mode; use "hybrid", "semantic" or "lexical"`, r.Mode)
	case r.Group != ByDocument && r.Group != ByChunk:
		return models.Errorf(models.Invalid, "group_by", `%.32q is not a group; use "document" or "chunk"`, r.Group)
	case r.Limit < 1 || r.Limit > MaxLimit:
		return models.Errorf(models.Invalid, "limit", "is %d; it can be 1 to %d", r.Limit, MaxLimit)
	case r.Offset < 0 || r.Offset > MaxOffset:
		return models.Errorf(models.Invalid, "offset", "is %d; it can be 0 to %d", r.Offset, MaxOffset)
	case r.Cursor != "" && r.Offset != 0:
		return models.Errorf(models.Invalid, "offset", "stands beside cursor, which says where to go on; give one of them")
	case !(r.MinRelevance >= 0 && r.MinRelevance <= 1):
		return models.Errorf(models.Invalid, "min_relevance", "is %v; it can be 0 to 1", r.MinRelevance)
	case !(r.Diversity >= 0 && r.Diversity <= 1):
		return models.Errorf(models.Invalid, "diversity", "is %v; it can be 0 (by score alone) to 1", r.Diversity)
	case r.Neighbours < 0 || r.Neighbours > MaxNeighbours:
		return models.Errorf(models.Invalid, "neighbours", "is %d; it can be 0 to %d", r.Neighbours, MaxNeighbours)
	}
	if err := checkReading(r); err != nil {
		return err
	}
	if err := checkFacets(r.Facets); err != nil {
		return err
	}
	return checkAsked(r, c)
}

// checkReading looks at what needs the words of hits.
func checkReading(r Request) error {
	switch {
	case r.Highlight && r.Limit > MaxHighlighted:
		return models.Errorf(models.Invalid, "limit", "is %d; with highlight it can be at most %d", r.Limit, MaxHighlighted)
	case r.Rerank && r.Query == "":
		return models.Errorf(models.Invalid, "rerank", "needs a query: a cross-encoder reads words; leave rerank out")
	case r.RerankModel != "" && !r.Rerank:
		return models.Errorf(models.Invalid, "rerank_model", "is given without rerank; set rerank to true")
	case r.RerankProvider != "" && !r.Rerank:
		return models.Errorf(models.Invalid, "rerank_provider", "is given without rerank; set rerank to true")
	}
	return nil
}

// checkAsked makes sure that there is exactly one of query, vector and like.
func checkAsked(r Request, c models.Collection) error {
	switch {
	case r.Vector != nil && r.Query != "":
		return models.Errorf(models.Invalid, "vector", "stands beside query; give one of them")
	case len(r.Like) > 0 && r.Query != "":
		return models.Errorf(models.Invalid, "like", "stands beside query; give one of them")
	case len(r.Like) > 0 && r.Vector != nil:
		return models.Errorf(models.Invalid, "like", "stands beside vector; give one of them")
	}
	if err := checkExamples(r); err != nil {
		return err
	}
	switch {
	case r.Mode == Lexical && len(r.Unlike) > 0:
		return models.Errorf(models.Invalid, "unlike", `turns away from vectors, and mode "lexical" has none; use "hybrid" or "semantic"`)
	case r.Mode == Lexical && (r.Vector != nil || len(r.Like) > 0):
		return models.Errorf(models.Invalid, "mode", `"lexical" needs words; give a query, or leave mode out`)
	case len(r.Like) > 0:
		return nil
	case r.Vector != nil:
		return models.CheckVector("vector", r.Vector, c.Dimensions)
	}
	return checkQuery(r.Query)
}

func checkExamples(r Request) error {
	for _, list := range []struct {
		name string
		ids  []string
	}{{"like", r.Like}, {"unlike", r.Unlike}} {
		if len(list.ids) > MaxExamples {
			return models.Errorf(models.Invalid, list.name, "has %d ids; at most %d are allowed", len(list.ids), MaxExamples)
		}
		for i, id := range list.ids {
			if err := models.CheckID(fmt.Sprintf("%s[%d]", list.name, i), id); err != nil {
				return err
			}
		}
	}
	for i, id := range r.Unlike {
		if slices.Contains(r.Like, id) {
			return models.Errorf(models.Invalid, fmt.Sprintf("unlike[%d]", i), "%.128q is in like too; leave it out of one", id)
		}
	}
	return nil
}

func checkFacets(keys []string) error {
	if len(keys) > MaxFacets {
		return models.Errorf(models.Invalid, "facets", "has %d keys; at most %d are allowed", len(keys), MaxFacets)
	}
	for i, key := range keys {
		field := fmt.Sprintf("facets[%d]", i)
		if err := models.CheckKey(field, key); err != nil {
			return err
		}
		if slices.Contains(keys[:i], key) {
			return models.Errorf(models.Invalid, field, "%.128q is there twice", key)
		}
	}
	return nil
}

func checkQuery(query string) error {
	switch {
	case strings.TrimSpace(query) == "":
		return models.Errorf(models.Invalid, "query", "is empty; say what to find, or give a vector, or documents in like")
	case len(query) > MaxQueryBytes:
		return models.Errorf(models.Invalid, "query", "has %d bytes; at most %d are allowed", len(query), MaxQueryBytes)
	case !utf8.ValidString(query):
		return models.Errorf(models.Invalid, "query", "is not valid UTF-8")
	}
	return nil
}

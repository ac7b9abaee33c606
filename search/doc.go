// Package search is the read path: it embeds the query, turns the filter into a set of ids, asks the index, and
// answers pages of hits with exact totals.
package search

// Package lexical finds chunks by their words: BM25 over an inverted index that Bleve's scorch keeps on disk. Like every
// index it is a cache of what SQLite holds.
//
// A chunk is indexed in the field of its language, with the stems of that language. A word of a query is looked up in
// each language there is by its own stem there, so that a wrong guess of a language costs little.
//
// Scoring is ours, over scorch's postings: exact document frequencies and lengths over all segments without what was
// deleted, and the score of every chunk that matches, so that totals are exact and any chunk's score can be looked up.
package lexical

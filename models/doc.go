// Package models holds searchd's records and the words every part shares: collections, documents, chunks, jobs,
// metadata filters and errors. It imports nothing but the standard library.
//
// Package models/db keeps the records in SQLite.
package models

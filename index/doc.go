// Package index finds the nearest vectors. An index knows ids and vectors, never text: it is a cache of what SQLite
// holds, and can be rebuilt from it at any time.
//
// Engines live in the packages below and pass the conformance suite of index/indextest.
package index

// Package ingest is the write path: it checks documents, keeps them as a job in SQLite, and a worker splits, embeds,
// commits and indexes them.
//
// A document is acknowledged when the transaction that holds its job has committed, and visible when the transaction
// that holds its row, chunks and vectors has. There is nothing between the two that a reader could see, and a job
// that a crash interrupts is taken up again at the next start.
package ingest

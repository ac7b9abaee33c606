package db

import (
	"sync"

	"searchd/models"
)

// maxRemembered bounds each of the caches of what was read about metadata, in bytes.
const maxRemembered = 64 << 20

// remembered names something that was read: of which collection, after which change of it, and what.
type remembered struct {
	collection uint64
	change     uint64
	what       string
}

// changed names what there is one of in a collection.
type changed struct{ collection, change uint64 }

// changes counts the changes of each collection's documents and metadata. One process has the store, so that what was
// read after a change holds until the next one. A reader takes the count before it reads; a writer counts after its
// commit and before it returns.
type changes struct {
	mu     sync.Mutex
	count  map[uint64]uint64
	newest uint64 // Seq of the last document that was taken in

	everywhere uint64 // changes of all collections at once
}

func (c *changes) of(collection uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count[collection] + c.everywhere
}

// Change tells the states of a collection's documents and metadata apart, in this process.
func (d *DB) Change(collection uint64) uint64 { return d.changes.of(collection) }

// Newest is the Seq of the last document that was taken in: later ones have a higher one.
func (d *DB) Newest() uint64 {
	d.changes.mu.Lock()
	defer d.changes.mu.Unlock()
	return d.changes.newest
}

// took notes the chunks of documents that were taken in.
func (c *changes) took(chunks []models.Chunk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, chunk := range chunks {
		c.newest = max(c.newest, models.DocumentSeq(chunk.ID))
	}
}

func (c *changes) add(collection uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == nil {
		c.count = map[uint64]uint64{}
	}
	c.count[collection]++
}

// all counts a change of every collection.
func (c *changes) all() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.everywhere++
}

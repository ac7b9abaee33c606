package db

import "sync"

// maxRemembered bounds each of the caches of what was read about metadata, in bytes.
const maxRemembered = 64 << 20

// remembered names something that was read: of which collection, after which change of it, and what.
type remembered struct {
	collection uint64
	change     uint64
	what       string
}

// changes counts the changes of each collection's documents and metadata. One process has the store, so that what was
// read after a change holds until the next one. A reader takes the count before it reads; a writer counts after its
// commit and before it returns.
type changes struct {
	mu    sync.Mutex
	count map[uint64]uint64
}

func (c *changes) of(collection uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count[collection]
}

func (c *changes) add(collection uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == nil {
		c.count = map[uint64]uint64{}
	}
	c.count[collection]++
}

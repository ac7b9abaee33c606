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
	records    uint64 // changes of any collection's record, which counts its documents: of whatever is counted above, too
	stored     uint64 // changes and deletions of documents that were there, in any collection
}

func (c *changes) of(collection uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count[collection] + c.everywhere
}

// revision tells the states apart of what is stored of documents that are there.
func (c *changes) revision() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stored
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

// add counts a change of a collection.
func (c *changes) add(collection uint64) {
	c.grew(collection)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stored++
}

// grew counts a change of a collection in which nothing has become of the documents that were there.
func (c *changes) grew(collection uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == nil {
		c.count = map[uint64]uint64{}
	}
	c.count[collection]++
	c.records++
}

// all counts a change of every collection.
func (c *changes) all() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.everywhere++
	c.records++
	c.stored++
}

// record counts a change of a collection's record alone.
func (c *changes) record() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records++
}

// collections are the records of live collections by name, as they were after a change of any: every request asks for one. That a
// collection is not there is not remembered.
type collections struct {
	mu     sync.Mutex
	change uint64
	byName map[string]models.Collection
}

// collection is the record of a name, and the change that what is read in its place is of.
func (d *DB) collection(name string) (c models.Collection, ok bool, change uint64) {
	d.changes.mu.Lock()
	change = d.changes.records
	d.changes.mu.Unlock()
	d.live.mu.Lock()
	defer d.live.mu.Unlock()
	if d.live.change == change {
		c, ok = d.live.byName[name]
	}
	return c, ok, change
}

// remember keeps a record that was read after a change.
func (l *collections) remember(c models.Collection, change uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if change < l.change {
		return
	}
	if change > l.change || l.byName == nil {
		l.change, l.byName = change, map[string]models.Collection{}
	}
	l.byName[c.Name] = c
}

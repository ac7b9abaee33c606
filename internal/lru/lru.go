package lru

import (
	"container/list"
	"sync"
)

// Cache keeps values by key. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu      sync.Mutex
	most    int
	size    int
	order   *list.List // of entry[K, V], the last used first
	entries map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
	size  int
}

// New makes a cache whose values take at most so many bytes together.
func New[K comparable, V any](most int) *Cache[K, V] {
	return &Cache[K, V]{most: most, order: list.New(), entries: map[K]*list.Element{}}
}

// Get answers the value of a key.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[key]
	if !ok {
		return value, false
	}
	c.order.MoveToFront(e)
	return e.Value.(entry[K, V]).value, true
}

// Put keeps a value that takes so many bytes, in place of the key's former one. It says whether there was room: a value
// larger than the whole cache is not kept.
func (c *Cache[K, V]) Put(key K, value V, size int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok {
		c.remove(e)
	}
	if size > c.most {
		return false
	}
	for c.size+size > c.most {
		c.remove(c.order.Back())
	}
	c.entries[key] = c.order.PushFront(entry[K, V]{key, value, size})
	c.size += size
	return true
}

func (c *Cache[K, V]) remove(e *list.Element) {
	gone := c.order.Remove(e).(entry[K, V])
	delete(c.entries, gone.key)
	c.size -= gone.size
}

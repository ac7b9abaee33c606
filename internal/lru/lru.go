package lru

import (
	"container/list"
	"sync"
	"time"
)

// Cache keeps values by key. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu      sync.Mutex
	most    int
	idle    time.Duration
	size    int
	order   *list.List // of entry[K, V], the last used first
	entries map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
	size  int
	used  time.Time
}

// New makes a cache whose values take at most so many bytes together, and are forgotten when they were not used for so
// long; 0 keeps them for as long as there is room.
func New[K comparable, V any](most int, idle time.Duration) *Cache[K, V] {
	return &Cache[K, V]{most: most, idle: idle, order: list.New(), entries: map[K]*list.Element{}}
}

// Get answers the value of a key.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	e, ok := c.entries[key]
	if !ok {
		return value, false
	}
	c.order.MoveToFront(e)
	known := e.Value.(entry[K, V])
	known.used = time.Now()
	e.Value = known
	return known.value, true
}

// Put keeps a value that takes so many bytes, in place of the key's former one. It says whether there was room: a value
// larger than the whole cache is not kept.
func (c *Cache[K, V]) Put(key K, value V, size int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	if e, ok := c.entries[key]; ok {
		c.remove(e)
	}
	if size > c.most {
		return false
	}
	for c.size+size > c.most {
		c.remove(c.order.Back())
	}
	c.entries[key] = c.order.PushFront(entry[K, V]{key, value, size, time.Now()})
	c.size += size
	return true
}

// expire forgets what was idle for too long, which stands last.
func (c *Cache[K, V]) expire() {
	for c.idle > 0 && c.order.Len() > 0 && time.Since(c.order.Back().Value.(entry[K, V]).used) > c.idle {
		c.remove(c.order.Back())
	}
}

func (c *Cache[K, V]) remove(e *list.Element) {
	gone := c.order.Remove(e).(entry[K, V])
	delete(c.entries, gone.key)
	c.size -= gone.size
}

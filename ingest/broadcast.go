package ingest

import "sync"

// broadcast tells everybody who waits for a name that something about it has changed.
type broadcast struct {
	mu      sync.Mutex
	waiting map[string]chan struct{}
}

func newBroadcast() *broadcast { return &broadcast{waiting: map[string]chan struct{}{}} }

// next is closed at the next announcement of name.
func (b *broadcast) next(name string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting[name] == nil {
		b.waiting[name] = make(chan struct{})
	}
	return b.waiting[name]
}

func (b *broadcast) announce(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.waiting[name]; c != nil {
		close(c)
		delete(b.waiting, name)
	}
}

// all tells everybody, and forgets the names that nobody will announce again: of jobs that were finished when they were
// asked for.
func (b *broadcast) all() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.waiting {
		close(c)
	}
	clear(b.waiting)
}
